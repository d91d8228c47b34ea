"""The two kinds of channel with WhatsApp behind them, moved by the same words.

Rule: a side only translates: how a customer acts, what WhatsApp answers, what we sent.
"""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from itertools import count
from typing import Any

from msgspec import Struct

from flows.content import Content, Location, Media, Reaction, Tap, Text
from gateway.channels.cloud_api import parse
from gateway.dispatcher import Dispatcher
from gateway.inbound import take_in
from store.messages import messages
from tests.gateway.conftest import House
from tests.gateway.neonize.conftest import PairedHouse, until
from tests.gateway.paired import protos
from tests.gateway.paired.protos import e2e

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
STATUS = {"delivered": 1, "read": 4}


class Sent(Struct, frozen=True):
    """What WhatsApp was given: to which number, the words, the kind of file, the message quoted,
    the message reacted to, the place.
    """

    to: str
    words: str = ""
    file: str = ""
    quoted: str = ""
    reaction: tuple[str, str] | None = None
    place: tuple[float, float] | None = None


class Side(ABC):
    """One kind of channel. `house` has one phone of it, which is connected."""

    kind: str
    house: House

    def __init__(self) -> None:
        self.numbers = count(1)

    @abstractmethod
    def dispatcher(self) -> Dispatcher: ...

    @abstractmethod
    async def write(self, number: str, content: Content, *, id: str, quoted: str = "") -> None:  # noqa: A002
        """A customer writes, taps or reacts."""

    @abstractmethod
    async def echo(self, number: str, words: str) -> None:
        """Somebody of the company writes in the phone's own app."""

    @abstractmethod
    async def report(self, channel_id: str, state: str) -> None:
        """WhatsApp reports on a message of ours."""

    @abstractmethod
    async def refuse(self, meaning: str) -> None:
        """WhatsApp refuses what comes: `contact`, `throttle`; or `silent`: its answer is lost."""

    @abstractmethod
    async def word_at_last(self, message_id: int) -> None:
        """WhatsApp's word on the message whose answer was lost."""

    @abstractmethod
    async def sent(self) -> list[Sent]: ...

    async def row(self, channel_id: str) -> Any:
        """The row of a message that a customer or a colleague wrote, when it is there."""

        async def find() -> Any:
            rows = await self.house.rows(messages)
            return next((row for row in rows if row.channel_id == channel_id), None)

        return await until(find)

    async def is_(self, message_id: int, state: str) -> Any:
        """A message of ours, when it is in this state."""

        async def find() -> Any:
            row = await self.house.message(message_id)
            return row if row.state == state else None

        return await until(find)

    async def nothing_more(self) -> None:
        """All that was told is taken in: something told now comes after it."""
        marker = f"marker-{next(self.numbers)}"
        await self.write("391239999999", Text("marker"), id=marker)
        await self.row(marker)


class CloudSide(Side):
    kind = "cloud_api"

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self.taken: list[dict[str, Any]] = []

    def dispatcher(self) -> Dispatcher:
        return self.house.dispatcher()

    async def _tell(self, **value: Any) -> None:
        change = {
            "field": value.pop("field", "messages"),
            "value": {"metadata": {"phone_number_id": "1000"}, **value},
        }
        raw = json.dumps({"entry": [{"id": "waba-1", "changes": [change]}]}).encode()
        async with self.house.db.write() as tx:
            await take_in(tx, parse(raw), app_secret=self.house.secret, now=self.house.clock())

    async def write(self, number: str, content: Content, *, id: str, quoted: str = "") -> None:  # noqa: A002
        told = {"from": number, "id": id, "timestamp": str(int(time.time()))} | _cloud(content)
        if quoted:
            told["context"] = {"id": quoted}
        await self._tell(messages=[told])

    async def echo(self, number: str, words: str) -> None:
        told = {"to": number, "id": "ECHO-1", "timestamp": str(int(time.time()))}
        told |= _cloud(Text(words))
        await self._tell(field="smb_message_echoes", message_echoes=[told])

    async def report(self, channel_id: str, state: str) -> None:
        now = str(int(time.time()))
        await self._tell(statuses=[{"id": channel_id, "status": state, "timestamp": now}])

    async def refuse(self, meaning: str) -> None:
        if meaning == "silent":
            self.house.meta.answer = lambda _body: None
        else:
            self.house.meta.refuse({"contact": 131026, "throttle": 130429}[meaning])

    async def word_at_last(self, message_id: int) -> None:
        now = str(int(time.time()))
        told = {"id": "wamid.late", "status": "sent", "timestamp": now}
        await self._tell(statuses=[told | {"biz_opaque_callback_data": str(message_id)}])

    async def sent(self) -> list[Sent]:
        return [_from_cloud(body) for body in self.house.meta.taken]


