"""What became of messages is counted under the step that asked for them, whoever tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from flows.events import ApiCalled
from gateway.results import abandon
from gateway.tally import Tally
from store.messages import messages
from store.results import Span, results
from tests.gateway.test_inbound import change, post, status, tell
from tests.gateway.test_journeys import ENDS, TWO_ENDS, Town, offer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def town(db: Any, clock: Any, meta: Any) -> AsyncIterator[Town]:
    one = Town(db, clock, meta)
    await one.open()
    yield one
    await one.close()


async def counted(town: Town, automation: int) -> dict[str, int]:
    async with town.db.read() as tx:
        return (await results(tx, automation, Span())).of("send").messages


async def test_a_message_is_sent_delivered_and_read_once(town: Town) -> None:
    automation = await town.live({"send": offer(ENDS), **TWO_ENDS})
    await town.happen(await town.contact(), ApiCalled(automation))
    await town.all_at_work()
    assert await counted(town, automation) == {"sent": 1}
    [row] = await town.rows(messages)
    town.clock.go(hours=30)  # receipts of another day are about the same messages
    read = post(change({"statuses": [status(row.channel_id, "read")]}))
    await tell(town, read)
    late = post(change({"statuses": [status(row.channel_id, "delivered")]}))
    await tell(town, late)
    await tell(town, read)
    assert await counted(town, automation) == {"sent": 1, "delivered": 1, "read": 1}
    async with town.db.read() as tx:
        today = await results(tx, automation, Span(first=town.clock().toordinal() - 719163))
    assert not today.of("send").messages


async def test_a_message_that_is_refused_or_not_worth_sending(town: Town) -> None:
    automation = await town.live({"send": offer(ENDS), **TWO_ENDS})
    await town.template("PAUSED")
    await town.happen(await town.contact(), ApiCalled(automation))
    await town.all_at_work()
    assert await counted(town, automation) == {"failed": 1}
    await town.template("APPROVED")
    contact = await town.contact(blocked_at=None)
    await town.happen(contact, ApiCalled(automation))
    await town.runner.drain()
    from store import contacts

    async with town.db.write() as tx:
        await contacts.block(tx, [contact], town.clock())
    await town.all_at_work()
    assert await counted(town, automation) == {"failed": 1, "not_sent": 1}


async def test_nobody_knows_and_then_somebody_does(town: Town) -> None:
    automation = await town.live({"send": offer(ENDS), **TWO_ENDS})
    await town.happen(await town.contact(), ApiCalled(automation))
    await town.runner.drain()
    lost = {"state": "sending", "claimed_by": "gone", "claimed_at": town.clock(), "phone_id": 1}
    tally = Tally()
    async with town.db.write() as tx:
        await tx.execute(sa.update(messages).values(lost))
        found = await abandon(
            tx, claimed_before=town.clock(), dead_workers=["gone"], except_ids=(), tally=tally
        )
        await tally.write(tx)
    assert found == 1
    assert await counted(town, automation) == {"unconfirmed": 1}
    [row] = await town.rows(messages)
    told = status("wamid.late", "delivered", reference=row.id)
    await tell(town, post(change({"statuses": [told]})))
    assert await counted(town, automation) == {"sent": 1, "delivered": 1}
