"""The front door: sends as plain ASGI, made-up trouble, and everything else by the framework.

One rule: nothing here decides what is allowed; `sends` does. Sends go past the framework because a
benchmark posts thousands a second, and a connection can only be cut from here.
"""

import asyncio
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox import sends
from sandbox.faults import Fault, striking
from sandbox.gate import VERSION, check, decoded, is_from_elsewhere, refuse
from sandbox.memory import Json, Row
from sandbox.refusals import Refusal, known_refusal, no_such_object
from sandbox.world import World, find_phone

CUT = "sandbox.cut"
"""The extension of an ASGI scope that closes its connection."""
HEADERS = frozenset({b"authorization", b"host", b"origin"})
OK = 200
LOST = 502
"""The status of a lost answer where no connection can be cut: what a proxy would say."""
FORBIDDEN = 403
TOO_LARGE = 413
LARGEST_BODY = 10 * 1024 * 1024
TAKEN_WITHIN_S = 5.0
LOOK_AGAIN_S = 0.01
MADE_UP = "Made up by a fault of the sandbox."


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP connection, which a fault may cut."""

    def on_message_begin(self) -> None:
        """Hand the application a way to close the connection without an answer."""
        super().on_message_begin()
        self.scope["extensions"] = {CUT: {"close": self.transport.close}}


class FrontDoor(Litestar):
    """The sandbox's application."""

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """Answer one request."""
        http, world = cast("dict[str, Any]", scope), self.state.get("world")
        if http["type"] == "http" and world is not None:
            call = Call(world, http, cast("Receive", receive), send)
            if await call.answered():
                return
        await super().__call__(scope, receive, send)


class Call:
    """One HTTP request, before anybody has read it."""

    def __init__(self, world: World, scope: dict[str, Any], receive: Receive, send: Any) -> None:
        self.world = world
        self._scope = scope
        self._receive = receive
        self._send = send
        self._path: str = scope["path"]

    async def answered(self) -> bool:
        """Answer a send, or a call that a fault strikes; False leaves it to the framework."""
        parts = self._path.split("/")
        if len(parts) == 4 and parts[3] == "messages" and parts[1] != "chats":  # noqa: PLR2004
            if self._scope["method"] != "POST":
                return False
            await self._send_message(parts[1], parts[2])
            return True
        if self.world.faults and VERSION.fullmatch(parts[1]):
            fault = self._strike("graph", phone=parts[2] if len(parts) > 2 else "")  # noqa: PLR2004
            return fault is not None and await self._refused_by(fault)
        return False

    async def _send_message(self, version: str, object_id: str) -> None:
        headers = self._headers()
        if is_from_elsewhere(headers):
            await self._say(FORBIDDEN, b"this request comes from another site's page")
            return
        raw = await self._body()
        if raw is None:
            await self._say(TOO_LARGE, b"")
            return
        read = self._read(version, object_id, headers.get("authorization", ""), raw)
        if isinstance(read, Refusal):
            await self._refuse(read)
            return
        phone, body = read
        if "status" in body:
            await self._answer(sends.mark_read(self.world, phone, body))
        else:
            await self._take(phone, body, raw)

    def _read(
        self, version: str, object_id: str, authorization: str, raw: bytes
    ) -> tuple[Row, Json] | Refusal:
        if refusal := check(self.world, version, authorization, self._path):
            return refusal
        phone = find_phone(self.world, object_id)
        if phone is None:
            return no_such_object("POST", object_id)
        body = decoded(raw)
        return body if isinstance(body, Refusal) else (phone, body)

    async def _take(self, phone: Row, body: Json, raw: bytes) -> None:
        world, fault = self.world, None
        if world.faults:
            template = body.get("template")
            name = template.get("name") if isinstance(template, dict) else None
            fault = self._strike(
                "messages", phone=phone["phone_number_id"], template=name, body=raw
            )
        if fault is not None and await self._refused_by(fault):
            return
        outcome = sends.accept(world, phone, body, failing=fault.failed if fault else None)
        if isinstance(outcome, dict) and world.storm is not None and world.storm.before_answer:
            await self._statuses_taken(outcome["messages"][0]["id"])
        if fault is None:
            await self._answer(outcome)
        else:
            await self._spoil(fault, outcome)

    async def _spoil(self, fault: Fault, outcome: Json | Refusal) -> None:
        """Answer a send that was carried out, late, in part or not at all."""
        await asyncio.sleep(fault.slow_s)
        if isinstance(outcome, Refusal):
            await self._refuse(outcome)
        elif fault.lost:
            await self._cut()
        elif fault.malformed:
            whole = msgspec.json.encode(outcome)
            await self._say(OK, whole[: len(whole) // 2])
        else:
            await self._answer(outcome)

    def _strike(self, on: str, **call: Any) -> Fault | None:
        world = self.world
        return striking(world.faults, world.hits, world.config.seed, on=on, **call)

    async def _refused_by(self, fault: Fault) -> bool:
        """Do what a fault does before the call is carried out; False when it goes on."""
        if fault.code is None and fault.http is None and fault.lost != "before":
            if fault.on == "graph":
                await asyncio.sleep(fault.slow_s)
            return False
        await asyncio.sleep(fault.slow_s)
        if fault.code is not None:
            await self._refuse(known_refusal(fault.code, MADE_UP))
        elif fault.http is not None:
            await self._say(fault.http, MADE_UP.encode())
        else:
            await self._cut()
        return True

    async def _statuses_taken(self, message_id: str) -> None:
        """Wait until the business took the statuses that were told at once, or for some seconds."""
        asked = f'%"{message_id}"%'
        for _ in range(int(TAKEN_WITHIN_S / LOOK_AGAIN_S)):
            if self.world.memory.one("select 1 from outbox where value like ?", asked) is None:
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    def _headers(self) -> dict[str, str]:
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in self._scope["headers"]
            if name in HEADERS
        }

    async def _body(self) -> bytes | None:
        """Return the body; None when it is too large."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = cast("Any", await self._receive())
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > LARGEST_BODY:
                return None
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _answer(self, outcome: Json | Refusal) -> None:
        if isinstance(outcome, Refusal):
            await self._refuse(outcome)
        else:
            await self._say(OK, msgspec.json.encode(outcome), b"application/json")

    async def _refuse(self, refusal: Refusal) -> None:
        body = refuse(self.world, refusal, self._scope["method"], self._path)
        await self._say(refusal.http_status, msgspec.json.encode(body), b"application/json")

    async def _say(self, status: int, body: bytes, kind: bytes = b"text/plain") -> None:
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _cut(self) -> None:
        """Close the connection without an answer."""
        cut = self._scope.get("extensions", {}).get(CUT)
        if cut is None:
            await self._say(LOST, b"")
            return
        cut["close"]()
        # The server must see the connection gone before this call ends, else it answers for us.
        while cast("Any", await self._receive())["type"] != "http.disconnect":
            continue
