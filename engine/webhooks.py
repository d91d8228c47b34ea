"""Calls that runs asked for: rows claimed, called, retried with backoff; the answer is an event.

A crash in the middle repeats the call with the same `Idempotency-Key`, so receivers can tell.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import structlog

from engine.outside import TooLargeError, client, read_limited
from flows.effects import CallWebhook
from flows.events import HttpAnswered
from store import events, http_calls
from store.database import Database, is_about_data
from store.http_calls import OpenCall

AT_ONCE = 20
ABANDONED = timedelta(minutes=2)  # a claim this old belongs to a worker that died
FIRST_PAUSE_S = 2
LONGEST_PAUSE_S = 300
TOO_MANY, SERVER_FAULT, BAD_REQUEST = 429, 500, 400
log = structlog.get_logger(__name__)


class Result(msgspec.Struct, frozen=True):
    """How one attempt ended; `again_in` seconds when it is worth another."""

    call: OpenCall
    answer: HttpAnswered
    again_in: float | None = None


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
        async with self.database.write() as tx:
            calls = await http_calls.claim(tx, now, now - ABANDONED, AT_ONCE)
        if not calls:
            return 0
        results = await asyncio.gather(*(self._call_safely(call) for call in calls))
        try:
            await self._write(results)
        except Exception as error:
            if not is_about_data(error):
                raise
            await self._write_each(results)
        return len(results)

    async def _call_safely(self, call: OpenCall) -> Result:
        """A fault of ours ends its own call; the others of the round are still written down."""
        try:
            return await self._call(call)
        except Exception as error:
            log.exception("webhook fault", call=call.id, run=call.run_id)
            said = f"internal fault: {type(error).__name__}: {error}"
            return Result(call, HttpAnswered(call.seq, ok=False, reason=said))

    async def _write(self, results: Sequence[Result]) -> None:
        async with self.database.write() as tx:
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

    async def _call(self, call: OpenCall) -> Result:
        request = msgspec.convert({"type": "webhook", **call.request}, CallWebhook)
        headers = {"Idempotency-Key": f"tiptoe-{call.id}", **request.headers}
        try:
            async with self.client.stream(
                request.method,
                request.url,
                headers=headers,
                content=request.body.encode() if request.body else None,
                timeout=request.timeout_s,
            ) as response:
                body = await read_limited(response)
        except TooLargeError as error:
            return Result(call, HttpAnswered(call.seq, ok=False, reason=str(error)))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            said = f"the address cannot be called: {error}"
            return Result(call, HttpAnswered(call.seq, ok=False, reason=said))
        except httpx.HTTPError as error:
            said = f"no answer: {str(error) or type(error).__name__}"
            answer = HttpAnswered(call.seq, ok=False, reason=said)
            forbidden = "private network" in said
            return self._again(call, request, answer) if not forbidden else Result(call, answer)
        ok = response.status_code < BAD_REQUEST
        reason = "" if ok else f"answered {response.status_code}"
        answer = HttpAnswered(call.seq, ok, response.status_code, _decoded(body), reason)
        if response.status_code == TOO_MANY or response.status_code >= SERVER_FAULT:
            return self._again(call, request, answer)
        return Result(call, answer)

    def _again(self, call: OpenCall, request: CallWebhook, answer: HttpAnswered) -> Result:
        if call.attempts >= request.tries:
            return Result(call, answer)
        pause = min(FIRST_PAUSE_S * 2 ** (call.attempts - 1), LONGEST_PAUSE_S)
        return Result(call, answer, pause * (1 + secrets.randbelow(1000) / 2000))

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


def _decoded(body: bytes) -> Any:
    """The answer as JSON, else as text."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
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
