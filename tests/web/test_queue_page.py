"""The queue and the templates as people look at them."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import automations, queue_view, templates
from tests.web.conftest import NOW, TEMPLATE, House, cart_flow
from tests.web.gateway_seed import queue_one
from tests.web.seed import seed_run
from web.templates.view import names_used, preview, rejection

pytestmark = pytest.mark.anyio


async def test_the_queue_is_told_by_priority_and_automation(both_houses: House) -> None:
    house = both_houses
    client = await house.signed_in("editor")
    assert "Nothing waits" in (await client.get("/queue")).text
    made = await house.live()
    _, contact = await seed_run(house, made)
    paused = await house.live(cart_flow("Order shipped"))
    later = NOW + timedelta(hours=22)
    why = ["It is outside the sending hours for this contact (Europe/Rome)."]
    waits = await queue_one(
        house, contact, due_at=later, why=why, automation_id=made, source="automation", priority=2
    )
    await queue_one(house, contact, created_at=NOW - timedelta(hours=1))
    await queue_one(house, contact)
    await queue_one(house, contact, automation_id=paused, source="automation")
    await queue_one(house, contact, company_id=house.other_company)
    await queue_one(house, contact, state="unconfirmed", claimed_at=NOW)
    async with house.web.database.write() as tx:
        await automations.pause(tx, house.company, paused, NOW)
        told = await queue_view.lines(tx, house.company, NOW)
        following = await queue_view.next_up(tx, house.company)
        in_hand = await queue_view.in_hand(tx, house.company)
    assert [(one.priority, one.source, one.waiting, one.due, one.held) for one in told] == [
        (1, "api", 2, 2, False),
        (1, "automation", 1, 0, True),
        (2, "automation", 1, 0, False),
    ]
    assert (told[0].oldest_at, told[1].next_at, told[2].next_at) == (
        NOW - timedelta(hours=1),
        None,
        later,
    )
    assert len(following) == 3
    assert following[-1].id == waits
    assert (in_hand.sending, in_hand.unconfirmed) == (0, 1)
    page = (await client.get("/queue")).text
    for said in (why[0], "Abandoned cart", "Order shipped", "Paused", f"/messages/{waits}"):
        assert said in page, said
    viewer = await house.signed_in("agent")
    assert (await viewer.get("/queue")).status_code == 403


async def test_the_forecast_says_when_the_last_one_leaves(both_houses: House) -> None:
    house = both_houses
    client = await house.signed_in("editor")
    assert "Nothing of what waits" in (await client.get("/queue/forecast")).text
    made = await house.live()
    template = {"type": "template", "name": "cart_reminder", "language": "en", "body": ["Ada"]}
    for place in range(3):
        number = f"+3933376543{place:02}"
        _, contact = await seed_run(house, made, name=f"Person {place}", number=number)
        told: dict[str, Any] = {"template": "cart_reminder"} if place else {}
        content = template if place else {"type": "text", "body": "Free text"}
        await queue_one(house, contact, content=content, **told)
    part = (await client.get("/queue/forecast")).text
    assert "2 messages</b> will leave" in part
    assert "1 will be left out" in part
    assert "so only a template may be sent" in part
    assert "<html" not in part


async def test_templates_show_their_bubble_state_and_users(house: House) -> None:
    await house.live()
    rejected = TEMPLATE | {"name": "sale", "status": "REJECTED", "quality": "RED"}
    async with house.web.database.write() as tx:
        await templates.upsert(tx, house.company, [rejected], NOW)
        await tx.execute(
            sa.update(templates.templates)
            .where(templates.templates.c.name == "sale")
            .values(rejected_because="PROMOTIONAL")
        )
    client = await house.signed_in("editor")
    page = (await client.get("/templates")).text
    for said in (
        "cart_reminder",
        "Hi {{1}}, your cart is waiting.",
        "Stop",
        "Abandoned cart",
        "It advertises, so it has to be in the category marketing.",
        "Approved",
    ):
        assert said in page, said
    searched = (await client.get("/templates?q=SALE&status=rejected")).text
    assert "cart_reminder" not in searched
    assert "No template fits" in (await client.get("/templates?q=nothing")).text
    assert (await (await house.signed_in("viewer")).get("/templates")).status_code == 403
    async with house.web.database.write() as tx:
        await tx.execute(sa.delete(templates.templates))
    assert "No templates yet" in (await client.get("/templates")).text


def test_components_and_documents_of_any_shape_are_no_fault() -> None:
    shown = preview(
        [
            {"type": "HEADER", "format": "IMAGE"},
            {"type": "body", "text": None},
            {"type": "FOOTER", "text": "Bye"},
            {"type": "BUTTONS", "buttons": [1, {"type": "URL"}]},
            {"type": "CAROUSEL", "cards": [{}, {}]},
            {},
        ]
    )
    assert (shown.media, shown.body, shown.footer, shown.buttons, shown.cards) == (
        *("Picture", "", "Bye"),
        ("URL",),
        2,
    )
    assert names_used([None, {}, {"steps": []}, {"steps": {"a": 1, "b": {"template": 1}}}]) == set()
    assert names_used([cart_flow()]) == {("cart_reminder", "en")}
    assert rejection("NONE") == ""
    assert rejection("A sentence of its own.") == "A sentence of its own."
