"""The owner of paired phones: pairing, wishes, bans, and never two owners."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Text
from gateway.channels.neonize.reports import outdated_wish
from gateway.paired.library import NOT_INSTALLED
from store import phones
from store.alerts import alerts
from store.messages import messages
from tests.gateway.neonize.conftest import OWN, PairedHouse, until
from tests.gateway.paired.protos import jid, message, proto

pytestmark = pytest.mark.anyio
SUCCESS = proto.PairStatus(
    ID=jid("390000000001", device=7), BusinessName="", Platform="", Status=proto.PairStatus.SUCCESS
)


async def open_alerts(house: PairedHouse) -> list[tuple[str, int | None]]:
    rows = await house.rows(alerts)
    return sorted((row.kind, row.phone_id) for row in rows if row.resolved_at is None)


async def test_a_phone_is_paired_by_scanning(paired: PairedHouse) -> None:
    new = await paired.add_paired(None)
    await paired.wish("pair", new)
    paired.work()
    pretend = paired.pretend(new)
    await pretend.tell(qr="2@first")
    shown = await paired.pairing_is("waiting_qr", new)
    assert shown["qr"] == "2@first"
    assert datetime.fromisoformat(shown["until"]) > datetime.now(UTC)
    row = await paired.the_phone(new)
    assert (row.status, row.wanted, row.remote_id) == ("pairing", None, None)
    await pretend.tell(qr="2@second")

    async def second() -> bool:
        return bool(((await paired.the_phone(new)).pairing or {}).get("qr") == "2@second")

    await until(second)
    async with paired.db.write() as tx:  # the number of the house's other phone is another one
        change = sa.update(phones.phones).where(phones.phones.c.id == paired.phone)
        await tx.execute(change.values(remote_id="390000000009@s.whatsapp.net"))
    await pretend.happens(SUCCESS)
    await paired.pairing_is("scanned", new)
    await pretend.happens(proto.Connected(status=True))
    row = await paired.is_("connected", new)
    assert (row.remote_id, row.number) == (OWN, "+390000000001")
    assert (row.paired_at, row.pairing) == (paired.clock(), {"state": "connected"})
    file = paired.folder / "phones" / f"{new}.db"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_phone_is_paired_by_a_typed_code(paired: PairedHouse) -> None:
    new = await paired.add_paired(None)
    await paired.wish("pair_code:390000000001", new)
    paired.work()
    await paired.pretend(new).tell(qr="2@first")
    shown = await paired.pairing_is("waiting_code", new)
    assert (shown["code"], shown.get("qr", "")) == ("ABCD-EFGH", "")


async def test_without_a_code_to_type_it_says_so(paired: PairedHouse) -> None:
    new = await paired.add_paired(None)
    await paired.wish("pair_code:390000000001", new)
    paired.work()
    await paired.pretend(new).tell(answers={"PairPhone": "status 503"}, qr="2@first")
    assert "scan a code instead" in (await paired.pairing_is("failed", new))["why"]


async def test_after_six_codes_somebody_has_to_ask_again(paired: PairedHouse) -> None:
    new = await paired.add_paired(None)
    await paired.wish("pair", new)
    paired.work()
    for n in range(7):
        await paired.pretend(new).tell(qr=f"2@{n}")
    assert "Ask for a new code" in (await paired.pairing_is("failed", new))["why"]
    before = paired.pretend(new).pid
    await paired.wish("pair", new)

    async def again() -> bool:
        return paired.pretend(new).pid != before

    await until(again)
    await paired.pretend(new).tell(qr="2@new")
    assert (await paired.pairing_is("waiting_qr", new))["qr"] == "2@new"


async def test_a_number_that_is_connected_already(paired: PairedHouse) -> None:
    new = await paired.add_paired(None)
    await paired.wish("pair", new)
    paired.work()
    pretend = paired.pretend(new)
    await pretend.tell(qr="2@first")
    await pretend.happens(SUCCESS)
    await pretend.happens(proto.Connected(status=True))
    assert "already, as “Own”" in (await paired.pairing_is("failed", new))["why"]
    row = await paired.the_phone(new)
    assert (row.remote_id, row.status) == (None, "logged_out")


async def test_wishes(paired: PairedHouse) -> None:
    paired.work()
    await paired.is_("connected")
    first = paired.pretend().pid
    await paired.wish("stop")
    assert (await paired.is_("offline")).status_why == "It was stopped here."
    assert paired.channel.care.lines == {}
    await paired.wish("reconnect")
    row = await paired.is_("connected")
    assert (row.wanted, paired.pretend().pid != first) == (None, True)
    database = paired.folder / "phones" / f"{paired.phone}.db"
    assert database.exists()
    await paired.wish("log_out")
    row = await paired.is_("logged_out")
    assert (row.remote_id, row.wanted) == (None, None)
    assert not database.exists()
    assert await open_alerts(paired) == []  # it was wished


BAN = proto.TemporaryBan(Code=proto.TemporaryBan.BLOCKED_BY_USERS, Expire=3600)


@pytest.mark.parametrize(
    ("event", "status", "alert", "words"),
    [
        (BAN, "banned", "phone_banned", "too many people blocked it"),
        (proto.StreamReplaced(), "flagged", "phone_flagged", "Another program"),
        (
            proto.LoggedOut(OnConnect=False, Reason=2),
            "logged_out",
            "phone_logged_out",
            "taken off the phone",
        ),
    ],
)
async def test_lines_that_end(
    paired: PairedHouse, event: Any, status: str, alert: str, words: str
) -> None:
    paired.work()
    await paired.is_("connected")
    await paired.pretend().happens(event)
    row = await paired.is_(status)
    assert words in row.status_why
    assert await open_alerts(paired) == [(alert, paired.phone)]
    assert (row.wanted == "stop") is (status == "flagged")

    async def stopped() -> bool:
        return paired.channel.care.lines == {}

    await until(stopped)
    await paired.channel.care.look()
    assert paired.channel.care.lines == {}
    if status == "banned":
        assert row.paused_until > datetime.now(UTC) + timedelta(minutes=50)
    if status == "flagged":
        await paired.wish("reconnect")
        await paired.is_("connected")
        assert await open_alerts(paired) == []


async def test_a_ban_that_is_over_is_tried_again(paired: PairedHouse) -> None:
    paired.work()
    await paired.is_("connected")
    await paired.pretend().happens(BAN)
    await paired.is_("banned")
    async with paired.db.write() as tx:
        change = sa.update(phones.phones).where(phones.phones.c.id == paired.phone)
        await tx.execute(change.values(paused_until=datetime.now(UTC)))
    await paired.is_("connected")
    assert await open_alerts(paired) == []


async def test_a_library_that_is_too_old_stops_all_phones(paired: PairedHouse) -> None:
    other = await paired.add_paired("390000000002@s.whatsapp.net", name="Other", status="paused")
    paired.work()
    await paired.is_("connected")
    await paired.pretend(other).tell()
    await paired.pretend().happens(proto.ClientOutdated())
    for phone in (paired.phone, other):
        row = await paired.is_("flagged", phone)
        assert row.wanted == outdated_wish()
        assert "Install a newer one" in row.status_why
    assert await open_alerts(paired) == [("client_outdated", None)]

    async def stopped() -> bool:
        return paired.channel.care.lines == {}

    await until(stopped)
    await paired.wish("upgrade:0.0.1")  # as if that one had been too old, and this one is newer
    await paired.is_("connected")
    assert await open_alerts(paired) == []


async def test_a_paused_phone_stays_paused(paired: PairedHouse) -> None:
    await paired.stop()
    async with paired.db.write() as tx:
        change = sa.update(phones.phones).where(phones.phones.c.id == paired.phone)
        await tx.execute(change.values(status="paused"))
    paired.work()
    await paired.pretend().happens(message("Hi", "IN-1"))

    async def told() -> bool:
        return bool(await paired.rows(messages))

    await until(told)
    assert (await paired.the_phone()).status == "paused"


async def test_a_go_panic_kills_one_phone_only(paired: PairedHouse) -> None:
    other = await paired.add_paired("390000000002@s.whatsapp.net", name="Other")
    paired.work()
    await paired.is_("connected")
    await paired.pretend(other).tell(answers={"SendMessage": "panic"})
    mine = paired.pretend().pid
    contact = await paired.contact(wrote_minutes_ago=1)
    await paired.is_("connected", other)
    one = await paired.queue(contact, Text("Hi"), phone_id=other)
    await paired.paired_dispatcher().drain()
    assert (await paired.message(one)).state == "unconfirmed"
    assert (await paired.is_("offline", other)).status_why.startswith("The phone's program ended")
    await paired.is_("connected", other)
    assert paired.pretend().pid == mine


async def test_news_survive_the_owner(paired: PairedHouse) -> None:
    """What was told and not written down is told again by the phone's next process."""
    paired.work()
    await paired.is_("connected")
    care = paired.channel.care
    assert care._reports is not None
    await care._reports.close()  # nobody writes any more
    pretend = paired.pretend()
    await pretend.happens(message("Do not lose me", "IN-1"))
    spool = paired.folder / "phones" / f"{paired.phone}.news"

    async def kept() -> bool:
        return b"Do not lose me" in spool.read_bytes()

    await until(kept)
    os.kill(pretend.pid, signal.SIGKILL)
    await paired.stop()
    assert await paired.rows(messages) == []
    paired.channel = paired.open_channel()
    paired.work()

    async def told() -> bool:
        return [row.preview for row in await paired.rows(messages)] == ["Do not lose me"]

    await until(told)

    async def let_go() -> bool:
        return spool.read_bytes() == b""

    await until(let_go)


async def test_a_missing_library_is_said_in_words(paired: PairedHouse, tmp_path: Path) -> None:
    program = tmp_path / "without.py"
    program.write_text(
        "import importlib.util, sys\n"
        "from gateway.paired import library, phone\n"
        "library.find_spec = lambda name: None\n"
        "phone.main(sys.argv[1:])\n"
    )
    paired.channel = paired.open_channel(program=(sys.executable, str(program)))
    new = await paired.add_paired(None)
    await paired.wish("pair", new)
    paired.work()
    assert (await paired.pairing_is("failed", new))["why"] == NOT_INSTALLED

    async def said() -> bool:
        return bool((await paired.the_phone()).status_why == NOT_INSTALLED)

    await until(said)


async def test_houses_without_paired_phones_pay_nothing(paired: PairedHouse) -> None:
    async with paired.db.write() as tx:
        await tx.execute(sa.delete(phones.phones))
    paired.work()
    await paired.channel.care.round()
    assert (paired.channel.care.owned, paired.channel.care.lines) == (set(), {})
    assert not (paired.folder / "phones").exists()
