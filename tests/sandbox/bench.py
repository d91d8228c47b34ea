"""A running sandbox for tests, a clock that stands still, and a server that gets its webhooks."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.config import SandboxConfig

Json = dict[str, Any]
PNID = "106540352242922"
WABA = "419561257915477"
ADA = "16505551234"
PATIENCE_S = 4.0
LOOK_AGAIN_S = 0.005


@dataclass
class FakeClock:
    now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Receiver:
    """A bare HTTP server that keeps what is POSTed to it; `refuse` lets some fail first."""

    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    refuse: Callable[[bytes], bool] = lambda _body: False
    refused: int = 0
    url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (header := await reader.readline()).strip():
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, text = self.take(line.decode().split()[1], headers, body)
                writer.write(
                    f"HTTP/1.1 {status} x\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode()
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def take(self, target: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        if "hub.challenge=" in target:
            challenge = target.partition("hub.challenge=")[2].partition("&")[0]
            known = "hub.verify_token=verify-me" in target
            return (200, challenge) if known else (403, "")
        if self.refuse(body):
            self.refused += 1
            return 500, ""
        self.bodies.append(body)
        self.signatures.append(headers["x-hub-signature-256"])
        return 200, ""

    @property
    def changes(self) -> list[Json]:
        return [
            change
            for body in self.bodies
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
        ]

    def items(self, kind: str) -> list[Json]:
        return [
            item
            for change in self.changes
            if change["field"] == "messages"
            for item in change["value"].get(kind, [])
        ]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return [(item["id"], item["status"]) for item in self.items("statuses")]

    @property
    def messages(self) -> list[Json]:
        return self.items("messages")

    def check_signatures(self, secret: str) -> None:
        for body, given in zip(self.bodies, self.signatures, strict=True):
            wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            assert given == f"sha256={wanted}"


@dataclass
class Bench:
    """One running sandbox and what a test does with it."""

    client: httpx.AsyncClient
    clock: FakeClock
    receiver: Receiver
    config: SandboxConfig

    async def send(self, body: Json, *, pnid: str = PNID, token: str = "token") -> httpx.Response:
        return await self.client.post(
            f"/v23.0/{pnid}/messages", json=body, headers={"Authorization": f"Bearer {token}"}
        )

    async def send_text(self, body: str = "Ciao", to: str = ADA, **more: object) -> httpx.Response:
        return await self.send(text_to(to, body) | more)

    async def graph(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": "Bearer token"}
        return await self.client.request(method, f"/v24.0/{path}", headers=headers, **more)

    async def control(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.client.request(method, f"/sandbox/api/{path}", **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def add(self, wa_id: str = ADA, **settings: object) -> None:
        customer = {"wa_id": wa_id, "name": "Ada Rossi"} | settings
        await self.control("POST", "customers", json=[customer])

    async def acts(self, wa_id: str = ADA, **act: object) -> str:
        answer = await self.control("POST", f"customers/{wa_id}/messages", json=act)
        return str(answer["id"])

    async def opened(self, wa_id: str = ADA, **settings: object) -> None:
        """Make a customer who has just written, so that free-form messages are allowed."""
        await self.add(wa_id, **settings)
        await self.acts(wa_id, text="Hello")

    async def seed(self, body: Json) -> str:
        return str((await self.control("POST", "templates", json=body))["id"])

    async def quiet(self) -> Json:
        """Wait until nothing is due and every webhook was taken."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                state: Json = await self.control("GET", "state")
                if not state["undelivered_webhooks"] and not state["due_now"]:
                    return state
                await asyncio.sleep(LOOK_AGAIN_S)

    async def all_messages(self) -> list[Json]:
        answer = await self.control("GET", "messages?limit=1000")
        return list(answer["messages"])


def config_for(folder: Path, webhook_url: str) -> SandboxConfig:
    return SandboxConfig(
        data_file=folder / "sandbox.db",
        webhook_url=webhook_url,
        app_secret="app-secret",
        verify_token="verify-me",
        access_token="token",
        phone_number_id=PNID,
        display_phone_number="15550783881",
        waba_id=WABA,
        business_name="Blue Mug Shop",
        seed=7,
    )


async def until(done: Callable[[], object]) -> None:
    """Wait until something is true that happens in real time."""
    async with asyncio.timeout(PATIENCE_S):
        while not done():  # noqa: ASYNC110 - what is waited for rings no bell
            await asyncio.sleep(LOOK_AGAIN_S)


def text_to(to: str, body: str) -> Json:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}


def interactive_to(interactive: Json, to: str = ADA) -> Json:
    return {
        "messaging_product": "whatsapp",
        "to": to,
        "type": "interactive",
        "interactive": interactive,
    }


def template_to(name: str, *components: Json, to: str = ADA, language: str = "en") -> Json:
    return {
        "messaging_product": "whatsapp",
        "to": to,
        "type": "template",
        "template": {
            "name": name,
            "language": {"code": language},
            "components": list(components),
        },
    }


def sample(name: str) -> Json:
    path = Path(__file__).parents[1] / "samples" / "cloud_api" / f"{name}.json"
    body: Json = json.loads(path.read_text(encoding="utf-8"))
    return body


def shape_of(value: Any) -> Any:
    """Return the names and kinds of a document, without its contents."""
    if isinstance(value, dict):
        return {key: shape_of(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return [shape_of(one) for one in value]
    return type(value).__name__


Running = Callable[..., AbstractAsyncContextManager[Bench]]
"""Starts a sandbox; takes a clock and changes of the configuration."""
