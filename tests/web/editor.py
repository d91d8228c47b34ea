"""A person with the builder open, over HTTP: what they change, and what their page is told."""

import json
import re
from typing import Any
from urllib.parse import unquote

import httpx

from store import automations
from tests.web.conftest import House

PARTIAL = re.compile(r'<hx-partial hx-target="([^"]+)" hx-swap="([^"]+)">')
Json = dict[str, Any]


class Editor:
    """A person with the builder open: knows the version it shows, as the page does."""

    def __init__(self, client: httpx.AsyncClient, automation: int) -> None:
        self.client, self.base = client, f"/automations/{automation}"
        self.version = 0

    async def open(self) -> httpx.Response:
        answer = await self.client.get(self.base)
        found = re.search(r'data-version="(\d+)"', answer.text)
        assert found, answer.text
        self.version = int(found[1])
        return answer

    async def change(self, *changes: Json, **more: str) -> httpx.Response:
        fields = {"version": str(self.version), "changes": json.dumps(changes), **more}
        return self._took(await self.client.post(f"{self.base}/draft/changes", data=fields))

    async def at(self, seq: str) -> httpx.Response:
        return self._took(await self.client.put(f"{self.base}/draft/at", data={"seq": seq}))

    async def news(self) -> httpx.Response:
        return self._took(
            await self.client.get(f"{self.base}/draft/patches", params={"since": self.version})
        )

    def _took(self, answer: httpx.Response) -> httpx.Response:
        self.version = int(answer.headers.get("draft-version", self.version))
        return answer


async def draft(house: House, automation: int) -> Json:
    async with house.web.database.read() as tx:
        return (await automations.get(tx, house.company, automation)).draft


async def opened(house: House, automation: int, role: str = "editor") -> Editor:
    editor = Editor(await house.signed_in(role), automation)
    await editor.open()
    return editor


def partials(answer: httpx.Response) -> list[tuple[str, str]]:
    """What is patched, and how; the status bar, which always is, left out."""
    found = PARTIAL.findall(answer.text)
    assert ("#status-bar", "outerMorph") in found
    return [one for one in found if one[0] != "#status-bar"]


def said(answer: httpx.Response) -> str:
    return unquote(answer.headers.get("draft-said", ""))
