"""The linked device itself: its line, and what it tells. What it is asked, `hands` does.

Rule: the library's handlers only note what happened and never raise; whatever ends the line ends
the process, and its owner decides whether there will be another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from neonize.aioze import events as lib
from neonize.exc import NeonizeError
from neonize.utils.enum import Presence

from gateway.news import News
from gateway.paired import ends, outgoing
from gateway.paired.courtship import Courtship
from gateway.paired.hands import Hands
from gateway.paired.news import (
    LIDS,
    NUMBERS,
    is_chat,
    lid_without_number,
    media_of,
    message_news,
    receipt_news,
    unwrap,
)
from gateway.paired.spool import Spool
from gateway.paired.wire import (
    Done,
    FromPhone,
    Kept,
    LogOut,
    Request,
    State,
    Told,
    read_request,
)

OFFLINE_AT_MOST_S = 300.0  # the library reconnects by itself; when it does not, a new process does
LARGEST_FILE = 100_000_000  # bytes, WhatsApp's own limit for documents
FETCH_WITHIN_S = 60.0
LEAVE_WITHIN_S = 1.0
OFFLINE = "The connection to WhatsApp was lost; it is being tried again."
NOT_REACHED = "WhatsApp cannot be reached from this machine."
GONE = "The phone does not know this device any more: pair it again."
log = logging.getLogger(__name__)
Proto = Any


class Device:
    """One device around a client of the library.

    `say` takes what is told; `courtship` is None for a phone that is paired already; `since` is
    when that was; `inbox` takes customers' files, by the hash of their content.
    """

    def __init__(
        self,
        client: Any,
        say: Callable[[FromPhone], None],
        *,
        courtship: Courtship | None,
        spool: Spool,
        inbox: Path,
        since: datetime | None,
    ) -> None:
        self.client = client
        self.say = say
        self.courtship = courtship
        self.spool = spool
        self.inbox = inbox
        self.since = since
        self.hands = Hands(client)
        self.own_device: int | None = None
        self.over = asyncio.Event()
        self._incoming: asyncio.Queue[Proto] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.TimerHandle | None = None

    async def run(self, requests: asyncio.StreamReader) -> None:
        """Connect, answer and tell, until the line or the owner ends."""
        self._listen()
        for told in self.spool.waiting():
            self.say(told)
        self._expect_connection()
        connecting = asyncio.ensure_future(await self.client.connect())
        ends_it = [
            connecting,
            asyncio.create_task(self._serve(requests)),
            asyncio.create_task(self._take_in()),
            asyncio.create_task(self.over.wait()),
        ]
        if self.courtship is not None:
            ends_it.append(asyncio.create_task(self.courtship.over.wait()))
        done, _ = await asyncio.wait(ends_it, return_when=asyncio.FIRST_COMPLETED)
        if connecting in done and not self.over.is_set():
            self._connecting_ended(connecting)
        with contextlib.suppress(Exception):  # the library may do what it likes now
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await self.client.disconnect()

    # --- what the library tells ------------------------------------------------------------

    def _listen(self) -> None:
        """Ask the library for the events we know; only these cross over to us."""
        handlers: dict[type[Any], Callable[[Proto], Awaitable[None] | None]] = {
            lib.ConnectedEv: self._connected,
            lib.DisconnectedEv: lambda _: self._offline(OFFLINE),
            lib.KeepAliveTimeoutEv: self._silence,
            lib.KeepAliveRestoredEv: self._connected,
            lib.PairStatusEv: self._paired,
            lib.LoggedOutEv: lambda _: self._end(ends.LOGGED_OUT),
            lib.StreamReplacedEv: lambda _: self._end(ends.REPLACED),
            lib.ClientOutdatedEv: lambda _: self._end(ends.OUTDATED),
            lib.TemporaryBanEv: lambda event: self._end(ends.of_ban(event, datetime.now(UTC))),
            lib.ConnectFailureEv: self._refused,
            lib.StreamErrorEv: lambda event: log.warning("stream error %s", event.Code),
            lib.MessageEv: self._incoming.put_nowait,
            lib.ReceiptEv: self._receipt,
        }
        for kind, handler in handlers.items():
            self.client.event(kind)(_guarded(handler))

        async def on_qr(_client: Any, data: bytes) -> None:
            await _guarded(self._qr)(None, data)

        self.client.event.qr(on_qr)

    async def _connected(self, _event: Proto) -> None:
        self._expect_connection(no=True)
        # Only now may it be asked who it is: before, the library would tear the process down.
        me = await self.client.get_me()
        self._know(me.JID)
        if self.courtship is not None and not self.courtship.accepted:
            return
        self.say(State("connected", jid=self.hands.own))
        try:
            await self.client.send_presence(Presence.AVAILABLE)
        except NeonizeError as error:
            log.warning("presence: %s", error)

    def _silence(self, event: Proto) -> None:
        if event.ErrorCount > 1:  # one late answer is no news
            self._offline(OFFLINE)

    def _offline(self, why: str) -> None:
        self._expect_connection()
        self.say(State("offline", why))

    async def _qr(self, data: bytes) -> None:
        if self.courtship is None:  # it was paired, and the phone has forgotten it
            self._end(State("logged_out", GONE))
        else:
            await self.courtship.offer(data.decode())

    def _paired(self, event: Proto) -> None:
        if self.courtship is None:
            return
        if event.Status == event.SUCCESS:
            self._know(event.ID)
            self.since = datetime.now(UTC)
            self.courtship.accept()
        else:
            self.courtship.fail(event.Error or "The phone refused the pairing.")

    def _refused(self, event: Proto) -> None:
        state = ends.of_refusal(event, datetime.now(UTC))
        if state is None:
            self._offline(f"WhatsApp refused the connection: {event.Message or event.Reason}.")
        else:
            self._end(state)

    def _receipt(self, event: Proto) -> None:
        news = receipt_news(event, datetime.now(UTC))
        if news:
            self.say(Told(tuple(news)))

    def _end(self, state: State) -> None:
        if not self.over.is_set():
            self.say(state)
            self.over.set()

    def _connecting_ended(self, connecting: asyncio.Future[Any]) -> None:
        error = connecting.exception()
        log.warning("the connection ended: %s", error)
        if self.courtship is not None and not self.courtship.accepted:
            self.courtship.fail(NOT_REACHED if error else "")
        self.say(State("offline", NOT_REACHED if error else OFFLINE))

    def _expect_connection(self, *, no: bool = False) -> None:
        """End when the line does not come back in time; `no` when it is there."""
        if self._watch is not None:
            self._watch.cancel()
        loop = asyncio.get_running_loop()
        self._watch = None if no else loop.call_later(OFFLINE_AT_MOST_S, self.over.set)

    def _know(self, jid: Proto) -> None:
        if jid.User:
            self.hands.own, self.own_device = outgoing.words_of(jid), int(jid.Device)

    # --- messages of customers --------------------------------------------------------------

    async def _take_in(self) -> None:
        while True:
            event = await self._incoming.get()
            try:
                news = await self._news_of(event)
            except Exception:
                log.exception("an event could not be read")
                continue
            if news:
                self.say(self.spool.add(news))

    async def _news_of(self, event: Proto) -> list[News]:
        source = event.Info.MessageSource
        if not is_chat(source, event.Info.Category):
            return []
        self.hands.hear(str(event.Info.ID), source)
        lid = lid_without_number(source)
        return message_news(
            event,
            number=await self._number_of(lid) if lid else "",
            own_device=self.own_device,
            own_ids=self.hands.sent_ids,
            since=self.since,
            now=datetime.now(UTC),
            sha256=await self._fetch(event.Message),
        )

    async def _number_of(self, lid: str) -> str:
        try:
            found = await self.client.get_pn_from_lid(outgoing.jid(lid, LIDS))
        except NeonizeError:
            return ""  # not everybody has one
        return str(found.User) if found.Server == NUMBERS else ""

    async def _fetch(self, message: Proto) -> str:
        """Keep a message's file; the hash of its content, empty for none."""
        part = media_of(message)
        if part is None or part.fileLength > LARGEST_FILE:
            return ""
        try:
            async with asyncio.timeout(FETCH_WITHIN_S):
                data = await self.client.download_any(unwrap(message))
        except (NeonizeError, TimeoutError) as error:
            log.warning("a file could not be fetched: %s", error)
            return ""
        name = sha256(data).hexdigest()
        await asyncio.to_thread(_write, self.inbox / name, data)
        return name

    # --- what the owner asks ----------------------------------------------------------------

    async def _serve(self, requests: asyncio.StreamReader) -> None:
        while line := await requests.readline():
            try:
                request = read_request(line)
            except msgspec.MsgspecError as error:
                log.warning("an unreadable request: %s", error)
                continue
            if isinstance(request, Kept):
                self.spool.kept(request.n)
                continue
            task = asyncio.create_task(self._answer(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request) -> None:
        answer = await self.hands.answer(request)
        self.say(answer)
        if isinstance(request, LogOut) and isinstance(answer, Done):
            self._end(State("logged_out"))


def _guarded(handler: Callable[[Any], Awaitable[None] | None]) -> Callable[..., Awaitable[None]]:
    """A handler as the library wants it; what one raises would get lost there."""

    async def handle(_client: Any, event: Any) -> None:
        try:
            waits = handler(event)
            if waits is not None:
                await waits
        except Exception:
            log.exception("a handler failed")

    return handle


def _write(path: Path, data: bytes) -> None:
    beside = path.with_suffix(".part")
    beside.write_bytes(data)
    beside.replace(path)
