"""Tells news to people's own programs: rows claimed, called, tried again for a day, then given up.

Rule: a program that is away is asked less and less, and never keeps the others waiting; what it
missed waits in the database, not here.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.mail import Letter, Mailer
from engine.outside import client
from engine.webhooks import ABANDONED, Attempt, attempt
from flows.effects import CallWebhook
from flows.events import HttpAnswered
from store import alerts, companies, house, http_calls, news
from store.database import Database
from store.http_calls import OpenCall

AT_ONCE = 64
OF_EACH_HOST = 16
TOLD_FOR = timedelta(hours=24)
FIRST_PAUSE_S = 2
LONGEST_PAUSE_S = 3600
LONGEST_REST_S = 300.0  # of a host, between two looks whether it is back
HOSTS_KEPT = 10_000
GONE = 410  # HTTP: there is nobody here any more, for ever
KINDS = {
    "reply": "reply_webhook",
    "house_reply": "house_reply_webhook",
    "alert": "alert_webhook",
    "house_alert": "house_alert_webhook",
    "mail": "alert_mail",
}
"""The alert about each purpose."""
SAID = {
    "reply": "Replies could not be told to your webhook",
    "house_reply": "Replies could not be told to the operator's webhook",
    "alert": "Alerts could not be told to your webhook",
    "house_alert": "Alerts could not be told to the operator's webhook",
    "mail": "Alerts could not be sent by e-mail",
}
log = structlog.get_logger(__name__)


class Rests:
    """Hosts that did not answer, and until when each is left alone. Forgotten with the process."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def resting(self, now: datetime) -> set[str]:
        """Those that are not to be called now."""
        return {host for host, (_, until) in self._failed.items() if now < until}

    def is_suspect(self, host: str) -> bool:
        """Whether its last call failed, so that one more is enough to see."""
        return host in self._failed

    def note(self, host: str, now: datetime, *, well: bool) -> None:
        """Remember how a round with a host went: each failure doubles its rest."""
        if well:
            self._failed.pop(host, None)
            return
        times = self._failed.get(host, (0, now))[0] + 1
        rest = min(FIRST_PAUSE_S * 2.0 ** min(times - 1, 16), LONGEST_REST_S)
        self._failed[host] = (times, now + timedelta(seconds=rest))
        self._failed.move_to_end(host)
        while len(self._failed) > HOSTS_KEPT:
            self._failed.popitem(last=False)


