"""Paired phones: a person's own number, through the linked-device protocol.

Rule: making the channel costs nothing. Processes run for phones of this kind only, one for each,
and only in the worker that owns it. Using such a client is against WhatsApp's terms.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.content import Content
from gateway.channel import Accepted, Address, Channel, PhoneAccess, SendError
from gateway.channels.neonize.care import ROUND_S, Care
from gateway.channels.neonize.files import FileError, Files
from gateway.channels.neonize.line import NOT_CONNECTED, Line
from gateway.channels.neonize.numbers import Numbers
from gateway.channels.neonize.shown import CARRIED, shown, typing_s
from gateway.host import Host
from gateway.paired.wire import Quoted, Read, Refused, Said, Say
from store import chats

__all__ = ["Neonize"]

PROGRAM = (sys.executable, "-m", "gateway.paired.phone")
ANSWER_WITHIN_S = 40.0  # less than a message may be in hand, with the typing before it
READ_WITHIN_S = 10.0
OFFLINE = SendError("unreachable", 0, NOT_CONNECTED)
NO_NUMBER = SendError("contact", 0, "A paired phone can only write to a phone number.")


class Neonize(Channel):
    """All paired phones that this worker owns.

    `folder` holds one database file for each, which is as secret as the account itself; `media`
    the files we keep. `program` is what one phone runs, `typing` whether it shows that it types,
    `round_s` how often each phone is looked at.
    """

    needs_window = False
    paced = True
    leased = True

    def __init__(
        self,
        folder: Path = Path("var/phones"),
        *,
        media: Path = Path("var/media"),
        program: Sequence[str] = PROGRAM,
        typing: bool = True,
        answer_within_s: float = ANSWER_WITHIN_S,
        allow_private_files: bool = False,
        round_s: float = ROUND_S,
    ) -> None:
        self.typing = typing
        self.answer_within_s = answer_within_s
        self.care = Care(folder, media=media, program=program, round_s=round_s)
        self.numbers = Numbers()
        self.files = Files(folder, media, allow_private=allow_private_files)
        self._turns: dict[int, asyncio.Lock] = {}

    def carries(self, kind: str) -> bool:
        return kind in CARRIED

    def owns(self, phone_id: int) -> bool:
        return self.care.owns(phone_id)

    async def run(self, host: Host) -> None:
        await self.care.run(host)

    async def send(
        self,
        phone: PhoneAccess,
        to: Address,
        content: Content,
        *,
        reference: str,
        quoted: str = "",
    ) -> Accepted | SendError:
        if to.kind == "user_id":
            return NO_NUMBER
        content = shown(content)
        line, host = self.care.line(phone.id), self.care.host
        if line is None or host is None or line.state != "connected":
            return OFFLINE
        async with self._turns.setdefault(phone.id, asyncio.Lock()):
            wa_id = ""
            if to.kind == "phone":  # typed by somebody: nobody knows yet whether it is there
                found = await self.numbers.look_up(host, phone.id, line, to.value)
                if isinstance(found, SendError):
                    return found
                wa_id, to = found, Address("wa_id", found)
            try:
                async with self.files.of(content) as file:
                    about = await self._quoted(host, phone.id, quoted)
                    return await self._say(line, to, content, reference, about, file, wa_id)
            except FileError as error:
                return SendError("media", 0, str(error))

    async def mark_read(
        self, phone: PhoneAccess, channel_id: str, *, typing: bool
    ) -> SendError | None:
        del typing  # it is shown by each send
        line = self.care.line(phone.id)
        if line is None or line.state != "connected":
            return OFFLINE
        answer = await line.ask(lambda n: Read(n, channel_id), READ_WITHIN_S)
        if isinstance(answer, Refused):
            return SendError(answer.meaning, answer.code, answer.message)
        return None

    async def close(self) -> None:
        await self.care.close()
        await self.files.close()

    async def _say(
        self,
        line: Line,
        to: Address,
        content: Content,
        reference: str,
        quoted: Quoted | None,
        file: str,
        wa_id: str,
    ) -> Accepted | SendError:
        seconds = typing_s(content) if self.typing else 0.0
        answer = await line.ask(
            lambda n: Say(n, to, content, reference, quoted, file, seconds),
            seconds + self.answer_within_s,
        )
        match answer:
            case Said(channel_id=channel_id):
                return Accepted(channel_id, wa_id)
            case Refused(meaning=meaning, code=code, message=message):
                return SendError(meaning, code, message)
            case _:
                return SendError("uncertain", 0, "The phone's program gave another answer.")

    async def _quoted(self, host: Host, phone_id: int, channel_id: str) -> Quoted | None:
        if not channel_id:
            return None
        async with host.database.read() as tx:
            words, ours = await chats.quoted(tx, phone_id, channel_id)
        return Quoted(channel_id, words, ours)
