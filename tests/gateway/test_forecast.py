"""When what waits will have left: played ahead by the same decisions, and told of a real queue."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from flows.content import Template
from gateway import outlook
from gateway.asked import CompanyFacts, ContactFacts, MessageFacts
from gateway.balance import PhoneFacts
from gateway.decide import TOO_LATE, Decision, decide
from gateway.fleet import Fleet
from gateway.forecast import Forecast, Waiting, forecast
from gateway.pacing import next_day
from gateway.window import WEEKDAYS, week
from tests.gateway.conftest import House

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday, noon in Rome
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ROME = "Europe/Rome"
COMPANY = CompanyFacts(
    hours=week(dict.fromkeys(WEEKDAYS[:6], ("09:00", "20:00"))),
    gap_minutes=60,
    day_ends=next_day(NOW, ROME),
)
PHONE = PhoneFacts(id=1, added_at=NOW - 400 * DAY, day_ends=COMPANY.day_ends, name="Shop")
MESSAGE = MessageFacts(
    id=1, priority=2, category="marketing", source="automation", is_template=True, kind="template"
)
CONTACT = ContactFacts(zones=(ROME,))


def told(
    count: int,
    phones: list[PhoneFacts],
    company: dict[str, Any] | None = None,
    contact: dict[str, Any] | None = None,
    message: dict[str, Any] | None = None,
    **more: Any,
) -> Forecast:
    mine = structs.replace(MESSAGE, **message or {})
    waiting = [Waiting(n, structs.replace(mine, id=n + 1), NOW) for n in range(count)]
    people = {n: structs.replace(CONTACT, **contact or {}) for n in range(count)}
    return forecast(
        waiting, people, structs.replace(COMPANY, **company or {}), Fleet(phones, NOW),
        zone_name=ROME, delay_ms=(40_000, 40_000), per_s=80.0, **more,
    )  # fmt: skip


def test_a_number_of_the_cloud_api_sends_so_many_a_second() -> None:
    found = told(800, [PHONE])
    assert (found.messages, found.left_out, found.later) == (800, (), 0)
    assert found.last_at is not None
    assert found.last_at - NOW == pytest.approx(timedelta(seconds=10), abs=timedelta(seconds=0.1))
    assert found.by_day == ((date(2026, 11, 18), 800),)


def test_days_hours_and_limits_stretch_it() -> None:
    # Eight hours are left today; a limit of 300 a day; Sunday is closed.
    found = told(1_000, [structs.replace(PHONE, daily_limit=300)])
    days = [(18, 300), (19, 300), (20, 300), (21, 100)]
    assert found.by_day == tuple((date(2026, 11, day), n) for day, n in days)
    assert found.last_at is not None
    assert found.last_at.astimezone(UTC).hour == 8  # nine in Rome, when Saturday opens


def test_paired_phones_keep_their_pace() -> None:
    paced = structs.replace(PHONE, paced=True, needs_window=False, hourly_limit=None)
    found = told(10, [paced])
    assert found.last_at == NOW + 9 * timedelta(seconds=40)
    both = told(10, [paced, structs.replace(paced, id=2)])
    assert both.last_at == NOW + 4 * timedelta(seconds=40)


def test_who_is_left_out_and_why() -> None:
    found = told(5, [PHONE], contact={"consent": "no"})
    assert found == Forecast(0, None, (("The contact asked for no more messages.", 5),))


def test_what_can_never_leave_still_waits_at_the_horizon() -> None:
    assert told(3, [structs.replace(PHONE, daily_limit=0)]) == Forecast(0, None, later=3)


def test_what_a_person_must_put_right_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    decided = Counter[str]()

    def counted(*given: Any) -> Decision:
        decided["times"] += 1
        return decide(*given)

    monkeypatch.setattr("gateway.forecast.decide", counted)
    banned = structs.replace(PHONE, status="banned")
    assert told(50, [banned]) == Forecast(0, None, later=50)
    assert decided.total() == 50  # and not once for each minute of sixty days
    resting = structs.replace(PHONE, id=2, paused_until=NOW + HOUR)
    found = told(50, [banned, resting])
    assert (found.messages, found.later) == (50, 0)
    assert found.last_at is not None
    assert found.last_at - NOW < HOUR + MINUTE
    soon = {"expires_at": NOW + HOUR}
    assert told(1, [banned], message=soon).left_out == ((TOO_LATE, 1),)


def test_only_what_was_asked_for_is_told() -> None:
    found = told(4, [structs.replace(PHONE, daily_limit=3)], only={4})
    assert (found.messages, found.by_day) == (1, ((date(2026, 11, 19), 1),))


@pytest.mark.anyio
async def test_a_real_queue(house: House) -> None:
    offer = Template("offer", "it")
    for _ in range(3):
        await house.queue(await house.contact(), offer, priority=2, category="marketing")
    stopped = await house.contact(consent="no")
    await house.queue(stopped, offer, priority=2, category="marketing")
    async with house.db.read() as tx:
        found = await outlook.of_queue(tx, house.company, house.clock())
        campaign = await outlook.of_campaign(
            tx, house.company, [stopped, 1, 2], house.clock(), at=house.clock() + HOUR
        )
    assert (found.messages, found.left_out) == (
        3,
        (("The contact asked for no more messages.", 1),),
    )
    assert (campaign.messages, campaign.left_out) == (2, found.left_out)
    assert campaign.last_at == pytest.approx(house.clock() + HOUR, abs=MINUTE)


@pytest.mark.anyio
async def test_a_part_stands_for_the_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "AT_MOST", 2)
    for _ in range(6):
        await house.queue(await house.contact(wrote_minutes_ago=30), priority=1)
    async with house.db.read() as tx:
        found = await outlook.of_queue(tx, house.company, house.clock())
    assert (found.messages, found.is_part) == (6, True)


@pytest.mark.anyio
async def test_why_a_message_has_not_left(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=30)
    ready = await house.queue(contact, priority=1)
    behind = await house.queue(await house.contact(), Template("offer", "it"), priority=1)

    async def why(message_id: int) -> tuple[datetime | None, tuple[str, ...]]:
        async with house.db.read() as tx:
            return await outlook.of_message(tx, house.company, message_id, house.clock())

    assert await why(ready) == (None, (outlook.ITS_TURN,))
    assert await why(behind) == (None, ("1 before it in line.", outlook.ITS_TURN))
    house.clock.go(hours=12)
    at, words = await why(behind)
    assert (at, words[0]) == (
        NOW + 21 * HOUR, "It is outside the sending hours for this contact (Europe/Rome)."
    )  # fmt: skip
    async with house.db.write() as tx:
        from store import companies

        await companies.set_status(tx, house.company, "suspended")
    assert await why(behind) == (None, (outlook.ON_HOLD,))
    assert await why(999) == (None, ())
