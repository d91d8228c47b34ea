"""What a paired phone's line tells of itself, as rows and alerts, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Text
from gateway.inbound import TakenIn, take_in
from gateway.news import Inbound, News, PhoneState, Receipt, Sender, StateChanged
from store.alerts import alerts
from store.contacts import contact_addresses
from store.phones import phones
from store.query import Query
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio
OWN = "390000000001@s.whatsapp.net"


async def add(house: House, status: str = "connected") -> int:
    return await house.add_phone(OWN, credentials={}, account_id=None, status=status)


async def tell(house: House, phone_id: int, *news: News) -> TakenIn:
    async with house.db.write() as tx:
        return await take_in(tx, news, own_phones={phone_id}, now=house.clock())


def state(to: PhoneState, why: str = "", **values: Any) -> StateChanged:
    return StateChanged(OWN, to, why, NOON, **values)


async def row(house: House, phone_id: int) -> Any:
    [found] = [one for one in await house.rows(phones) if one.id == phone_id]
    return found


async def test_only_the_phones_own_line_is_believed(house: House) -> None:
    phone = await add(house)
    assert (await tell(house, house.phone, state("offline"))).ignored == 1
    async with house.db.write() as tx:  # no secret is no key: an unsigned webhook opens nothing
        done = await take_in(tx, [state("offline")], app_secret="", now=house.clock())
    assert done.ignored == 1
    assert (await row(house, phone)).status == "connected"
    assert (await tell(house, phone, state("offline", "It is away."))).ignored == 0
    assert (await row(house, phone)).status_why == "It is away."


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        ("connected", "offline", "offline"),
        ("offline", "connected", "connected"),
        ("pairing", "connected", "connected"),
        ("banned", "connected", "connected"),
        ("logged_out", "connected", "connected"),
        ("paused", "offline", "paused"),
        ("paused", "connected", "paused"),
        ("draining", "offline", "draining"),
        ("flagged", "connected", "flagged"),
        ("banned", "offline", "banned"),
        ("logged_out", "offline", "logged_out"),
        ("paused", "banned", "banned"),
        ("connected", "logged_out", "logged_out"),
        ("draining", "flagged", "flagged"),
    ],
)
async def test_a_line_undoes_nothing_a_person_said(
    house: House, before: str, told: PhoneState, after: str
) -> None:
    phone = await add(house, before)
    await tell(house, phone, state(told))
    assert (await row(house, phone)).status == after


async def test_an_alert_is_raised_once_and_is_over_by_itself(house: House) -> None:
    phone = await add(house)
    until = NOON + timedelta(hours=6)
    for _ in range(2):
        await tell(house, phone, state("banned", "too many blocked it", until=until))
    [one] = await house.rows(alerts)
    assert (one.kind, one.severity, one.phone_id) == ("phone_banned", "critical", phone)
    assert "too many blocked it" in one.details
    assert (await row(house, phone)).paused_until == until
    house.clock.go(hours=7)
    await tell(house, phone, state("connected"), state("offline"), state("connected"))
    [one] = await house.rows(alerts)
    assert one.resolved_at is not None
    assert (await row(house, phone)).status == "connected"


async def test_states_of_one_moment_follow_each_other(house: House) -> None:
    phone = await add(house)
    await tell(house, phone, state("offline"), state("logged_out", "gone"), state("offline"))
    assert (await row(house, phone)).status == "logged_out"


async def test_somebody_known_by_a_lid(house: House) -> None:
    phone = await add(house)
    for n, sender in enumerate((Sender(lid="777"), Sender("391239999999", lid="777"))):
        await tell(house, phone, Inbound(OWN, f"IN-{n}", NOON, sender, Text("Hi")))
    found = await house.rows(contact_addresses)
    assert sorted((one.kind, one.value) for one in found) == [
        ("lid", "777"),
        ("wa_id", "391239999999"),
    ]
    assert len({one.contact_id for one in found}) == 1


async def test_a_lid_is_no_address_for_the_cloud_api(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=1)
    async with house.db.write() as tx:
        await tx.execute(sa.update(contact_addresses).values(kind="lid", kind_space="lid"))
    one = await house.queue(contact)
    await house.dispatcher().drain()
    sent = await house.message(one)
    assert (sent.state, sent.error_class) == ("failed", "contact")
    assert house.meta.taken == []


async def test_contacts_are_held_before_phones_and_their_days(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of those who claim: an answer in that moment must not lock both for ever."""
    phone = await add(house)
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).where(phones.c.id == phone).values(kind="neonize"))
    contact = await house.contact(last_outbound_at=NOON)
    sent = await house.queue(contact, state="unconfirmed", claimed_at=NOON, phone_id=phone)
    [row] = await house.rows(contact_addresses)
    changed: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        words = statement.removeprefix("INSERT INTO").removeprefix("UPDATE").split()
        if words[0] in ("contacts", "phones", "phone_days"):
            changed.append(words[0])

    rows = Query.rows

    async def note_ready(query: Query, tx: Any, **values: Any) -> Any:
        if isinstance(query._statement, sa.Update):
            changed.append(str(query._statement.table))
        return await rows(query, tx, **values)

    sa.event.listen(house.db.engine.sync_engine, "before_cursor_execute", note)
    monkeypatch.setattr(Query, "rows", note_ready)
    await tell(house, phone, Receipt(OWN, "A1", "delivered", NOON, str(sent)))
    assert changed == ["contacts", "phones", "phone_days"]
    changed.clear()
    await tell(house, phone, Inbound(OWN, "B1", NOON, Sender(row.value), Text("Hi")))
    assert (changed[0], changed[-1]) == ("contacts", "phone_days")
    assert "phone_days" not in changed[:-1]
