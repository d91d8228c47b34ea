"""Calls that runs asked for: rows claimed, called, retried with backoff; the answer is an event.

A crash in the middle repeats the call with the same `Idempotency-Key`, so receivers can tell.
Signed ones prove who calls: `Tiptoe-Signature: t=<unix seconds>,v1=<hex>` is the HMAC-SHA256 of
`<t>.<body>` under the company's secret.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.outside import Answer, ForbiddenAddressError, UnusableError, ask, client
from flows.effects import CallWebhook
from flows.events import HttpAnswered
from store import companies, events, http_calls, runs
from store.database import Database, is_about_data
from store.http_calls import OpenCall

AT_ONCE = 20
ABANDONED = timedelta(minutes=2)  # a claim this old belongs to a worker that died
FIRST_PAUSE_S = 2
LONGEST_PAUSE_S = 300
LONGEST_ASKED_PAUSE_S = 3600  # of a `Retry-After`; a run does not wait for a day of maintenance
BAD_REQUEST, SERVER_FAULT = 400, 500
LATER = frozenset((408, 425, 429))  # request timeout, too early, too many requests
SIGNATURE = "Tiptoe-Signature"
_SIGNED = SIGNATURE.lower()
log = structlog.get_logger(__name__)


class Result(msgspec.Struct, frozen=True):
    """How one attempt ended; `again_in` seconds when it is worth another."""

    call: OpenCall
    answer: HttpAnswered
    again_in: float | None = None


class Attempt(msgspec.Struct, frozen=True):
    """What one call came to: `refused` for ever, worth another try `again`, after `at_least` s."""

    ok: bool = False
    status: int = 0
    body: Any = None
    reason: str = ""
    again: bool = False
    refused: bool = False
    at_least: float = 0


async def attempt(
    through: httpx.AsyncClient, call_id: int, request: CallWebhook, key: str, now: datetime
) -> Attempt:
    """Call once, signed where there is a `key`; never raises for what the world does."""
    body = request.body.encode()
    try:
        async with asyncio.timeout(request.timeout_s):  # in all, however slowly it trickles in
            answered = await ask(
                through,
                through.build_request(
                    request.method,
                    request.url,
                    headers=_headers(call_id, request, body, key, now),
                    content=body or None,
                    timeout=request.timeout_s,
                ),
            )
    except UnusableError as error:
        return Attempt(reason=str(error))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        return Attempt(reason=f"the address cannot be called: {error}", refused=True)
    except TimeoutError:
        return Attempt(reason=f"no answer within {request.timeout_s} seconds", again=True)
    except httpx.HTTPError as error:
        said = f"no answer: {str(error) or type(error).__name__}"
        forbidden = isinstance(error.__cause__, ForbiddenAddressError)
        return Attempt(reason=said, again=not forbidden, refused=forbidden)
    ok = answered.status < BAD_REQUEST
    return Attempt(
        ok=ok,
        status=answered.status,
        body=_decoded(answered.body),
        reason="" if ok else f"answered {answered.status}",
        again=answered.status in LATER or answered.status >= SERVER_FAULT,
        at_least=_asked_pause(answered, now),
    )


class Caller:
    """Owns the HTTP client of one engine worker."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], *, allow_private: bool
    ) -> None:
        self.database = database
        self.clock = clock
        self.client = client(allow_private=allow_private)

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()

    async def call_due(self) -> int:
        """One round: claim, call, record. How many calls there were."""
        now = self.clock()
        async with self.database.read() as tx:
            if not await http_calls.any_due(tx, now, now - ABANDONED):
                return 0
        async with self.database.write("engine.calls.claim") as tx:
            calls = await self._wanted(
                tx, await http_calls.claim(tx, now, now - ABANDONED, AT_ONCE)
            )
            signed = {call.company_id for call in calls if call.request.get("sign")}
            keys = await companies.webhook_secrets(tx, signed)
        if not calls:
            return 0
        results = await asyncio.gather(
            *(
                self._call_safely(call, keys[call.company_id] if call.request.get("sign") else "")
                for call in calls
            )
        )
        try:
            await self._write(results)
        except Exception as error:
            if not is_about_data(error):
                raise
            await self._write_each(results)
        return len(results)

    async def _wanted(self, tx: AsyncConnection, calls: list[OpenCall]) -> list[OpenCall]:
        """Those a run still waits for: one that ended while it was being called is not recalled."""
        again = sorted((call for call in calls if call.attempts > 1), key=lambda call: call.seq)
        past = await runs.past(tx, {call.run_id: call.seq for call in again})
        over = {call.id for call in again if call.run_id in past}
        await http_calls.drop(tx, over, self.clock())
        return [call for call in calls if call.id not in over]

    async def _call_safely(self, call: OpenCall, key: str) -> Result:
        """A fault of ours ends its own call; the others of the round are still written down."""
        try:
            return await self._call(call, key)
        except Exception as error:
            log.exception("webhook fault", call=call.id, run=call.run_id)
            said = f"internal fault: {type(error).__name__}: {error}"
            return Result(call, HttpAnswered(call.seq, ok=False, reason=said))

    async def _write(self, results: Sequence[Result]) -> None:
        async with self.database.write("engine.calls.record") as tx:
            await self._record(tx, results)

    async def _write_each(self, results: Sequence[Result]) -> None:
        """An answer the database refuses is an answer we cannot use; it must not come again."""
        for one in results:
            try:
                await self._write([one])
            except Exception as error:
                if not is_about_data(error):
                    raise
                log.exception("answer cannot be kept", call=one.call.id, run=one.call.run_id)
                said = f"the answer cannot be kept: {type(error).__name__}"
                answer = HttpAnswered(one.call.seq, ok=False, reason=said)
                await self._write([Result(one.call, answer)])

    async def _call(self, call: OpenCall, key: str) -> Result:
        request = msgspec.convert({"type": "webhook", **call.request}, CallWebhook)
        tried = await attempt(self.client, call.id, request, key, self.clock())
        answer = HttpAnswered(call.seq, tried.ok, tried.status, tried.body, tried.reason)
        if not tried.again:
            return Result(call, answer)
        return self._again(call, request, answer, tried.at_least)

    def _again(
        self, call: OpenCall, request: CallWebhook, answer: HttpAnswered, at_least: float = 0
    ) -> Result:
        if call.attempts >= request.tries:
            return Result(call, answer)
        pause = min(FIRST_PAUSE_S * 2 ** (call.attempts - 1), LONGEST_PAUSE_S)
        jitter = 1 + secrets.randbelow(1000) / 2000
        return Result(call, answer, max(pause, at_least) * jitter)

    async def _record(self, tx: Any, results: Sequence[Result]) -> None:
        now = self.clock()
        done = [one for one in results if one.again_in is None]
        for one in results:
            await http_calls.record(
                tx,
                one.call.id,
                answer=one.answer,
                due_at=None if one.again_in is None else now + timedelta(seconds=one.again_in),
                now=now,
            )
        await events.insert_many(tx, [_event(one, now) for one in done])
        for one in done:
            log.info("webhook called", run=one.call.run_id, ok=one.answer.ok)


