"""Schedules, dates and campaigns: once for each contact and occurrence, through crashes, changed
clocks and days without an engine.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from engine.campaigns import PIECE
from engine.jobs.tick import tick
from engine.occasions import Occasions
from engine.room import ROOM
from flows.audience import Audience
from flows.events import TimerDue
from store import automations, bulk, campaigns, contacts, erasure, lists
from store.campaigns import Campaign, trigger_marks
from store.contacts import contact_addresses
from store.events import events
from tests.engine.conftest import House
from tests.engine.flows import NOW

pytestmark = pytest.mark.anyio
GREET = {"greet": {"type": "tag", "add": ["greeted"], "next": {"done": "end"}}}
MANY = 20_000


def document(steps: dict[str, Any] | None = None, **trigger: Any) -> dict[str, Any]:
    found = steps or GREET
    return {
        "spec": 1,
        "name": "Occasion",
        "triggers": {"it": trigger},
        "start": next(iter(found)),
        "steps": {**found, "end": {"type": "end"}},
    }


def schedule(**settings: Any) -> dict[str, Any]:
    return document(
        **{"type": "schedule", "at": ["12:00"], "audience": {"everybody": True}, **settings}
    )


def birthday(**settings: Any) -> dict[str, Any]:
    return document(**{"type": "date_field", "field": "day", "yearly": True, **settings})


def occasions(house: House) -> Occasions:
    """A worker that has just begun."""
    return Occasions(house.database, house.runner.flows, house.at, house.runner.batch)


async def at(house: House, moment: str) -> int:
    """The clock shows `moment` (UTC) and a new worker looks."""
    house.now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return await occasions(house).ring()


async def fields(house: House, contact: int, **values: Any) -> None:
    async with house.database.write() as tx:
        await contacts.set_fields(tx, {contact: values}, house.now)


async def told(house: House) -> list[Any]:
    async with house.database.read() as tx:
        query = sa.select(events).where(events.c.kind == "occasion").order_by(events.c.id)
        return list((await tx.execute(query)).all())


async def campaign(house: House, **settings: Any) -> int:
    audience = Audience(**settings) if settings else Audience(everybody=True)
    automation = await house.live(document(type="campaign"))
    async with house.database.write() as tx:
        made = await campaigns.create(
            tx,
            company_id=house.company,
            automation_id=automation,
            trigger="it",
            kind="campaign",
            audience=msgspec.to_builtins(audience),
            occurrence="1",
            name="Spring",
            data={"code": "S10"},
            now=house.now,
        )
    assert made is not None
    return made


async def read(house: House, campaign_id: int) -> Campaign:
    async with house.database.read() as tx:
        return await campaigns.get(tx, house.company, campaign_id)


async def people(house: House, count: int) -> list[int]:
    """Contacts with a number, made all at once."""
    names = ("company_id", "zone", "created_at", "updated_at")
    async with house.database.write() as tx:
        rows = [(house.company, "", house.now, house.now)] * count
        await bulk.insert(tx, contacts.contacts, names, rows)
        ids = list((await tx.execute(sa.select(contacts.contacts.c.id))).scalars())
        columns = ("company_id", "contact_id", "kind", "kind_space", "value", "key", "created_at")
        await bulk.insert(
            tx,
            contact_addresses,
            columns,
            [
                (house.company, one, "phone", "number", f"+39{one}", f"39{one}", house.now)
                for one in ids
            ],
        )
    return ids


# --- schedules ---------------------------------------------------------------------------------


async def test_a_schedule_starts_its_audience_once(house: House) -> None:
    ada, ben = await house.contact(), await house.contact("+447700900124")
    await house.live(schedule(repeat="daily", zone="UTC"))
    assert await at(house, "2026-03-02T11:59:59") == 0
    await at(house, "2026-03-02T12:00:00")
    await at(house, "2026-03-02T12:00:30")
    await at(house, "2026-03-02T12:05:00")
    assert [row.contact_id for row in await told(house)] == [ada, ben]
    assert await house.tags(ada) == {"greeted"} == await house.tags(ben)
    await at(house, "2026-03-03T12:00:00")
    assert len(await told(house)) == 4
    [first, *_] = await told(house)
    assert first.data["data"]["schedule"]["local"] == "2026-03-02T12:00"
    assert first.data["why"] == "it was 2026-03-02 12:00"


async def test_nothing_starts_for_the_time_before_it_was_published(house: House) -> None:
    await house.contact()
    await house.live(schedule(repeat="daily", at=["09:00", "10:00"], zone="UTC"))  # at 10:00
    await at(house, "2026-03-02T10:01:00")
    assert await told(house) == []


async def test_a_company_zone_and_its_changed_clocks(house: House) -> None:
    await house.contact()
    await house.live(schedule(repeat="daily", at=["02:30"]))  # Rome; 29 March has no 2:30
    house.now = datetime(2026, 3, 28, 12, tzinfo=UTC)
    await at(house, "2026-03-29T00:59:00")
    seen = len(await told(house))
    await at(house, "2026-03-29T01:00:00")
    assert len(await told(house)) == seen + 1


async def test_days_without_an_engine_are_made_up_for_in_order(house: House) -> None:
    await house.contact()
    await house.live(schedule(repeat="daily", zone="UTC"))
    await at(house, "2026-03-02T12:00:00")
    await at(house, "2026-03-08T11:00:00")  # six days later; three days count
    days = [row.data["data"]["schedule"]["local"] for row in await told(house)]
    assert days == ["2026-03-02T12:00", *(f"2026-03-0{day}T12:00" for day in (5, 6, 7))]


async def test_what_is_paused_misses_what_it_misses(house: House) -> None:
    await house.contact()
    automation = await house.live(schedule(repeat="daily", zone="UTC"))
    await at(house, "2026-03-02T11:00:00")
    async with house.database.write() as tx:
        await automations.pause(tx, house.company, automation, house.now)
    await at(house, "2026-03-02T12:00:00")
    await at(house, "2026-03-02T13:00:00")
    async with house.database.write() as tx:
        await automations.resume(tx, house.company, automation, house.now)
    await at(house, "2026-03-02T13:01:00")
    assert await told(house) == []
    await at(house, "2026-03-03T12:00:00")
    assert len(await told(house)) == 1


async def test_a_trigger_that_comes_back_begins_anew(house: House) -> None:
    await house.contact()
    automation = await house.live(schedule(repeat="daily", zone="UTC"))
    await at(house, "2026-03-02T11:00:00")
    for moment, draft in (
        ("2026-03-02T11:30:00", document(type="api")),
        ("2026-03-02T13:00:00", schedule(repeat="daily", zone="UTC")),
    ):
        await at(house, moment)
        async with house.database.write() as tx:
            await automations.save_draft(tx, house.company, automation, draft, house.now)
            await automations.publish(tx, house.company, automation, None, "", house.now)
        await occasions(house).ring()
    await at(house, "2026-03-02T13:30:00")
    assert await told(house) == []


async def test_one_broken_trigger_holds_up_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.contact()
    await house.live(birthday())
    await house.live(schedule(repeat="daily", zone="UTC"))
    await at(house, "2026-03-02T10:30:00")

    def breaks(*_: Any) -> bool:
        raise KeyError("a bug")

    monkeypatch.setattr("triggers.date_field.DateField.may_be_due", breaks)
    await at(house, "2026-03-02T12:00:00")
    assert [row.contact_id for row in await told(house)] == [ada]


async def test_a_quiet_minute_writes_nothing(house: House) -> None:
    await house.live(schedule(repeat="daily", zone="UTC"))
    worker = occasions(house)
    assert await worker.ring() == 0
    before = list(await house.all(sa.select(trigger_marks.c.upto)))
    house.now += timedelta(minutes=1)
    assert await worker.ring() == 0
    assert list(await house.all(sa.select(trigger_marks.c.upto))) == before == [NOW]


# --- dates -------------------------------------------------------------------------------------


async def test_a_birthday_is_greeted_once_in_the_contacts_own_morning(house: House) -> None:
    london = await house.contact()
    tokyo = await house.contact("+81312345678")
    rome = await house.contact("+390612345678")
    for one in (london, tokyo, rome):
        await fields(house, one, day="1990-03-03")
    await fields(house, await house.contact("+390612345679"), day="1990-03-04")
    await house.live(birthday())
    for hour in range(14, 40):
        moment = datetime(2026, 3, 2) + timedelta(hours=hour)  # noqa: DTZ001  as `at` takes it
        await at(house, moment.isoformat())
    again = await told(house)
    assert [(row.contact_id, f"{row.at:%dT%H:%M}") for row in again] == [
        (tokyo, "03T00:00"),
        (rome, "03T08:00"),
        (london, "03T09:00"),
    ]
    await at(house, "2027-03-10T12:00:00")  # a year without an engine: too late to greet anybody
    assert len(await told(house)) == 3
    assert again[0].source_id.endswith(":2026-03-03")
    assert again[0].data["data"]["date"] == {
        "field": "day",
        "value": "1990-03-03",
        "day": "2026-03-03",
    }


@pytest.mark.parametrize(("rule", "day"), [("feb28", "2026-02-28"), ("mar1", "2026-03-01")])
async def test_somebody_born_on_a_leap_day(house: House, rule: str, day: str) -> None:
    ada = await house.contact()
    await fields(house, ada, day="1992-02-29")
    house.now = datetime(2026, 2, 20, tzinfo=UTC)
    automation = await house.live(birthday(leap_day=rule, zone="UTC"))
    async with house.database.write() as tx:
        await tx.execute(
            sa.insert(trigger_marks).values(automation_id=automation, trigger="it", upto=house.now)
        )
    for moment in ("2026-02-28T08:59:00", "2026-02-28T09:00:00", "2026-03-01T09:00:00"):
        await at(house, moment)
    assert [f"{row.at:%Y-%m-%d}" for row in await told(house)] == [day]


async def test_two_hours_before_an_appointment(house: House) -> None:
    ada = await house.contact()
    await fields(house, ada, day="2026-03-02T15:00:00+00:00")
    await house.live(birthday(yearly=False, when="before", by="2h", at=None))
    await at(house, "2026-03-02T12:59:00")
    assert await told(house) == []
    await at(house, "2026-03-02T13:00:00")
    await at(house, "2026-03-02T13:01:00")
    assert len(await told(house)) == 1
    # moved to later the same day: that is another appointment
    await fields(house, ada, day="2026-03-02T18:00:00+00:00")
    await at(house, "2026-03-02T16:00:00")
    assert len(await told(house)) == 2
    # filled in when its moment has passed: nothing
    await fields(house, ada, day="2026-03-02T17:00:00+00:00")
    await at(house, "2026-03-02T16:01:00")
    assert len(await told(house)) == 2


async def test_a_crash_between_pieces_of_dates_greets_nobody_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.occasions.LOOKED_AT", 3)
    ids = [await house.contact(f"+4477009001{number:02}") for number in range(10)]
    for one in ids:
        await fields(house, one, day="1990-03-02")
    await house.live(birthday(at="12:00", zone="UTC"))
    house.now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    worker, rooms = occasions(house), 0

    async def dies() -> None:
        nonlocal rooms
        rooms += 1
        if rooms == 3:
            raise RuntimeError("killed")

    monkeypatch.setattr(worker.room, "make", dies)
    await worker.ring()
    assert len(await told(house)) == 6
    await occasions(house).ring()
    assert [row.contact_id for row in await told(house)] == ids


async def test_who_may_not_be_written_to_is_left_out_of_dates(house: House) -> None:
    blocked, gone, unwilling, ada = [
        await house.contact(f"+4477009001{number:02}") for number in range(4)
    ]
    for one in (blocked, gone, unwilling, ada):
        await fields(house, one, day="1990-03-02")
    async with house.database.write() as tx:
        await contacts.block(tx, [blocked], house.now)
        await contacts.opt_out(tx, [unwilling], house.now, "test")
        await erasure.erase(tx, [gone], house.now)
    await house.live(birthday(at="12:00", zone="UTC"))
    await at(house, "2026-03-02T12:00:00")
    assert [row.contact_id for row in await told(house)] == [ada]


async def test_a_field_may_have_any_name(house: House) -> None:
    ada = await house.contact()
    name = "re'new al. $day"
    await fields(house, ada, **{name: "2026-03-02"})
    await house.live(birthday(field=name, yearly=False, at="12:00", zone="UTC"))
    await at(house, "2026-03-02T12:00:00")
    assert [row.contact_id for row in await told(house)] == [ada]


async def test_a_birthday_during_a_downtime_is_made_up_for(house: House) -> None:
    ada = await house.contact()
    await fields(house, ada, day="1990-03-04")
    await house.live(birthday(zone="company"))
    await at(house, "2026-03-02T12:00:00")
    await at(house, "2026-03-06T12:00:00")
    assert [(row.contact_id, f"{row.at:%d %H:%M}") for row in await told(house)] == [
        (ada, "04 08:00")
    ]
    assert await house.tags(ada) == {"greeted"}


# --- audiences and campaigns -------------------------------------------------------------------


async def test_whom_an_audience_holds(house: House) -> None:
    vip, both, listed, plain, out = [
        await house.contact(f"+4477009001{number:02}") for number in range(5)
    ]
    async with house.database.write() as tx:
        await contacts.tag(tx, house.company, [vip, both, out], ["vip"], house.now)
        await contacts.tag(tx, house.company, [out], ["b2b"], house.now)
        rows = [(house.company, one, "Spring Sale") for one in (both, listed)]
        await lists.join_rows(tx, rows, house.now)
        await contacts.set_fields(tx, {listed: {"size": "M"}, vip: {"size": "M"}}, house.now)
    size = {"type": "is", "value": "contact.fields.size", "op": "is", "to": "M"}
    for settings, expect in (
        ({"everybody": True}, [vip, both, listed, plain, out]),
        ({"tags": ["vip"]}, [vip, both, out]),
        ({"lists": ["spring  SALE"], "tags": ["vip"]}, [vip, both, listed, out]),
        ({"tags": ["vip"], "not_tags": ["b2b"], "not_lists": ["Spring Sale"]}, [vip]),
        ({"everybody": True, "condition": size}, [vip, listed]),
        ({"lists": ["nobody"]}, []),
        ({"not_tags": ["b2b"]}, []),
    ):
        audience: Any = msgspec.convert(settings, Audience)
        made = await campaign(house, **msgspec.structs.asdict(audience))
        await occasions(house).ring()
        started = [row for row in await told(house) if f"campaign:{made}:" in row.source_id]
        assert [row.contact_id for row in started] == expect, settings
        assert (await read(house, made)).state == "started"


async def test_who_may_not_be_written_to_is_left_out_and_counted(house: House) -> None:
    blocked, unwilling, gone, ada = [
        await house.contact(f"+4477009001{number:02}") for number in range(4)
    ]
    async with house.database.write() as tx:
        await contacts.block(tx, [blocked], house.now)
        await contacts.opt_out(tx, [unwilling], house.now, "test")
        await erasure.erase(tx, [gone], house.now)
    made = await campaign(house)
    house.now += timedelta(minutes=1)
    assert await occasions(house).ring() == 1
    done = await read(house, made)
    assert (done.state, done.started, done.left_out, done.progress) == ("started", 1, 3, 100)
    assert done.finished_at == house.now
    [row] = await told(house)
    assert (row.contact_id, row.data["data"]) == (
        ada,
        {"campaign": {"id": str(made), "name": "Spring"}, "data": {"code": "S10"}},
    )


async def test_a_large_campaign_survives_a_crash_between_pieces(house: House) -> None:
    ids = await people(house, MANY)
    made = await campaign(house)
    drains = 0

    async def handle() -> int:
        """An engine that does nothing but take events out of the line, and dies once."""
        nonlocal drains
        drains += 1
        if drains == 5:
            raise RuntimeError("killed")
        async with house.database.write() as tx:
            waiting = sa.update(events).where(events.c.handled_at.is_(None))
            served = (await tx.execute(waiting.values(handled_at=house.now))).rowcount
        assert served <= ROOM + PIECE
        return served

    first = Occasions(house.database, house.runner.flows, house.at, handle)
    with pytest.raises(RuntimeError):
        await first.ring()
    half = await read(house, made)
    assert half.state == "starting"
    assert half.started == 5 * PIECE
    assert half.progress == 100 * 5 * PIECE // MANY
    # two workers at once: neither repeats what the other did
    second = Occasions(house.database, house.runner.flows, house.at, handle)
    await second.ring()
    done = await read(house, made)
    assert (done.state, done.started, done.left_out) == ("started", MANY, 0)
    assert [row.contact_id for row in await told(house)] == ids


async def test_two_workers_fill_one_campaign_without_repeating(house: House) -> None:
    ids = await people(house, 3 * PIECE)
    made = await campaign(house)
    one, two = occasions(house), occasions(house)
    stale = await read(house, made)
    assert await one.campaigns.fill_piece(stale) == PIECE
    assert await two.campaigns.fill_piece(stale) is None
    assert await two.campaigns.fill_piece(await read(house, made)) == PIECE
    async with house.database.write() as tx:
        await campaigns.stop(tx, house.company, made, house.now)
    assert await one.campaigns.fill_piece(await read(house, made)) is None
    assert [row.contact_id for row in await told(house)] == ids[: 2 * PIECE]


async def test_a_campaign_waits_while_its_automation_is_paused(house: House) -> None:
    await house.contact()
    made = await campaign(house)
    automation = (await read(house, made)).automation_id
    async with house.database.write() as tx:
        await automations.pause(tx, house.company, automation, house.now)
    assert await occasions(house).ring() == 0
    async with house.database.write() as tx:
        await automations.resume(tx, house.company, automation, house.now)
    assert await occasions(house).ring() == 1
    assert (await read(house, made)).state == "started"


async def test_an_archived_automations_campaign_is_stopped(house: House) -> None:
    made = await campaign(house)
    automation = (await read(house, made)).automation_id
    async with house.database.write() as tx:
        await automations.archive(tx, house.company, automation, house.now)
        await campaigns.drop_archived(tx, house.now)
    assert (await read(house, made)).state == "stopped"


async def test_who_comes_later_is_not_in_an_earlier_campaign(house: House) -> None:
    ada = await house.contact()
    await campaign(house)
    await house.contact("+447700900124")
    await occasions(house).ring()
    assert [row.contact_id for row in await told(house)] == [ada]


async def test_one_broken_campaign_holds_up_no_other(house: House) -> None:
    ada = await house.contact()
    broken = await campaign(house)
    async with house.database.write() as tx:
        await tx.execute(
            sa.update(campaigns.campaigns)
            .where(campaigns.campaigns.c.id == broken)
            .values(audience={"of another version": True})
        )
    other = await campaign(house)
    worker = occasions(house)
    assert await worker.ring() == 1
    assert await worker.ring() == 0
    assert [row.contact_id for row in await told(house)] == [ada]
    assert (await read(house, broken)).state == "starting"
    assert (await read(house, other)).state == "started"


async def test_a_tick_rings_occasions_whatever_is_wrong_with_carts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.contact()
    await campaign(house)

    async def fails(*_: Any) -> int:
        raise KeyError("a bug")

    class Nobody:
        async def call_due(self) -> int:
            return 0

    monkeypatch.setattr("engine.jobs.tick.ring_carts", fails)
    ctx = {"runner": house.runner, "caller": Nobody(), "occasions": occasions(house)}
    with pytest.raises(KeyError):
        await tick(ctx)
    assert await house.tags(ada) == {"greeted"}


async def test_an_occasion_starts_only_its_own_automation(house: House) -> None:
    ada = await house.contact()
    await campaign(house)
    other = await house.live(document({"tag": {"type": "tag", "add": ["other"]}}, type="campaign"))
    await occasions(house).ring()
    await house.tell(ada, TimerDue(1))  # nothing of theirs: the line moves on
    await house.runner.drain()
    assert await house.tags(ada) == {"greeted"}
    assert other
