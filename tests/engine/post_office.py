"""A mail server on loopback that speaks just enough SMTP, and keeps what it was given."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from email import message_from_bytes
from email.message import Message


class PostOffice:
    """`refuse` answers recipients that contain it with 550; `greeting` is what it says first."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Message]] = []
        self.refuse = ""
        self.greeting = "220 post office"
        self.url = ""
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = ""

        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say(self.greeting)
        with suppress(ConnectionError):
            while line := (await reader.readline()).decode().strip():
                match line.split(":")[0].split()[0].upper():
                    case "RCPT":
                        to = line.partition("<")[2].rstrip(">")
                        refused = self.refuse and self.refuse in to
                        say("550 nobody here" if refused else "250 ok")
                    case "DATA":
                        say("354 go on")
                        raw = await reader.readuntil(b"\r\n.\r\n")
                        self.taken.append((to, message_from_bytes(raw[:-5])))
                        say("250 taken")
                    case "QUIT":
                        say("221 bye")
                        break
                    case _:
                        say("250 ok")
        writer.close()