def signature(key: str, body: bytes, at: datetime) -> str:
    """The value of the header `Tiptoe-Signature` for a call at that moment."""
    seconds = int(at.timestamp())
    made = hmac.new(key.encode(), f"{seconds}.".encode() + body, "sha256").hexdigest()
    return f"t={seconds},v1={made}"


def _asked_pause(answered: Answer, now: datetime) -> float:
    """Seconds of a `Retry-After` (RFC 9110: seconds or a date); 0: there is none to obey."""
    said = answered.retry_after.strip()
    if said.isdecimal():
        seconds = float(said)
    else:
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return 0
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (at - now).total_seconds()
    return min(max(seconds, 0), LONGEST_ASKED_PAUSE_S)


def _headers(
    call_id: int, request: CallWebhook, body: bytes, key: str, at: datetime
) -> Mapping[bytes, bytes]:
    """The author's headers over our usual ones; who signs is never the author's choice."""
    usual = {"User-Agent": "Tiptoe", "Accept-Encoding": "identity"}
    usual["Idempotency-Key"] = f"tiptoe-{call_id}"
    if body:
        json = not isinstance(_decoded(body), str)
        usual["Content-Type"] = "application/json" if json else "text/plain; charset=utf-8"
    chosen = {name.lower() for name in request.headers}
    headers = {name: value for name, value in usual.items() if name.lower() not in chosen}
    headers |= {name: value for name, value in request.headers.items() if name.lower() != _SIGNED}
    if key:
        headers[SIGNATURE] = signature(key, body, at)
    return {name.encode(): value.encode() for name, value in headers.items()}


def _decoded(body: bytes) -> Any:
    """The answer as JSON, else as text."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace")


def _event(result: Result, now: datetime) -> dict[str, Any]:
    return {
        "company_id": result.call.company_id,
        "contact_id": result.call.contact_id,
        "kind": "http_answered",
        "data": msgspec.to_builtins(result.answer),
        "source_id": f"http:{result.call.id}",
        "run_id": result.call.run_id,
        "at": now,
        "created_at": now,
    }
