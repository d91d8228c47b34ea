"""The simulator's panel as a browser holds it: the try-out comes along with each press."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import httpx

LIBRARY = Path(__file__).parents[2] / "flows" / "library"
SESSION = re.compile(r'name="session" value="([^"]*)"')


def library(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((LIBRARY / f"{name}.json").read_text())
    return found


class Panel:
    """The panel as a browser holds it."""

    def __init__(self, client: httpx.AsyncClient, automation: int) -> None:
        self.client = client
        self.base = f"/automations/{automation}"
        self.text = ""
        self.status = 0

    async def open(self) -> Panel:
        return self._took(await self.client.get(f"{self.base}/panel/simulate"))

    async def press(self, do: str, **fields: str) -> Panel:
        form = {"session": self.session_text, "do": do, **fields}
        return self._took(await self.client.post(f"{self.base}/simulate", data=form))

    async def keep(self, **fields: Any) -> Panel:
        form = {"session": self.session_text, **fields}
        return self._took(await self.client.post(f"{self.base}/simulate/tests", data=form))

    async def tap(self, label: str) -> Panel:
        found = re.search(rf'name="tap" value="([^"]*)">{re.escape(label)}', self.text)
        assert found is not None, self.text
        return await self.press("tap", tap=html.unescape(found[1]))

    @property
    def session_text(self) -> str:
        found = SESSION.search(self.text)
        assert found is not None, self.text
        return html.unescape(found[1])

    @property
    def session(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.session_text)
        return found

    @property
    def words(self) -> str:
        """What people read."""
        shown = self.text.partition("<hx-partial")[0]
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())

    def walk(self, name: str) -> Any:
        found = re.search(rf'data-{name}="([^"]*)"', self.text)
        assert found is not None
        text = html.unescape(found[1])
        return text if name == "current" else json.loads(text)

    def _took(self, answer: httpx.Response) -> Panel:
        self.text, self.status = answer.text, answer.status_code
        return self
