"""The settings panel over HTTP: what is stored, what is refused, and who may do it."""

from typing import Any

import pytest

from store.automations import automations
from tests.web.conftest import House, cart_flow

pytestmark = pytest.mark.anyio


async def draft(house: House, made: int) -> dict[str, Any]:
    rows = await house.rows(automations.select().where(automations.c.id == made))
    return dict(rows[0].draft)


async def test_choosing_a_template_makes_room_for_what_it_wants(house: House) -> None:
    client = await house.signed_in("editor")
    made = await house.automation(
        cart_flow(start="one", steps={"one": {"type": "send_template", "language": "de"}})
    )
    address = f"/automations/{made}/draft/steps/one"
    page = await client.get(f"/automations/{made}/panel/step/one")
    assert "What fills" not in page.text  # nothing to fill in before there is a template
    answer = await client.patch(
        address, data={"part": "/template", "/template": "cart_reminder", "version": "0"}
    )
    assert answer.status_code == 200, answer.text
    step = (await draft(house, made))["steps"]["one"]
    assert step == {
        "type": "send_template",
        "template": "cart_reminder",
        "language": "en",
        "body": [""],
        "buttons": [{"index": 0, "kind": "quick_reply", "value": "stop"}],
        "at": step["at"],
    }
    assert "{{1}}" in answer.text
    assert "This is empty; WhatsApp refuses an empty variable." in answer.text
