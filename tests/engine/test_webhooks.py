"""Webhook calls of runs, against a real HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

import store.http_calls
from engine import outside
from engine.webhooks import Caller
from flows.events import HttpAnswered
from store.http_calls import http_calls
from tests.engine.conftest import House

pytestmark = pytest.mark.anyio


class Outside(BaseHTTPRequestHandler):
    """Answers from a list of `(status, body)`, the last one again and again."""

    answers: ClassVar[list[tuple[int, bytes]]] = []
    heard: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.heard.append((self.command, self.path, dict(self.headers), body))
        status, text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        if status in (301, 302):
            self.send_header("Location", text.decode())
            text = b""
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer  # noqa: N815  the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Outside.answers, Outside.heard = [(200, b'{"coupon": {"code": "MUG10"}}')], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Outside) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def flow(url: str, **more: Any) -> dict[str, Any]:
    hook = {
        "type": "webhook",
        "method": "POST",
        "url": url,
        "headers": {"X-Shop": "{{ data.shop }}"},
        "body": '{"name": "{{ contact.first_name }}"}',
        "tries": 3,
        "save": {"code": "coupon.code"},
        "next": {"ok": "say", "failed": "sorry"},
    }
    return {
        "name": "Coupon",
        "triggers": {"api": {"type": "api"}},
        "start": "hook",
        "steps": {
            "hook": hook | more,
            "say": {"type": "send_message", "text": "Code {{ answers.hook.code }}", "next": {}},
            "sorry": {"type": "send_message", "text": "No code", "next": {}},
        },
    }


async def call(house: House, url: str, *, allow_private: bool = True, **more: Any) -> Caller:
    """Start the flow and make one round of calls."""
    ada = await house.contact(first_name="Ada")
    await house.start(ada, await house.live(flow(url, **more)), shop="mugs")
    caller = Caller(house.database, house.at, allow_private=allow_private)
    await caller.call_due()
    await house.runner.drain()
    return caller


async def test_the_answer_comes_back_to_the_run(house: House, server: str) -> None:
    caller = await call(house, server + "/coupon")
    assert await house.texts() == ["Code MUG10"]
    [(method, path, headers, body)] = Outside.heard
    assert (method, path, headers["X-Shop"]) == ("POST", "/coupon", "mugs")
    assert json.loads(body) == {"name": "Ada"}
    assert headers["Idempotency-Key"].startswith("tiptoe-")
    assert await caller.call_due() == 0
    await caller.close()


async def test_a_server_fault_is_tried_again_later_with_the_same_key(
    house: House, server: str
) -> None:
    Outside.answers = [(503, b"busy"), (200, b'{"coupon": {"code": "LATE"}}')]
    caller = await call(house, server)
    assert await house.texts() == []
    assert await caller.call_due() == 0
    await house.later(seconds=10)
    assert await caller.call_due() == 1
    await house.runner.drain()
    assert await house.texts() == ["Code LATE"]
    assert Outside.heard[0][2]["Idempotency-Key"] == Outside.heard[1][2]["Idempotency-Key"]
    await caller.close()


async def test_a_refusal_leaves_by_failed_at_once(house: House, server: str) -> None:
    Outside.answers = [(404, b"no such coupon")]
    caller = await call(house, server)
    assert await house.texts() == ["No code"]
    assert len(Outside.heard) == 1
    await caller.close()


async def test_tries_come_to_an_end(house: House, server: str) -> None:
    Outside.answers = [(500, b"")]
    caller = await call(house, server)
    for _ in range(5):
        await house.later(minutes=10)
        await caller.call_due()
    await house.runner.drain()
    assert len(Outside.heard) == 3
    assert await house.texts() == ["No code"]
    await caller.close()


async def test_private_addresses_are_refused_also_behind_a_name(house: House, server: str) -> None:
    caller = await call(house, server.replace("127.0.0.1", "localhost"), allow_private=False)
    assert Outside.heard == []
    assert await house.texts() == ["No code"]
    [error] = await house.all(sa.select(http_calls.c.error))
    assert "private network" in error
    await caller.close()


async def test_an_enormous_answer_is_cut_off(house: House, server: str) -> None:
    Outside.answers = [(200, b"x" * (outside.ANSWER_LIMIT + 1))]
    caller = await call(house, server)
    assert await house.texts() == ["No code"]
    [error] = await house.all(sa.select(http_calls.c.error))
    assert "larger" in error
    await caller.close()


async def test_an_address_that_cannot_be_called_fails_in_words(house: House) -> None:
    caller = await call(house, "ftp://example.com/x")
    assert await house.texts() == ["No code"]
    await caller.close()


async def test_a_claim_of_a_dead_worker_is_taken_over(house: House, server: str) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(flow(server)))
    async with house.database.write() as tx:
        await tx.execute(sa.update(http_calls).values(state="calling", claimed_at=house.now))
    caller = Caller(house.database, house.at, allow_private=True)
    assert await caller.call_due() == 0
    await house.later(minutes=2)
    assert await caller.call_due() == 1
    await caller.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:192.168.1.1", False),
        ("2002:7f00:1::", False),
        ("224.0.0.1", False),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert outside.is_public(address) is public


async def test_a_request_we_cannot_read_fails_alone(house: House, server: str) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(flow(server))
    for one in (ada, bob):
        await house.start(one, automation, shop="mugs")
    async with house.database.write() as tx:
        broken = sa.update(http_calls).where(http_calls.c.contact_id == ada)
        await tx.execute(broken.values(request={"method": 7}))
    caller = Caller(house.database, house.at, allow_private=True)
    assert await caller.call_due() == 2
    await house.runner.drain()
    assert (await house.texts(ada), await house.texts(bob)) == (["No code"], ["Code MUG10"])
    await caller.close()


async def test_an_answer_the_database_refuses_fails_alone_and_is_not_asked_for_again(
    house: House, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(flow(server))
    for one in (ada, bob):
        await house.start(one, automation, shop="mugs")
    [first, _] = await house.all(sa.select(http_calls.c.id).order_by(http_calls.c.id))
    real = store.http_calls.record

    async def refuses(tx: Any, call_id: int, *, answer: HttpAnswered, **more: Any) -> None:
        if call_id == first and answer.ok:
            raise OverflowError("too big")
        await real(tx, call_id, answer=answer, **more)

    monkeypatch.setattr(store.http_calls, "record", refuses)
    caller = Caller(house.database, house.at, allow_private=True)
    await caller.call_due()
    await house.runner.drain()
    assert (await house.texts(ada), await house.texts(bob)) == (["No code"], ["Code MUG10"])
    await house.later(minutes=5)
    assert await caller.call_due() == 0
    await caller.close()