def _cloud(content: Content) -> dict[str, Any]:
    match content:
        case Text(body=body):
            return {"type": "text", "text": {"body": body}}
        case Tap(payload=payload, label=label):
            reply = {"id": payload, "title": label}
            return {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": reply},
            }
        case Media(caption=caption):
            return {
                "type": "image",
                "image": {"id": "1", "mime_type": "image/png", "caption": caption},
            }
        case Reaction(to=to, emoji=emoji):
            return {"type": "reaction", "reaction": {"message_id": to, "emoji": emoji}}
        case Location(latitude=latitude, longitude=longitude):
            return {"type": "location", "location": {"latitude": latitude, "longitude": longitude}}
    raise AssertionError(content)


def _from_cloud(body: dict[str, Any]) -> Sent:
    kind, quoted = body["type"], body.get("context", {}).get("message_id", "")
    part = body[kind]
    match kind:
        case "text":
            return Sent(body["to"], part["body"], quoted=quoted)
        case "interactive":
            titles = [one["reply"]["title"] for one in part["action"]["buttons"]]
            return Sent(body["to"], "\n".join([part["body"]["text"], *titles]), quoted=quoted)
        case "image":
            return Sent(body["to"], part["caption"], "image", quoted)
        case "reaction":
            return Sent(body["to"], reaction=(part["message_id"], part["emoji"]))
        case "location":
            return Sent(body["to"], place=(part["latitude"], part["longitude"]))
    raise AssertionError(kind)


class PairedSide(Side):
    kind = "neonize"

    def __init__(self, house: PairedHouse) -> None:
        super().__init__()
        self.house: PairedHouse = house

    def dispatcher(self) -> Dispatcher:
        return self.house.paired_dispatcher()

    async def write(self, number: str, content: Content, *, id: str, quoted: str = "") -> None:  # noqa: A002
        told = _protobuf(content, quoted)
        event = protos.message(told, id, of=protos.source(number))
        await self.house.pretend().happens(event)

    async def echo(self, number: str, words: str) -> None:
        event = protos.message(words, "ECHO-1", of=protos.from_me(number))
        await self.house.pretend().happens(event)

    async def report(self, channel_id: str, state: str) -> None:
        await self.house.pretend().happens(protos.receipt(STATUS[state], channel_id))

    async def refuse(self, meaning: str) -> None:
        pretend = self.house.pretend()
        match meaning:
            case "contact":
                await pretend.tell(answers={"SendMessage": "no LID found for it from server"})
            case "throttle":
                await pretend.tell(answers={"SendMessage": "server returned error 429"})
            case "silent":
                self.house.channel.answer_within_s = 0.3
                await pretend.tell(answers={"SendMessage": "until told"})

    async def word_at_last(self, message_id: int) -> None:  # noqa: ARG002 - it knows which
        await self.house.pretend().tell(answers={"SendMessage": ""})

    async def sent(self) -> list[Sent]:
        return [_from_protobuf(to.User, one) for to, one in await self.house.pretend().sent()]


def _protobuf(content: Content, quoted: str) -> Any:
    context = e2e.ContextInfo(stanzaID=quoted) if quoted else None
    match content:
        case Text(body=body) if context is None:
            return e2e.Message(conversation=body)
        case Text(body=body):
            text = e2e.ExtendedTextMessage(text=body, contextInfo=context)
            return e2e.Message(extendedTextMessage=text)
        case Tap(payload=payload, label=label):
            tapped = e2e.ButtonsResponseMessage(
                selectedButtonID=payload, selectedDisplayText=label, contextInfo=context
            )
            return e2e.Message(buttonsResponseMessage=tapped)
        case Media(caption=caption):
            return protos.image(caption=caption)
        case Reaction(to=to, emoji=emoji):
            return e2e.Message(reactionMessage=e2e.ReactionMessage(key={"ID": to}, text=emoji))
        case Location(latitude=latitude, longitude=longitude):
            place = e2e.LocationMessage(degreesLatitude=latitude, degreesLongitude=longitude)
            return e2e.Message(locationMessage=place)
    raise AssertionError(content)


def _from_protobuf(to: str, message: Any) -> Sent:
    if message.HasField("imageMessage"):
        part = message.imageMessage
        return Sent(to, part.caption, "image", part.contextInfo.stanzaID)
    if message.HasField("reactionMessage"):
        part = message.reactionMessage
        return Sent(to, reaction=(part.key.ID, part.text))
    if message.HasField("locationMessage"):
        part = message.locationMessage
        return Sent(to, place=(part.degreesLatitude, part.degreesLongitude))
    text = message.extendedTextMessage
    return Sent(to, message.conversation or text.text, quoted=text.contextInfo.stanzaID)


async def serve_file(data: bytes) -> tuple[asyncio.Server, str]:
    """A web server with one picture."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + data)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/picture.png"
