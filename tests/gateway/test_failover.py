"""A number that dies in mid-campaign: another one takes over, in order, and nothing is lost or
counted that did not happen.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Content, Template
from gateway.channel import Accepted, Address, Channel, PhoneAccess, SendError
from gateway.consequences import Setback, bear
from gateway.dispatcher import Dispatcher
from store import templates
from store.alerts import alerts
from store.doorbell import Doorbell
from store.messages import messages
from store.phones import company_days, phone_days, phone_hours, phones
from tests.gateway.conftest import NOON, Answer, House

pytestmark = pytest.mark.anyio
OLD = NOON - timedelta(days=400)
OFFER = Template("offer", "it")
CAMPAIGN = {"priority": 2, "category": "marketing", "source": "api"}


@pytest.fixture
async def shop(house: House) -> House:
    """Two grown-up numbers, and no limits in the way."""
    await house.settings(gap_minutes=0, marketing_per_day=None, marketing_per_week=None)
    await house.add_phone("2000")
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(added_at=OLD))
    return house


async def test_a_number_is_banned_in_mid_campaign(shop: House) -> None:
    people = [await shop.contact() for _ in range(12)]
    asked = [(one, await shop.queue(one, OFFER, **CAMPAIGN)) for _ in range(3) for one in people]
    accepted: list[int] = []

    def answer(body: dict[str, Any]) -> Answer:
        banned = len(accepted) >= 8 and shop.meta.paths[-1] == "/v24.0/1000/messages"
        if banned:
            return 400, {"error": {"code": 131031, "message": "Business account locked"}}
        accepted.append(int(body["biz_opaque_callback_data"]))
        return shop.meta.accept(body)

    shop.meta.answer = answer
    dispatcher = shop.dispatcher()
    for _ in range(10):
        await dispatcher.drain()
        shop.clock.go(seconds=3)
    assert Counter(row.state for row in await shop.rows(messages)) == {"sent": 36}
    assert sorted(accepted) == sorted(message_id for _, message_id in asked)
    for one in people:
        mine = [message_id for contact, message_id in asked if contact == one]
        assert [message_id for message_id in accepted if message_id in mine] == mine
    by_id = {row.id: row.status for row in await shop.rows(phones)}
    assert Counter(by_id.values()) == {"banned": 1, "connected": 1}
    [alert] = await shop.rows(alerts)
    assert (alert.severity, alert.kind, alert.phone_id) == (
        "critical", "number_stopped", shop.phone,
    )  # fmt: skip
    moved = [row for row in await shop.rows(messages) if row.attempts > 1]
    assert moved
    assert all("Attempt 1" in " ".join(row.why) for row in moved)


async def test_a_phone_that_is_drained_keeps_its_chats(shop: House) -> None:
    mine = await shop.contact(wrote_minutes_ago=30, last_phone_id=shop.phone)
    other = await shop.contact()
    async with shop.db.write() as tx:
        await tx.execute(
            sa.update(phones).where(phones.c.id == shop.phone).values(status="draining")
        )
    await shop.queue(mine, priority=1)
    await shop.queue(other, OFFER, **CAMPAIGN)
    await shop.dispatcher().drain()
    assert sorted(shop.meta.paths) == ["/v24.0/1000/messages", "/v24.0/2000/messages"]


class Whims(Channel):
    """Answers anything, decided by the message's own id."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    async def send(
        self,
        phone: PhoneAccess,
        to: Address,
        content: Content,
        *,
        reference: str,
        quoted: str = "",
    ) -> Accepted | SendError:
        del phone, to, content, quoted
        whim = random.Random(f"{reference}:{self.sent[reference]}").random()
        self.sent[reference] += 1
        if whim < 0.75:
            return Accepted(f"wamid.{reference}.{self.sent[reference]}")
        if whim < 0.85:
            return SendError("temporary", 131000, "Something went wrong")
        if whim < 0.92:
            return SendError("contact", 131026, "Undeliverable")
        if whim < 0.97:
            return SendError("unreachable", 0, "cannot be reached")
        return SendError("uncertain", 0, "No answer came")

    async def close(self) -> None:
        pass


