"""Changes of a draft over HTTP: patches, undo and redo, several editors, refusals."""

import json
import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from store import automations
from tests.web.conftest import House, cart_flow

pytestmark = pytest.mark.anyio

PARTIAL = re.compile(r'<hx-partial hx-target="([^"]+)" hx-swap="([^"]+)">')


async def change(
    client: httpx.AsyncClient, automation: int, *changes: dict[str, Any], version: int = 0, **more: str
) -> httpx.Response:
    fields = {"version": str(version), "changes": json.dumps(changes), **more}
    return await client.post(f"/automations/{automation}/draft/changes", data=fields)


def partials(answer: httpx.Response) -> list[tuple[str, str]]:
    return PARTIAL.findall(answer.text)


async def draft(house: House, automation: int) -> dict[str, Any]:
    async with house.web.database.read() as tx:
        return (await automations.get(tx, house.company, automation)).draft


async def test_a_change_is_kept_and_its_cards_are_sent(both_houses: House) -> None:
    house = both_houses
    made = await house.automation(cart_flow())
    editor = await house.signed_in("editor")
    answer = await change(
        editor, made, {"do": "add", "kind": "delay", "after": {"step": "thank", "exit": "sent"}}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["draft-version"] == "1"
    assert answer.headers["draft-seq"] == "1"
    assert answer.headers["draft-open"] == "delay"
    assert unquote(answer.headers["draft-said"]) == "Delay added"
    assert ("#step-thank", "outerMorph") in partials(answer)
    assert ("#step-thank", "afterend") in partials(answer)
    assert ("#status-bar", "outerMorph") in partials(answer)
    steps = (await draft(house, made))["steps"]
    assert steps["thank"]["next"] == {"sent": "delay"}
    assert steps["delay"]["next"] == {"after": "end"}
