"""The program of a phone with the real client over a pretend Go library, moved from a test.

Rule: only the calls into Go are pretended; results and events take the library's own ways.
"""

# ruff: noqa: N802 - the calls are named as in Go

from __future__ import annotations

import asyncio
import base64
import ctypes
import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

from gateway.paired import phone

OWN, OWN_DEVICE = "390000000001", 7


class FakeGo:
    """What the Go library answers. `answers` by call: an error text, `hang`, `until told`
    (another answer), or `panic`."""

    def __init__(self, client: Any, own: str) -> None:
        from neonize.proto import Neonize_pb2 as proto

        self.client, self.proto, self.own = client, proto, own
        self.answers: dict[str, str] = {}
        self.absent: set[str] = set()
        self.connected = True
        self.calls: list[str] = []
        self.sent: list[tuple[str, str]] = []
        self.number = ""  # behind any LID
        self._ids = count(1)

    async def _act(self, call: str) -> str:
        self.calls.append(call)
        answer = self.answers.get(call, "")
        if answer == "panic":
            sys.stderr.write("panic: runtime error: invalid memory address\n\ngoroutine 1\n")
            sys.stderr.flush()
            os.abort()
        if answer == "hang":
            await asyncio.sleep(3600)
        while self.answers.get(call) == "until told":
            await asyncio.sleep(0.01)
            answer = ""
        return answer

    def jid(self, user: str, device: int = 0, server: str = "s.whatsapp.net") -> Any:
        return self.proto.JID(
            User=user, Server=server, RawAgent=0, Device=device, Integrator=0, IsEmpty=False
        )

    async def Neonize(self, *_: Any) -> bytes:
        error = await self._act("Neonize")
        if error:
            return error.encode()
        if not self.client.new_device:
            self.event(self.proto.Connected(status=True))
        await asyncio.sleep(3600)
        return b""

    async def IsConnected(self, _uuid: bytes) -> bool:
        return self.connected

    async def GetMe(self, _uuid: bytes) -> bytes:
        me = self.proto.Device(
            JID=self.jid(self.own, OWN_DEVICE), Platform="", BussinessName="", PushName="Shop",
            Initialized=True,
        )  # fmt: skip
        return bytes(me.SerializeToString())

    async def SendPresence(self, *_: Any) -> bytes:
        return (await self._act("SendPresence")).encode()

    async def SendChatPresence(self, *arguments: Any) -> bytes:
        return (await self._act(f"SendChatPresence {arguments[3]}")).encode()

    async def MarkRead(self, _uuid: bytes, ids: bytes, *_: Any) -> bytes:
        return (await self._act(f"MarkRead {ids.decode()}")).encode()

    async def Disconnect(self, _uuid: bytes) -> None:
        await self._act("Disconnect")

    async def Logout(self, _uuid: bytes) -> bytes:
        return (await self._act("Logout")).encode()

    async def SendMessage(self, _uuid: bytes, to: bytes, _n: int, raw: bytes, _m: int) -> bytes:
        channel_id = f"3EB0{next(self._ids):04}{os.getpid()}"
        self.sent.append((base64.b64encode(to).decode(), base64.b64encode(raw).decode()))
        error = await self._act("SendMessage")
        if error:
            done = self.proto.SendMessageReturnFunction(Error=error)
        else:
            timings = self.proto.SendResponse.DESCRIPTOR.fields_by_name["DebugTimings"]
            nothing = {one.name: 0 for one in timings.message_type.fields}
            done = self.proto.SendMessageReturnFunction(
                SendResponse={
                    "Timestamp": 1, "ID": channel_id, "ServerID": 0, "DebugTimings": nothing,
                }
            )  # fmt: skip
        return bytes(done.SerializeToString())

    async def IsOnWhatsApp(self, _uuid: bytes, raw: bytes, _n: int) -> bytes:
        error = await self._act("IsOnWhatsApp")
        number = raw.decode()
        if error:
            done = self.proto.IsOnWhatsAppReturnFunction(Error=error)
        else:
            digits = number.lstrip("+")
            there = {"Query": number, "JID": self.jid(digits), "IsIn": digits not in self.absent}
            done = self.proto.IsOnWhatsAppReturnFunction(IsOnWhatsAppResponse=[there])
        return bytes(done.SerializeToString())

    async def Upload(self, _uuid: bytes, raw: bytes, n: int, kind: int) -> bytes:
        error = await self._act(f"Upload {kind} {raw[:16].hex()}")
        if error:
            done = self.proto.UploadReturnFunction(Error=error)
        else:
            told = {"url": "https://mmg.example/1", "DirectPath": "/1", "Handle": ""}
            file = self.proto.UploadResponse(**told, MediaKey=b"k", FileLength=n)
            done = self.proto.UploadReturnFunction(UploadResponse=file)
        return bytes(done.SerializeToString())

    async def DownloadAny(self, *_: Any) -> bytes:
        error = await self._act("DownloadAny")
        told: dict[str, Any] = {"Error": error} if error else {"Binary": b"\x89PNG"}
        return bytes(self.proto.DownloadReturnFunction(**told).SerializeToString())

    async def GetPNFromLID(self, *_: Any) -> bytes:
        told: dict[str, Any] = {"Jid": self.jid(self.number)} if self.number else {"Error": "none"}
        return bytes(self.proto.GetJIDFromStoreReturnFunction(**told).SerializeToString())

    async def PairPhone(self, *_: Any) -> bytes:
        error = await self._act("PairPhone")
        told = {"Error": error} if error else {"Code": "ABCD-EFGH"}
        return bytes(self.proto.PairPhoneReturnFunction(**told).SerializeToString())

    def event(self, event: Any) -> None:
        """Let something happen, the way the library hears of it."""
        from neonize.events import EVENT_TO_INT

        raw = event.SerializeToString()
        buffer = ctypes.create_string_buffer(raw, len(raw))
        code = EVENT_TO_INT[type(event)]
        self.client.event.execute(0, ctypes.addressof(buffer), len(raw), code)

    def qr(self, data: str) -> None:
        buffer = ctypes.create_string_buffer(data.encode())
        self.client._NewAClient__onQr(0, ctypes.addressof(buffer))