async def test_a_place_that_is_taken_is_used_or_given_back(shop: House) -> None:
    """On real rows; the same in ten thousand generated worlds is in test_worlds.py."""
    for n in range(40):
        contact = await shop.contact()
        for _ in range(5):
            await shop.queue(contact, OFFER, **CAMPAIGN | {"priority": 1 + n % 2})
    channel = Whims()
    bell = Doorbell(None)
    dispatcher = Dispatcher(
        shop.db, bell, shop.clock, {"cloud_api": channel}, name="w", throughput_per_s=10_000
    )
    for _ in range(60):
        await dispatcher.drain()
        shop.clock.go(seconds=20)
        async with shop.db.write() as tx:  # whims are no reason to switch a number off here
            rested = {"breaker_until": None, "failures_in_row": 0, "status": "connected"}
            await tx.execute(sa.update(phones).values(**rested))
        if not await _queued(shop):
            break
    rows = await shop.rows(messages)
    states = Counter(row.state for row in rows)
    assert set(states) == {"sent", "failed", "unconfirmed"}
    used = states["sent"] + states["unconfirmed"]
    assert sum(row.sent for row in await shop.rows(phone_days)) == used
    assert sum(row.sent for row in await shop.rows(phone_hours)) == used
    assert sum(row.sent for row in await shop.rows(company_days)) == used
    people = {row.contact_id for row in rows if row.state in ("sent", "unconfirmed")}
    opened = sum(row.opened for row in await shop.rows(phone_hours))
    assert len(people) <= opened <= used


async def _queued(house: House) -> int:
    return sum(row.state == "queued" for row in await house.rows(messages))


async def test_a_template_leaves_through_an_account_that_has_it(shop: House) -> None:
    async with shop.db.write() as tx:
        second = phones.c.remote_id == "2000"
        await tx.execute(sa.update(phones).where(second).values(account_id="waba-2"))
        row = {"language": "it", "category": "MARKETING", "components": []}
        for account, name, status in (
            ("waba-1", "offer", "REJECTED"),
            ("waba-2", "offer", "APPROVED"),
            ("waba-1", "news", "APPROVED"),
        ):
            told = row | {"account_id": account, "name": name, "status": status}
            await templates.upsert(tx, shop.company, [told], NOON)
    for name in ("offer", "offer", "news", "news"):
        content = Template(name, "it")
        await shop.queue(await shop.contact(), content, template=name, **CAMPAIGN)
    await shop.dispatcher().drain()
    through = Counter(
        (path.split("/")[2], body["template"]["name"])
        for path, body in zip(shop.meta.paths, shop.meta.taken, strict=True)
    )
    assert through == {("2000", "offer"): 2, ("1000", "news"): 2}


async def test_a_template_waits_for_the_account_that_may_still_approve_it(shop: House) -> None:
    async with shop.db.write() as tx:
        row = {"name": "offer", "language": "it", "category": "MARKETING", "components": []}
        for account, status in (("waba-1", "REJECTED"), ("waba-2", "PENDING")):
            told = row | {"account_id": account, "status": status}
            await templates.upsert(tx, shop.company, [told], NOON)
    one = await shop.queue(await shop.contact(), OFFER, template="offer", **CAMPAIGN)
    await shop.dispatcher().drain()
    assert (await shop.message(one)).state == "queued"


async def test_failures_of_a_phone_that_is_away_do_not_hide_why(shop: House) -> None:
    async with shop.db.write() as tx:
        values = {"status": "banned", "failures_in_row": 7}
        await tx.execute(sa.update(phones).where(phones.c.id == shop.phone).values(**values))
        error = SendError("temporary", 131000, "Something went wrong")
        setback = Setback(shop.company, shop.phone, 1, NOON.date(), error)
        await bear(tx, [setback], {}, NOON)
    by_id = {row.id: (row.status, row.failures_in_row) for row in await shop.rows(phones)}
    assert by_id[shop.phone] == ("banned", 8)
