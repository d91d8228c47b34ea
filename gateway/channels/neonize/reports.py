"""What phones report, as rows: news of customers, states of lines, codes to scan.

Rule: in the order in which it came, and until it is written; only then is the phone told that it
may forget it. Receipts that came before their message was written down wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import msgspec
import structlog
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.channels.neonize import inbox
from gateway.channels.neonize.line import Line
from gateway.host import Host
from gateway.inbound import TakenIn, take_in
from gateway.news import News, PhoneState, Receipt, StateChanged
from gateway.paired.wire import LogOut, Pairing, Report, Said, State, Told
from store import alerts, chats, pairing
from store.database import is_about_data
from store.pairing import STOP, UPGRADE, PairedPhone

if TYPE_CHECKING:  # the two belong together; only one of them can come first
    from gateway.channels.neonize.care import Care

KIND = "neonize"
LIBRARY = "neonize"
LOG_OUT_WITHIN_S = 5.0
PAUSES_S = (0.2, 1.0, 2.0, 5.0)  # while the database is away
RECEIPTS_WAIT = timedelta(minutes=2)  # for the answer of the send that they are about
LOOK_AGAIN_S = 1.0
OUTDATED_ALERT = "client_outdated"
OUTDATED = (
    "WhatsApp refuses version {} of the linked-device library. Install a newer one "
    "(pip install --upgrade neonize) and start the gateway again."
)
TAKEN = "This number is connected already, as “{}”."
log = structlog.get_logger(__name__)


def outdated_wish() -> str:
    """The wish of phones that wait for another version of the library than this one."""
    try:
        return UPGRADE + version(LIBRARY)
    except PackageNotFoundError:
        return UPGRADE + "none"


class Reports:
    """Takes reports of all lines of one worker and writes them down, one after the other."""

    def __init__(self, host: Host, care: Care) -> None:
        self.host = host
        self.care = care
        self._waiting: asyncio.Queue[tuple[Line, Report | Said]] = asyncio.Queue()
        self._early: list[tuple[datetime, int, Receipt]] = []
        self._work = asyncio.create_task(self._write_all())

    def add(self, line: Line, told: Report | Said) -> None:
        """Take one more."""
        self._waiting.put_nowait((line, told))

    async def close(self) -> None:
        """Stop; what is not written comes again from the phones' own files."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    async def _write_all(self) -> None:
        while True:
            wait = LOOK_AGAIN_S if self._early else None
            try:
                async with asyncio.timeout(wait):
                    line, told = await self._waiting.get()
            except TimeoutError:
                await self._surely(self._try_early)
                continue
            await self._surely(lambda: self._write(line, told))  # noqa: B023 - awaited here

    async def _surely(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write; while the database is away, try again until it is back."""
        tries = 0
        while True:
            try:
                await write()
                return
            except Exception as error:
                if is_about_data(error):
                    log.exception("a report cannot be written")
                    return
                log.warning("reports of phones wait for the database", error=repr(error))
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    async def _write(self, line: Line, told: Report | Said) -> None:
        match told:
            case Told(news=news, number=number):
                await self._take_in(line.phone_id, news)
                if number:
                    await line.kept(number)
            case Said(channel_id=channel_id, reference=reference):
                # Whoever asked has given up: the message is unconfirmed by now.
                late = Receipt("", channel_id, "sent", datetime.now(UTC), reference)
                await self._take_in(line.phone_id, (late,))
            case State() if self._is_current(line):
                await self._note_state(line, told)
            case Pairing() if self._is_current(line):
                shown = msgspec.to_builtins(told)
                shown.pop("type")
                async with self.host.database.write("gateway.pairing") as tx:
                    await pairing.change(tx, line.phone_id, pairing=shown)
                    company_id = (await self._phone(tx, line.phone_id)).company_id
                await self.host.bell.ring_live(company_id)
                if told.state == "failed":
                    await self.care.stop(line.phone_id)

    def _is_current(self, line: Line) -> bool:
        """Whether it is still this phone's line: what one says that was cut is no news."""
        return self.care.lines.get(line.phone_id) is line

    async def _phone(self, tx: AsyncConnection, phone_id: int) -> PairedPhone:
        [phone] = await pairing.find_many(tx, [phone_id])
        return phone

    # --- news of customers ------------------------------------------------------------------

    async def _take_in(self, phone_id: int, news: Sequence[News]) -> None:
        files = self.care.inbox(phone_id)
        placed = await inbox.place(news, files, self.care.media)
        async with self.host.database.write("gateway.news") as tx:
            phone = await self._phone(tx, phone_id)
            if phone.remote_id is None:
                log.warning("news of a phone without a number", phone=phone_id, news=len(news))
                return
            remote_id = phone.remote_id
            mine = [structs.replace(one, phone=remote_id) for one in news if _has_phone(one)]
            taken = await take_in(
                tx,
                await self._without_early(tx, phone_id, mine),
                own_phones={phone_id},
                now=self.host.clock(),
            )
            await inbox.note(tx, phone.company_id, phone_id, placed, self.host.clock())
        await inbox.clear(placed, files)
        await self._ring(taken)

    async def _without_early(
        self, tx: AsyncConnection, phone_id: int, news: Sequence[News]
    ) -> list[News]:
        """Put receipts aside whose message is not written down yet."""
        receipts = [one for one in news if isinstance(one, Receipt) and not one.reference]
        known = await chats.known(tx, {phone_id}, {one.channel_id for one in receipts})
        early = [one for one in receipts if (phone_id, one.channel_id) not in known]
        until = datetime.now(UTC) + RECEIPTS_WAIT
        self._early += [(until, phone_id, one) for one in early]
        return [one for one in news if one not in early]

    async def _try_early(self) -> None:
        """Take receipts in whose message is known by now; give up on those that waited long."""
        ids = {phone_id for _, phone_id, _ in self._early}
        async with self.host.database.read() as tx:
            known = await chats.known(tx, ids, {one.channel_id for _, _, one in self._early})
        now = datetime.now(UTC)
        ready = [one for one in self._early if (one[1], one[2].channel_id) in known]
        rest = [one for one in self._early if one not in ready and one[0] > now]
        for phone_id in sorted({one[1] for one in ready}):
            await self._take_in(phone_id, [one[2] for one in ready if one[1] == phone_id])
        self._early = rest

    async def _ring(self, taken: TakenIn) -> None:
        if taken.events:
            await self.host.bell.ring_engine()
            await self.host.bell.ring_gateway()
        for company_id in sorted(taken.companies):
            await self.host.bell.ring_live(company_id)

    # --- states of lines --------------------------------------------------------------------

    async def _note_state(self, line: Line, told: State) -> None:
        match told.state:
            case "connected":
                await self._connected(line, told)
            case "offline":
                await self._changed(line, "offline", told)
            case "unusable":
                await self._unusable(line, told)
            case "banned":
                await self._changed(line, "banned", told)
                await self.care.stop(line.phone_id)
            case "logged_out":
                await self._changed(line, "logged_out", told)
                await self.care.forget(line.phone_id)
            case "replaced":
                await self._changed(line, "flagged", told, wanted=STOP)
                await self.care.stop(line.phone_id)
            case "outdated":
                await self._outdated()

    async def _connected(self, line: Line, told: State) -> None:
        async with self.host.database.write("gateway.pairing") as tx:
            phone = await self._phone(tx, line.phone_id)
            taken_by = None
            if told.jid and (phone.status == "pairing" or phone.remote_id != told.jid):
                number = "+" + told.jid.partition("@")[0]
                now = self.host.clock()
                taken_by = await pairing.connect(tx, phone.id, told.jid, number, now)
            if taken_by is not None:
                why = TAKEN.format(taken_by)
                failed = {"state": "failed", "why": why}
                await pairing.change(
                    tx, phone.id, pairing=failed, status="logged_out", status_why=why
                )
            await alerts.resolve(tx, phone.company_id, OUTDATED_ALERT, self.host.clock())
        if taken_by is None:
            await self._changed(line, "connected", told)
        else:
            await line.ask(LogOut, LOG_OUT_WITHIN_S)
            await self.care.forget(phone.id)

    async def _unusable(self, line: Line, told: State) -> None:
        """The library cannot be loaded: installed meanwhile, the next try finds it."""
        async with self.host.database.write("gateway.pairing") as tx:
            phone = await self._phone(tx, line.phone_id)
            if phone.status == "pairing":
                failed = {"state": "failed", "why": told.why}
                await pairing.change(tx, phone.id, pairing=failed, status_why=told.why)
        await self._changed(line, "offline", told)
        if line.over:
            await self.care.stop(line.phone_id)

    async def _changed(
        self, line: Line, state: PhoneState, told: State, *, wanted: str | None = None
    ) -> None:
        async with self.host.database.write("gateway.news") as tx:
            phone = await self._phone(tx, line.phone_id)
            if wanted is not None:
                await pairing.change(tx, phone.id, wanted=wanted)
            if phone.remote_id is None:
                return
            now = self.host.clock()
            news = [StateChanged(phone.remote_id, state, told.why, now, told.until)]
            taken = await take_in(tx, news, own_phones={phone.id}, now=now)
        await self._ring(taken)
        await self.host.bell.ring_gateway()

    async def _outdated(self) -> None:
        """WhatsApp has raised the version for everybody: all paired phones stop, once told."""
        wish = outdated_wish()
        why = OUTDATED.format(wish.removeprefix(UPGRADE))
        async with self.host.database.write("gateway.pairing") as tx:
            stopped = await pairing.stop_all(tx, KIND, wish, why)
            for company_id in stopped:
                await alerts.raise_once(
                    tx, company_id, "critical", OUTDATED_ALERT, why, self.host.clock()
                )
        for company_id in stopped:
            await self.host.bell.ring_live(company_id)


def _has_phone(one: News) -> bool:
    """Whether it is about a phone and not about an account; a linked device knows none."""
    return hasattr(one, "phone")
