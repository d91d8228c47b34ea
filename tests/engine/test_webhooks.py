"""Webhook calls of runs, against a real HTTP server on loopback."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx
import pytest
import sqlalchemy as sa

import store.http_calls
from engine import outside
from engine.webhooks import Caller
from flows.events import HttpAnswered
from flows.public import is_public
from store import companies
from store.database import Database
from store.http_calls import http_calls
from tests.engine.conftest import House

pytestmark = pytest.mark.anyio


class Outside(BaseHTTPRequestHandler):
    """Answers from a list of `(status, body, headers)`, the last one again and again."""

    answers: ClassVar[list[tuple[int, bytes, dict[str, str]]]] = []
    heard: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
    trickle_s: ClassVar[float] = 0

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.heard.append((self.command, self.path, dict(self.headers), body))
        status, text, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        with suppress(OSError):  # who asked has hung up
            if not self.trickle_s:
                self.wfile.write(text)
                return
            for one in text:
                self.wfile.write(bytes((one,)))
                self.wfile.flush()
                time.sleep(self.trickle_s)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Roomy(ThreadingHTTPServer):
    """Many may call at once."""

    request_queue_size = 64


@pytest.fixture
def server() -> Iterator[str]:
    Outside.answers, Outside.heard = [(200, b'{"coupon": {"code": "MUG10"}}', {})], []
    Outside.trickle_s = 0
    with Roomy(("127.0.0.1", 0), Outside) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture
async def lone(sqlite_url: str) -> AsyncIterator[House]:
    """For what no database has a part in: a house on SQLite alone."""
    database = Database(sqlite_url)
    house = House(database)
    await house.open()
    yield house
    await database.close()


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
    Outside.answers = [(503, b"busy", {}), (200, b'{"coupon": {"code": "LATE"}}', {})]
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
    Outside.answers = [(404, b"no such coupon", {})]
    caller = await call(house, server)
    assert await house.texts() == ["No code"]
    assert len(Outside.heard) == 1
    await caller.close()


async def test_tries_come_to_an_end(house: House, server: str) -> None:
    Outside.answers = [(500, b"", {})]
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


@pytest.mark.parametrize("size", [outside.ANSWER_LIMIT + 1, 10_000_000])
async def test_an_enormous_answer_is_cut_off(lone: House, server: str, size: int) -> None:
    Outside.answers = [(200, b"x" * size, {})]
    caller = await call(lone, server)
    assert await lone.texts() == ["No code"]
    [error] = await lone.all(sa.select(http_calls.c.error))
    assert "larger" in error
    await caller.close()


@pytest.mark.parametrize(
    "address", ["ftp://example.com/x", "http://0177.0.0.1/", "http://[::1", "http://a b/"]
)
async def test_an_address_that_cannot_be_called_fails_in_words(lone: House, address: str) -> None:
    caller = await call(lone, address)
    assert await lone.texts() == ["No code"]
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
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("100.100.100.200", False),
        ("::", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b:1::a00:1", False),
        ("fec0::1", False),
        ("fd00:ec2::254", False),
        ("2001:0:7f00:1::", False),
        ("2001:db8::1", False),
        ("ff02::1", False),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert is_public(address) is public


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


async def secret_of(house: House) -> str:
    async with house.database.write() as tx:
        return (await companies.webhook_secrets(tx, [house.company]))[house.company]


async def test_a_call_is_signed_as_the_docs_say(house: House, server: str) -> None:
    caller = await call(house, server)
    [(_, _, headers, body)] = Outside.heard
    parts = dict(one.split("=", 1) for one in headers["Tiptoe-Signature"].split(","))
    assert int(parts["t"]) == int(house.now.timestamp())
    signed = parts["t"].encode() + b"." + body
    expected = hmac.new((await secret_of(house)).encode(), signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], expected)
    await caller.close()


async def test_each_try_is_signed_anew(lone: House, server: str) -> None:
    Outside.answers = [(503, b"", {})]
    caller = await call(lone, server)
    await lone.later(minutes=1)
    await caller.call_due()
    first, second = (headers["Tiptoe-Signature"] for _, _, headers, _ in Outside.heard)
    assert first != second
    await caller.close()


async def test_a_call_that_is_not_to_be_signed_is_not(lone: House, server: str) -> None:
    caller = await call(lone, server, sign=False, headers={"tiptoe-signature": "t=1,v1=forged"})
    [(_, _, headers, _)] = Outside.heard
    assert "tiptoe-signature" not in {name.lower() for name in headers}
    await caller.close()


@pytest.mark.parametrize(
    ("body", "headers", "kind"),
    [
        ('{"a": 1}', {}, "application/json"),
        ("a=1", {}, "text/plain; charset=utf-8"),
        ("a=1", {"content-TYPE": "application/x-www-form-urlencoded"},
            "application/x-www-form-urlencoded"),
        ("", {}, None),
    ],
)  # fmt: skip
async def test_the_body_says_what_it_is(
    lone: House, server: str, body: str, headers: dict[str, str], kind: str | None
) -> None:
    caller = await call(lone, server, body=body, headers=headers | {"X-City": "Forlì"})
    [(_, _, heard, _)] = Outside.heard
    found = {name.lower(): value for name, value in heard.items()}
    assert found.get("content-type") == kind
    assert found["x-city"].encode("latin-1").decode() == "Forlì"
    await caller.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_every_method_is_called(lone: House, server: str, method: str) -> None:
    caller = await call(lone, server, method=method, body="" if method == "GET" else "{}")
    assert [one[0] for one in Outside.heard] == [method]
    assert await lone.texts() == ["Code MUG10"]
    await caller.close()


async def due_in(house: House) -> timedelta:
    [due] = await house.all(sa.select(http_calls.c.due_at))
    return timedelta(seconds=(due - house.now).total_seconds())


@pytest.mark.parametrize("status", [408, 425, 429, 503])
async def test_a_server_that_asks_for_patience_gets_it(
    lone: House, server: str, status: int
) -> None:
    Outside.answers = [(status, b"", {"Retry-After": "120"})]
    caller = await call(lone, server)
    assert timedelta(seconds=120) <= await due_in(lone) <= timedelta(seconds=180)
    await caller.close()


async def test_patience_has_an_end_and_understands_dates(lone: House, server: str) -> None:
    later = lone.now + timedelta(minutes=10)
    for said, least, most in (
        ("999999999", 3600, 5400),
        (format_datetime(later, usegmt=True), 599, 900),
        (format_datetime(lone.now - timedelta(days=1), usegmt=True), 2, 3),
        ("soon", 2, 3),
        ("-5", 2, 3),
        ("", 2, 3),
    ):
        async with lone.database.write() as tx:
            await tx.execute(sa.delete(http_calls))
        Outside.answers = [(503, b"", {"Retry-After": said})]
        caller = await call(lone, server)
        waits = (await due_in(lone)).total_seconds()
        assert least <= waits <= most, said
        await caller.close()


async def test_an_answer_that_trickles_in_is_given_up_in_time(lone: House, server: str) -> None:
    Outside.answers, Outside.trickle_s = [(200, b"x" * 1000, {})], 0.05
    began = time.monotonic()
    caller = await call(lone, server, timeout_s=1, tries=1)
    assert time.monotonic() - began < 5
    [error] = await lone.all(sa.select(http_calls.c.error))
    assert error == "no answer within 1 seconds"
    assert await lone.texts() == ["No code"]
    await caller.close()


def redirect(to: str, status: int = 307) -> tuple[int, bytes, dict[str, str]]:
    return (status, b"", {"Location": to})


async def test_redirects_are_followed_with_their_headers_and_body(lone: House, server: str) -> None:
    Outside.answers = [redirect("/there"), (200, b'{"coupon": {"code": "THERE"}}', {})]
    caller = await call(lone, server)
    first, second = Outside.heard
    assert (second[0], second[1], second[3]) == ("POST", "/there", first[3])
    assert second[2]["X-Shop"] == "mugs"
    assert await lone.texts() == ["Code THERE"]
    await caller.close()


async def test_another_host_does_not_get_the_headers(lone: House, server: str) -> None:
    there = server.replace("127.0.0.1", "localhost")
    Outside.answers = [redirect(f"{there}/there"), (200, b"{}", {})]
    caller = await call(lone, server, headers={"Authorization": "Bearer x", "X-Api-Key": "y"})
    [_, (_, _, headers, body)] = Outside.heard
    kept = {name.lower() for name in headers}
    assert kept.isdisjoint({"authorization", "x-api-key", "tiptoe-signature", "idempotency-key"})
    assert body
    await caller.close()


async def test_redirects_come_to_an_end(lone: House, server: str) -> None:
    Outside.answers = [redirect("/again")]
    caller = await call(lone, server)
    assert len(Outside.heard) == outside.REDIRECTS + 1
    [error] = await lone.all(sa.select(http_calls.c.error))
    assert error == "it is redirected more than 3 times"
    await caller.close()


async def test_a_redirect_into_the_private_network_is_refused(
    lone: House, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "is_public", lambda address: address == "127.0.0.1")
    for inside in ("127.0.0.2", "[::1]", "0x7f000002", "2130706434"):
        Outside.heard = []
        Outside.answers = [redirect(server.replace("127.0.0.1", inside)), (200, b"secret", {})]
        caller = await call(lone, server, allow_private=False)
        assert len(Outside.heard) == 1, inside
        await caller.close()
    errors = await lone.all(sa.select(http_calls.c.error))
    assert all("inside a private network" in error for error in errors)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "0",
        "localhost", "LocalHost", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
        "[::127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.169.254", "192.168.0.1",
    ],
)  # fmt: skip
async def test_no_way_of_writing_it_leads_inside(server: str, host: str) -> None:
    port = server.rpartition(":")[2]
    async with outside.client(allow_private=False) as through:
        request = through.build_request("GET", f"http://{host}:{port}/", timeout=2)
        with pytest.raises(httpx.ConnectError) as refused:
            await outside.ask(through, request)
    assert isinstance(refused.value.__cause__, outside.ForbiddenAddressError)
    assert Outside.heard == []


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        if host not in ("rebind.test", b"rebind.test"):
            return real(host, *more, **named)
        asked.append(str(host))
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(outside, "is_public", lambda address: address == "127.0.0.1")
    port = server.rpartition(":")[2]
    async with outside.client(allow_private=False) as through:
        there = f"http://rebind.test:{port}/"
        answer = await outside.ask(through, through.build_request("GET", there, timeout=5))
    assert answer.status == 200
    assert len(asked) == 1


async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        if host != "both.test":
            return real(host, *more, **named)
        return [*real("127.0.0.1", *more, **named), *real("127.0.0.2", *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(outside, "is_public", lambda address: address == "127.0.0.1")
    port = server.rpartition(":")[2]
    async with outside.client(allow_private=False) as through:
        with pytest.raises(httpx.ConnectError, match=r"127\.0\.0\.2"):
            await outside.ask(
                through, through.build_request("GET", f"http://both.test:{port}/", timeout=5)
            )
    assert Outside.heard == []
