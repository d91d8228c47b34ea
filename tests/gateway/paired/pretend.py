"""A test's hand on a phone's program with the pretend library."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, str(Path(__file__).with_name("fake_library.py")))
PATIENCE_S = 20.0


class Pretend:
    """The program that runs for one phone now; a new one is found again by itself."""

    def __init__(self, database: Path) -> None:
        self._door = database.with_suffix(".door")

    @property
    def pid(self) -> int:
        return int(self._door.read_text().split()[0])

    async def tell(self, **asked: Any) -> dict[str, Any]:
        """Move the pretend library; what it was asked to do so far."""
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await self._enter()
            writer.write(json.dumps(asked).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            writer.close()
            await writer.wait_closed()
        return answer

    async def happens(self, event: Any) -> None:
        """Let an event of the library happen."""
        raw = base64.b64encode(event.SerializeToString()).decode()
        await self.tell(event=type(event).__name__, raw=raw)

    async def sent(self) -> list[tuple[Any, Any]]:
        """The messages it was asked to send: to whom, and what."""
        from tests.gateway.paired.protos import e2e, proto

        told = await self.tell()
        return [
            (proto.JID.FromString(base64.b64decode(to)), e2e.Message.FromString(_raw(message)))
            for to, message in told["sent"]
        ]

    async def _enter(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            try:
                port = int(self._door.read_text().split()[1])
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)


def _raw(text: str) -> bytes:
    return base64.b64decode(text)
