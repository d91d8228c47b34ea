"""The page of one message: its story, who may see and recall it, and that its run hears of that."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.events import Verdict
from store.events import events
from store.messages import messages
from tests.web.conftest import NOW, House
from tests.web.seed import seed_run
from tests.web.test_story import TERMS

pytestmark = pytest.mark.anyio


async def seed_message(house: House, **told: Any) -> int:
    made = await house.live()
    run_id, _ = await seed_run(house, made)
    async with house.web.database.write() as tx:
        query = sa.update(messages).where(messages.c.run_id == run_id)
        changed = await tx.execute(query.values(**told).returning(messages.c.id))
        return int(changed.scalar_one())


QUEUED: dict[str, Any] = {
    "state": "queued",
    "due_at": NOW + timedelta(hours=20),
    "sent_at": None,
    "delivered_at": None,
    "why": ["It is outside the sending hours for this contact (Europe/Rome)."],
}


async def test_a_message_that_was_delivered_tells_everything(house: House) -> None:
    of = await seed_message(
        house,
        claimed_at=NOW,
        phone_id=1,
        terms=TERMS,
        billed={"category": "marketing", "model": "PMP"},
        attempts=1,
    )
    client = await house.signed_in("viewer")
    page = (await client.get(f"/messages/{of}")).text
    for said in (
        "Message to Ada Rossi",
        "It reached the contact’s phone.",
        "Why through Main",
        "20 × 0.46",
        "has sent its 60 for today",
        "Paid as one marketing message: 0.",
        "Remind of the cart",
        "All that was asked",
    ):
        assert said in page, said
    assert "Recall" not in page
    assert f"/messages/{of}" in (await client.get(f"/runs/{await run_of(house)}")).text


async def run_of(house: House) -> int:
    [row] = await house.rows(sa.select(messages.c.run_id))
    return int(row.run_id)


async def test_a_failed_one_says_whose_matter_it_is(house: House) -> None:
    of = await seed_message(
        house, state="failed", failed_at=NOW, error="Held", error_class="metas_choice"
    )
    client = await house.signed_in()
    page = (await client.get(f"/messages/{of}")).text
    assert "Meta chose not to deliver" in page
    assert "Meta’s choice" in page


async def test_recalling_takes_it_out_of_the_queue_and_tells_its_run(both_houses: House) -> None:
    house = both_houses
    of = await seed_message(house, **QUEUED)
    client = await house.signed_in("agent")
    page = (await client.get(f"/messages/{of}")).text
    assert "It waits until then. It is outside the sending hours" in page
    for said in ("Recalled: it is not sent any more.", "It was not waiting any more"):
        answer = await client.put(f"/messages/{of}/recalled")
        assert answer.status_code == 200
        assert said in answer.text
    [row] = await house.rows(sa.select(messages.c.state).where(messages.c.id == of))
    assert row.state == "cancelled"
    [event] = await house.rows(sa.select(events.c.data, events.c.run_id))
    assert event.run_id == await run_of(house)
    assert msgspec.convert(event.data, Verdict) == Verdict(1, "suppressed", "recalled")


async def test_viewers_and_other_companies_recall_nothing(house: House) -> None:
    of = await seed_message(house, **QUEUED)
    viewer = await house.signed_in("viewer")
    assert (await viewer.put(f"/messages/{of}/recalled")).status_code == 403
    other = await house.signed_in("owner", "b")
    for method, address in (("GET", ""), ("PUT", "/recalled")):
        assert (await other.request(method, f"/messages/{of}{address}")).status_code == 404
    [row] = await house.rows(sa.select(messages.c.state).where(messages.c.id == of))
    assert row.state == "queued"
    assert (await viewer.get("/messages/12345")).status_code == 404


async def test_one_that_came_in_has_a_page_as_well(house: House) -> None:
    of = await seed_message(house, direction="in", state="received", run_id=None)
    client = await house.signed_in()
    page = (await client.get(f"/messages/{of}")).text
    assert "Message from Ada Rossi" in page
    assert "Why then and not earlier" not in page