class Door:
    """Where a test comes in: one JSON object on each line, answered by one."""

    def __init__(self, go: FakeGo, address: Path) -> None:
        self.go, self.address = go, address

    async def open(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        beside = self.address.with_suffix(".opening")
        beside.write_text(f"{os.getpid()} {server.sockets[0].getsockname()[1]}")
        beside.replace(self.address)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            answer = self._do(json.loads(line))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    def _do(self, asked: dict[str, Any]) -> dict[str, Any]:
        go = self.go
        if "event" in asked:
            kind = getattr(go.proto, asked["event"])
            go.event(kind.FromString(base64.b64decode(asked["raw"])))
        if "qr" in asked:
            go.qr(asked["qr"])
        if "print" in asked:
            print(asked["print"])  # noqa: T201 - as a library may
            os.write(1, b"and past Python\n")
        go.answers.update(asked.get("answers", {}))
        go.absent |= set(asked.get("absent", ()))
        go.connected = asked.get("connected", go.connected)
        go.number = asked.get("number", go.number)
        return {"sent": go.sent, "calls": go.calls}


def make(path: str, **options: Any) -> Any:
    from neonize.aioze.client import NewAClient

    client = NewAClient(path, **options)
    told = Path(path).parent.parent / f"{Path(path).stem}.own"
    own = told.read_text() if told.exists() else OWN
    go = client._NewAClient__client = FakeGo(client, own)
    connect = client.connect

    async def open_and_connect(*arguments: Any) -> Any:
        await Door(go, Path(path).with_suffix(".door")).open()
        return await connect(*arguments)

    client.connect = open_and_connect
    return client


if __name__ == "__main__":
    phone.main(sys.argv[1:], make)
