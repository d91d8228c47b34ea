"""New alerts are told once: by webhook and by e-mail, to the company and to the house."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.announce import Way, announce
from engine.mail import Letter, Mailer
from engine.telling import KINDS, Teller
from store import alerts, companies, phones
from store import house as houses
from store.companies import CompanySettings
from store.house import HouseSettings
from store.http_calls import http_calls
from tests.engine.conftest import House
from tests.engine.flows import NOW
from tests.engine.post_office import PostOffice
from tests.engine.test_webhooks import Outside, server

pytestmark = pytest.mark.anyio
__all__ = ["server"]
WAY = Way("https://tiptoe.test/", by_mail=True)
SENDER = "tiptoe@shop.test"


@pytest.fixture
async def post(anyio_backend: str) -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.open()
    yield office
    await office.close()


@pytest.fixture
async def teller(house: House, post: PostOffice) -> AsyncIterator[Teller]:
    one = Teller(house.database, house.at, allow_private=True, mailer=Mailer(post.url, SENDER))
    yield one
    await one.close()


async def raise_one(house: House, kind: str = "queue_old", **more: Any) -> int:
    async with house.database.write() as tx:
        made = await alerts.raise_once(
            tx, house.company, "warning", kind, "Nothing leaves.", house.now, **more
        )
    assert made is not None
    return made


async def settings(house: House, own: dict[str, str], of_house: dict[str, str]) -> None:
    async with house.database.write() as tx:
        await companies.set_settings(tx, house.company, CompanySettings(**own))  # type: ignore[arg-type]
        await houses.set_settings(tx, HouseSettings(**of_house))  # type: ignore[arg-type]


async def test_an_alert_is_told_once_to_everybody(
    house: House, teller: Teller, server: str, post: PostOffice
) -> None:
    await settings(
        house,
        {"alert_webhook_url": server + "/own", "alert_email": "ada@mugs.test"},
        {"alert_webhook_url": server + "/house", "alert_email": "ops@house.test"},
    )
    async with house.database.write() as tx:
        phone = await phones.create(tx, house.company, "cloud_api", NOW, name="Main", number="+39")
    made = await raise_one(house, "phone_banned", phone_id=phone)
    for _ in range(2):
        await announce(house.database, WAY, house.now)
        await teller.tell_due()
    heard = {path: (headers, json.loads(body)) for _, path, headers, body in Outside.heard}
    assert (len(Outside.heard), set(heard)) == (2, {"/own", "/house"})
    for headers, body in heard.values():
        assert headers["Idempotency-Key"] == f"alert-{made}"
        assert "Tiptoe-Signature" in headers
        assert body == {
            "event": "alert.raised",
            "id": str(made),
            "company": {"id": str(house.company), "name": "Blue Mugs"},
            "severity": "warning",
            "kind": "phone_banned",
            "title": "Banned",
            "details": "Nothing leaves.",
            "phone": {"id": str(phone), "name": "Main", "number": "+39"},
            "action": f"https://tiptoe.test/phones/{phone}",
            "at": body["at"],
        }
    assert sorted(to for to, _ in post.taken) == ["ada@mugs.test", "ops@house.test"]
    letter = post.taken[0][1]
    assert (letter["Subject"], letter["From"]) == ("Banned (Blue Mugs)", f"Tiptoe <{SENDER}>")
    assert letter["Message-ID"] == f"<tiptoe.alert-{made}@shop.test>"
    text = str(letter.get_payload())
    assert all(one in text for one in ("Nothing leaves.", "Phone: Main", "/phones/"))


async def test_what_is_over_or_old_is_no_news(house: House, server: str) -> None:
    await settings(house, {"alert_webhook_url": server}, {})
    await raise_one(house)
    async with house.database.write() as tx:
        await alerts.resolve(tx, house.company, "queue_old", house.now)
    await raise_one(house, "trouble")
    assert await announce(house.database, WAY, house.now + timedelta(days=2)) == 0
    assert await announce(house.database, WAY, house.now) == 1


async def test_nobody_to_tell_and_no_mail_server(house: House) -> None:
    await raise_one(house)
    assert await announce(house.database, WAY, house.now) == 1
    await settings(house, {"alert_email": "ada@mugs.test"}, {})
    await raise_one(house, "trouble")
    assert await announce(house.database, Way(), house.now) == 1
    assert await house.all(sa.select(http_calls.c.id)) == []


async def test_a_way_that_fails_is_not_told_of_its_own_failure(house: House, server: str) -> None:
    own = {"alert_webhook_url": server, "alert_email": "ada@mugs.test"}
    await settings(house, own, {})
    await raise_one(house, KINDS["alert"])
    await raise_one(house, KINDS["mail"])
    await announce(house.database, WAY, house.now)
    query = sa.select(http_calls.c.purpose).order_by(http_calls.c.id)
    assert await house.all(query) == ["mail", "alert"]


async def test_a_mail_server_that_is_away_is_tried_again_and_a_refusal_is_not(
    house: House, teller: Teller, post: PostOffice
) -> None:
    await settings(house, {"alert_email": "ada@mugs.test"}, {})
    post.greeting = "421 busy"
    await raise_one(house)
    await announce(house.database, WAY, house.now)
    assert await teller.tell_due() == 1
    assert await house.all(sa.select(http_calls.c.state)) == ["queued"]
    post.greeting = "220 hello"
    house.now += timedelta(seconds=5)
    assert await teller.tell_due() == 1
    assert [to for to, _ in post.taken] == ["ada@mugs.test"]
    post.refuse = "ada"
    await raise_one(house, "trouble")
    await announce(house.database, WAY, house.now)
    await teller.tell_due()
    assert set(await house.all(sa.select(http_calls.c.state))) == {"done", "failed"}
    async with house.database.read() as tx:
        told = {one.kind: one.details for one in await alerts.page(tx, house.company)}
    assert "ada@mugs.test was refused: 550 nobody here" in told["alert_mail"]


@pytest.mark.parametrize(
    ("to", "subject"), [("ada", "x"), ("ada@mugs.test\nBcc: b@b.test", "x"), ("a@b.test", "x\ny")]
)
async def test_a_letter_that_cannot_be_written_is_refused(to: str, subject: str) -> None:
    tried = await Mailer("smtp://127.0.0.1:9", SENDER).send(Letter(to, subject, "text", "k"))
    assert tried.refused
    assert tried.reason.startswith("it cannot be written")


async def test_nobody_at_the_mail_servers_address(free_port: int) -> None:
    mailer = Mailer(f"smtp://user:pass@127.0.0.1:{free_port}", SENDER)
    tried = await mailer.send(Letter("a@b.test", "x", "text", "k"))
    assert (tried.again, tried.reason[:31]) == (True, "the mail server cannot be used:")
