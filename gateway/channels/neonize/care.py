"""The owner of paired phones: holds their leases, does what people wish, keeps their lines.

Rule: a line runs only while its lease is ours. When the database is away for longer than a lease
lasts, all lines are cut: another worker may own the phones by now, and two would spoil their keys.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from gateway.channels.neonize.line import Line
from gateway.channels.neonize.reports import (
    KIND,
    LOG_OUT_WITHIN_S,
    Reports,
    outdated_wish,
)
from gateway.host import Host
from gateway.paired.wire import LogOut
from store import leases, pairing
from store.pairing import STOP, UPGRADE, PairedPhone

LEASE = timedelta(seconds=20)
RENEW_EACH_S = 5.0
MARGIN_S = 4.0  # to cut the lines before somebody else may begin
ROUND_S = 1.0
HOLD_WITHIN_S = 5.0
LOOK_WITHIN_S = 10.0
TAKEN_AT_ONCE = 3  # for each round: workers that start together share, and lines begin in turn
RESUME, PAIR = "resume", "pair"
LOGGED_OUT = "It was logged out here."
STOPPED = "It was stopped here."
CONNECTING = "It is being connected."
BESIDE = (".db", ".db-wal", ".db-shm", ".db-journal", ".news")
log = structlog.get_logger(__name__)


class Care:
    """All phones this worker owns."""

    def __init__(
        self, folder: Path, *, media: Path, program: Sequence[str], round_s: float = ROUND_S
    ) -> None:
        self.folder = folder.absolute()
        self.media = media.absolute()
        self.program = program
        self.round_s = round_s
        self.host: Host | None = None
        self.lines: dict[int, Line] = {}
        self.owned: set[int] = set()
        self._good_until = 0.0  # the leases, in the loop's time
        self._renew_at = 0.0
        self._reports: Reports | None = None

    def owns(self, phone_id: int) -> bool:
        """Whether this worker may speak for a phone now."""
        return phone_id in self.owned and asyncio.get_running_loop().time() < self._good_until

    def line(self, phone_id: int) -> Line | None:
        """The line to a phone of ours."""
        return self.lines.get(phone_id) if self.owns(phone_id) else None

    async def run(self, host: Host) -> None:
        """Look after the phones until cancelled."""
        self.open(host)
        try:
            while True:
                await self.round()
                await asyncio.sleep(self.round_s)
        finally:
            await self.close()

    def open(self, host: Host) -> None:
        """Begin, in this worker."""
        self.host = host
        self._reports = Reports(host, self)

    async def round(self) -> None:
        """Hold the leases and look at every phone once; faults are logged and tried again."""
        loop = asyncio.get_running_loop()
        try:
            if loop.time() >= self._renew_at:
                async with asyncio.timeout(self._patience(HOLD_WITHIN_S)):
                    await self.hold()
            async with asyncio.timeout(self._patience(LOOK_WITHIN_S)):
                await self.look()
        except Exception as error:  # noqa: BLE001 - the database is away, or one round failed
            log.warning("looking after paired phones failed; trying again", error=repr(error))
        if self.lines and loop.time() >= self._good_until:
            log.warning("the leases of paired phones ran out", phones=sorted(self.lines))
            self.owned = set()
            await self._cut(set(self.lines))

    def _patience(self, at_most_s: float) -> float:
        """How long a round may take: lines must be cut before their leases end."""
        left = self._good_until - asyncio.get_running_loop().time()
        return min(at_most_s, left) if self.lines else at_most_s

    async def hold(self) -> None:
        """Renew our leases and take those that nobody has."""
        host = self._given()
        began = asyncio.get_running_loop().time()
        async with host.database.read() as tx:
            if not await leases.are_needed(tx, KIND):
                return
        now = datetime.now(UTC)
        async with host.database.write("gateway.lease") as tx:
            kept = await leases.renew(tx, KIND, host.name, now, now + LEASE)
            more = await leases.take(tx, KIND, host.name, now, now + LEASE, TAKEN_AT_ONCE)
        self.owned = kept | more
        self._good_until = began + LEASE.total_seconds() - MARGIN_S
        self._renew_at = began + (0.0 if more else RENEW_EACH_S)
        await self._cut(set(self.lines) - self.owned)

    async def look(self) -> None:
        """Do what people wish of each phone, and see that those run that should."""
        if not self.owned:
            return
        async with self._given().database.read() as tx:
            phones = await pairing.find_many(tx, self.owned)
        await self._cut(set(self.lines) - {phone.id for phone in phones})
        for phone in phones:
            await self._mind(phone)

    async def close(self) -> None:
        """Stop all lines and let others own the phones."""
        await self._cut(set(self.lines))
        if self._reports is not None:
            await self._reports.close()
            self._reports = None
        if self.host is not None and self.owned:
            owned, self.owned = self.owned, set()
            try:
                async with self.host.database.write("gateway.lease") as tx:
                    await leases.give_up(tx, self.host.name, owned)
            except Exception as error:  # noqa: BLE001 - then they run out
                log.warning("leases could not be given up", error=repr(error))
        self.host = None

    async def forget(self, phone_id: int) -> None:
        """Stop a line and throw the phone's keys away: it is not paired any more."""
        await self._cut({phone_id})
        for suffix in BESIDE:
            self.database(phone_id).with_suffix(suffix).unlink(missing_ok=True)

    async def stop(self, phone_id: int) -> None:
        """Stop a line and keep the phone's keys."""
        await self._cut({phone_id})

    def database(self, phone_id: int) -> Path:
        """The file with a phone's keys."""
        return self.folder / f"{phone_id}.db"

    def inbox(self, phone_id: int) -> Path:
        """Where a phone's program lays the files that customers sent."""
        return self.folder / f"{phone_id}.in"

    async def _mind(self, phone: PairedPhone) -> None:
        wanted = phone.wanted or ""
        if wanted.startswith(PAIR):
            await self._pair(phone, wanted)
        elif wanted == "log_out":
            await self._log_out(phone)
        elif wanted == "reconnect":
            await self._reconnect(phone)
        elif wanted in (STOP, outdated_wish()):
            await self._cut({phone.id})
            if phone.status in ("connected", "pairing"):
                await self._write(phone.id, status="offline", status_why=STOPPED)
        elif wanted.startswith(UPGRADE):  # another version is installed by now
            await self._reconnect(phone)
        elif phone.id not in self.lines and self._should_run(phone):
            self._start(phone, RESUME)

    def _should_run(self, phone: PairedPhone) -> bool:
        if phone.remote_id is None or phone.paired_at is None or phone.status == "logged_out":
            return False
        if phone.status != "banned":
            return True
        return phone.paused_until is not None and phone.paused_until <= datetime.now(UTC)

    async def _pair(self, phone: PairedPhone, wanted: str) -> None:
        await self._part(phone.id)  # or the phone would list both devices
        async with self._given().database.write("gateway.pairing") as tx:
            asked = await pairing.answer(
                tx, phone.id, wanted, status="pairing", status_why="", pairing=None
            )
        if asked:
            self._start(phone, wanted)

    async def _log_out(self, phone: PairedPhone) -> None:
        await self._part(phone.id)
        async with self._given().database.write("gateway.pairing") as tx:
            if await pairing.answer(tx, phone.id, "log_out"):
                await pairing.disconnect(tx, phone.id, LOGGED_OUT)

    async def _part(self, phone_id: int) -> None:
        """Take the device off the phone, if it is there to hear of it, and forget its keys."""
        line = self.lines.pop(phone_id, None)  # what it says from here on is no news
        if line is not None:
            if line.state == "connected":
                await line.ask(LogOut, LOG_OUT_WITHIN_S)
            await line.stop()
        await self.forget(phone_id)

    async def _reconnect(self, phone: PairedPhone) -> None:
        await self._cut({phone.id})
        back = {"status": "offline", "status_why": CONNECTING}
        changes = back if phone.remote_id and phone.status not in ("paused", "draining") else {}
        async with self._given().database.write("gateway.pairing") as tx:
            if not await pairing.answer(tx, phone.id, phone.wanted or "", **changes):
                return
        if phone.remote_id is not None and phone.paired_at is not None:
            self._start(phone, RESUME)

    def _start(self, phone: PairedPhone, mode: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        reports = self._reports
        assert reports is not None  # noqa: S101 - `open` came first
        since = [] if phone.paired_at is None else ["--since", phone.paired_at.isoformat()]

        def command(mode: str) -> list[str]:
            return [
                *self.program,
                *("--database", str(self.database(phone.id))),
                *("--inbox", str(self.inbox(phone.id))),
                *("--owner", str(os.getpid())),
                *("--mode", mode),
                *(since if mode == RESUME else ()),
            ]

        line = Line(
            phone.id, command, lambda told: reports.add(line, told), mode=mode, resume=RESUME
        )
        self.lines[phone.id] = line

    async def _cut(self, phone_ids: set[int]) -> None:
        lines = [line for of in sorted(phone_ids) if (line := self.lines.pop(of, None))]
        await asyncio.gather(*(line.stop() for line in lines))

    async def _write(self, phone_id: int, **values: object) -> None:
        async with self._given().database.write("gateway.pairing") as tx:
            await pairing.change(tx, phone_id, **values)

    def _given(self) -> Host:
        assert self.host is not None  # noqa: S101 - `open` came first
        return self.host