class Teller:
    """Owns the connections to people's programs of one engine worker."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        allow_private: bool,
        mailer: Mailer | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.mailer = mailer
        self.client = client(allow_private=allow_private)
        self.rests = Rests()

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()

    async def tell_due(self) -> int:
        """One round: claim, call, record. How many calls there were."""
        now = self.clock()
        async with self.database.read() as tx:
            if not await http_calls.any_news_due(tx, now, now - ABANDONED):
                return 0
        async with self.database.write("engine.news.claim") as tx:
            claimed = await http_calls.claim_news(
                *(tx, now, now - ABANDONED, AT_ONCE),
                of_each=OF_EACH_HOST,
                except_hosts=self.rests.resting(now),
            )
            calls, later = self._one_of_each_suspect(claimed)
            await http_calls.put_back(tx, [one.id for one in later])
            keys = await _keys(tx, calls)
        if not calls:
            return 0
        tried = await asyncio.gather(*(self._tell(one, keys) for one in calls))
        done = list(zip(calls, tried, strict=True))
        for host in {one.host for one in calls}:
            well = any(how.ok for one, how in done if one.host == host)
            self.rests.note(host, self.clock(), well=well)
        async with self.database.write("engine.news.record") as tx:
            await self._record(tx, done)
        return len(done)

    async def give_up_old(self) -> int:
        """Forget what could not be told for a day, and raise an alert; how many calls."""
        now = self.clock()
        async with self.database.write() as tx:
            gone = await http_calls.give_up(tx, now - TOLD_FOR, now)
            for company_id, purpose in sorted(set(gone)):
                count = gone.count((company_id, purpose))
                why = f"nobody took them for {TOLD_FOR.days * 24} hours; {count} were given up"
                await _raise(tx, company_id, purpose, why, now)
        return len(gone)

    def _one_of_each_suspect(
        self, calls: Iterable[OpenCall]
    ) -> tuple[list[OpenCall], list[OpenCall]]:
        """What to call now: of a host whose last call failed only the oldest; and the rest."""
        now_asked: list[OpenCall] = []
        later: list[OpenCall] = []
        seen: set[str] = set()
        for one in sorted(calls, key=lambda call: call.id):
            wait = one.host in seen and self.rests.is_suspect(one.host)
            (later if wait else now_asked).append(one)
            seen.add(one.host)
        return now_asked, later

    async def _tell(self, call: OpenCall, keys: dict[int, str]) -> Attempt:
        """One try; a fault of ours ends its own call."""
        if call.purpose == "mail":
            return await self._mail(call)
        key = keys.get(0 if call.purpose in news.BY_HOUSE else call.company_id, "")
        try:
            request = msgspec.convert({"type": "webhook", **call.request}, CallWebhook)
            return await attempt(self.client, call.id, request, key, self.clock())
        except Exception as error:
            log.exception("telling fault", call=call.id, company=call.company_id)
            return Attempt(reason=f"internal fault: {type(error).__name__}", refused=True)

    async def _mail(self, call: OpenCall) -> Attempt:
        if self.mailer is None:  # there was one when it was queued
            return Attempt(reason="no mail server is set")
        return await self.mailer.send(msgspec.convert(call.request, Letter))

    async def _record(self, tx: AsyncConnection, done: Sequence[tuple[OpenCall, Attempt]]) -> None:
        now = self.clock()
        told: set[tuple[int, str]] = set()
        for call, how in done:
            due_at = None if how.ok else _again_at(call, how, now)
            # What they answer is of no use to anybody, and may be large.
            answer = HttpAnswered(0, how.ok, how.status, None, how.reason)
            await http_calls.record(tx, call.id, answer=answer, due_at=due_at, now=now)
            if how.ok:
                told.add((call.company_id, call.purpose))
            elif due_at is None:
                await _raise(tx, call.company_id, call.purpose, how.reason, now)
        for company_id, purpose in sorted(told):
            await alerts.resolve(tx, company_id, KINDS[purpose], now)


async def _keys(tx: AsyncConnection, calls: Sequence[OpenCall]) -> dict[int, str]:
    """`{company id: its secret}`; the house's is under 0."""
    own = {one.company_id for one in calls if one.purpose not in news.BY_HOUSE}
    keys = await companies.webhook_secrets(tx, own)
    if any(one.purpose in news.BY_HOUSE for one in calls):
        keys[0] = await house.webhook_secret(tx)
    return keys


def _again_at(call: OpenCall, how: Attempt, now: datetime) -> datetime | None:
    """When to try again; None when it is enough. Any answer but success is worth another try: the
    program may be in the middle of being changed.
    """
    if how.refused or how.status == GONE:
        return None
    pause = min(FIRST_PAUSE_S * 2.0 ** min(call.attempts - 1, 16), LONGEST_PAUSE_S)
    jitter = 1 + secrets.randbelow(1000) / 2000
    at = now + timedelta(seconds=max(pause, how.at_least) * jitter)
    return at if at < call.created_at + TOLD_FOR else None


async def _raise(
    tx: AsyncConnection, company_id: int, purpose: str, why: str, now: datetime
) -> None:
    words = f"{SAID[purpose]}: {why}."
    await alerts.raise_once(tx, company_id, "warning", KINDS[purpose], words, now)
    log.warning("news given up", company=company_id, purpose=purpose)
