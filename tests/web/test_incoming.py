"""Webhook triggers: an address of their own, any JSON or form, once for each id."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from store import automations, resolve
from store import inbound_hooks as hooks
from store.addresses import Address
from store.contacts import contacts
from store.events import events
from store.inbound_hooks import inbound_hooks
from tests.web.conftest import BASE, NOW, House

pytestmark = pytest.mark.anyio
NUMBER = "+393331234567"


def flow(**trigger: Any) -> dict[str, Any]:
    return {
        "spec": 1,
        "name": "Hook",
        "triggers": {"hook": {"type": "webhook", "phone": "customer.phone", **trigger}},
        "start": "end",
        "steps": {"end": {"type": "end"}},
    }


async def webhook(house: House, automation: int) -> dict[str, Any]:
    answer = await house.machine().get(f"/api/v1/automations/{automation}/webhooks")
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["items"]
    one: dict[str, Any] = found
    return one


async def address(house: House, automation: int) -> str:
    found: str = (await webhook(house, automation))["address"]
    assert found.startswith(f"{BASE}/hooks/in/")
    return found.removeprefix(BASE)


async def post(house: House, at: str, body: Any, **headers: str) -> httpx.Response:
    return await house.client().post(at, json=body, headers=headers)


def body(**more: Any) -> dict[str, Any]:
    customer = {"phone": NUMBER, "name": "Ada Rossi", "email": "ada@example.com"}
    return {"customer": customer, "order": {"id": 77, "size": "M"}, **more}


async def test_a_delivery_becomes_contact_fields_and_event(both_houses: House) -> None:
    house = both_houses
    trigger = {
        "email": "customer.email",
        "name": "customer.name",
        "external_id": "order.id",
        "fields": {"size": "order.size", "nothing": "order.nothing"},
    }
    automation = await house.live(flow(**trigger))
    at = await address(house, automation)
    began = time.monotonic()
    answer = await post(house, at, body())
    assert time.monotonic() - began < 1
    assert answer.status_code == 202
    told = answer.json()
    assert told["status"] == "accepted"
    rows = await house.rows(sa.select(events).where(events.c.kind == "occasion"))
    [event] = rows
    assert (str(event.id), str(event.contact_id)) == (told["event_id"], told["contact_id"])
    assert event.data["kind"] == "webhook"
    assert event.data["automation_id"] == automation
    assert event.data["trigger"] == "hook"
    assert event.data["data"] == {"webhook": body()}
    [person] = await house.rows(sa.select(contacts))
    assert (person.name, person.fields) == ("Ada Rossi", {"size": "M"})
    # the same once more, and another one
    again = await post(house, at, body())
    assert (again.status_code, again.json()) == (202, told | {"status": "repeated"})
    other = await post(house, at, body(order={"id": 78}))
    assert other.json()["status"] == "accepted"
    assert other.json()["contact_id"] == told["contact_id"]


async def test_only_an_id_makes_two_deliveries_one(house: House) -> None:
    at = await address(house, await house.live(flow()))
    assert [(await post(house, at, body())).json()["status"] for _ in range(2)] == ["accepted"] * 2
    keyed = [
        (await post(house, at, body(), **{"Idempotency-Key": key})).json()["status"]
        for key in ("a", "a", "b")
    ]
    assert keyed == ["accepted", "repeated", "accepted"]


async def test_the_last_payload_is_kept_for_the_author_also_before_it_is_live(
    house: House,
) -> None:
    automation = await house.automation(flow())
    at = await address(house, automation)
    assert (await webhook(house, automation))["live"] is False
    answer = await post(house, at, {"anything": [1, {"at": "all"}]})
    assert (answer.status_code, answer.json()["status"]) == (202, "ignored")
    assert "draft" in answer.json()["why"]
    found = await webhook(house, automation)
    assert found["last_payload"] == {"anything": [1, {"at": "all"}]}
    assert found["last_at"] is not None
    assert await house.rows(sa.select(contacts.c.id)) == []


async def test_a_paused_automation_takes_deliveries_and_starts_nobody(house: House) -> None:
    automation = await house.live(flow())
    at = await address(house, automation)
    async with house.web.database.write() as tx:
        await automations.pause(tx, house.company, automation, house.clock())
    answer = await post(house, at, body())
    assert (answer.status_code, answer.json()["status"]) == (202, "ignored")
    assert await house.rows(sa.select(events.c.id)) == []


async def test_a_condition_decides_before_anybody_is_made(house: House) -> None:
    paid = {"type": "is", "value": "webhook.status", "op": "is", "to": "paid"}
    at = await address(house, await house.live(flow(condition=paid)))
    answer = await post(house, at, body(status="open"))
    assert answer.json()["status"] == "ignored"
    assert "webhook.status" in answer.json()["why"]
    assert await house.rows(sa.select(contacts.c.id)) == []
    assert (await post(house, at, body(status="Paid"))).json()["status"] == "accepted"


@pytest.mark.parametrize(
    ("customer", "path", "said"),
    [
        ({}, "/customer/phone", "nothing at “customer.phone”"),
        ({"phone": None}, "/customer/phone", "nothing at “customer.phone”"),
        ({"phone": "call me"}, "/customer/phone", "no phone number: “call me”"),
        ({"phone": {"a": 1}}, "/customer/phone", "nothing at"),
    ],
)
async def test_nobody_to_be_found_says_which_path_was_empty(
    house: House, customer: Any, path: str, said: str
) -> None:
    at = await address(house, await house.live(flow()))
    answer = await post(house, at, body(customer=customer))
    assert answer.status_code == 422
    [detail] = answer.json()["error"]["details"]
    assert (detail["pointer"], said in detail["message"]) == (path, True), detail
    assert await house.rows(sa.select(contacts.c.id)) == []
    [kept] = await house.rows(sa.select(inbound_hooks.c.last_payload))  # for its author to see
    assert kept.last_payload == body(customer=customer)


@pytest.mark.parametrize(
    "phone",
    ["333 123 4567", 393331234567, {"dial_code": "+39", "phone_no": "3331234567"}, 3331234567.0],
)
async def test_numbers_as_senders_write_them(house: House, phone: Any) -> None:
    number = f"+{phone}" if phone == 393331234567 else phone
    at = await address(house, await house.live(flow()))
    assert (await post(house, at, body(customer={"phone": number}))).status_code == 202
    assert len(await house.rows(sa.select(contacts.c.id))) == 1


async def test_somebody_may_be_known_by_email_alone(house: House) -> None:
    at = await address(house, await house.live(flow(phone="", email="mail")))
    unknown = await post(house, at, {"mail": "ada@example.com"})
    assert unknown.status_code == 422
    async with house.web.database.write() as tx:
        ada = await resolve.resolve(
            tx,
            house.company,
            [Address("phone", NUMBER), Address("email", "ada@example.com")],
            now=house.clock(),
        )
    known = await post(house, at, {"mail": "Ada@Example.com"})
    assert known.json()["contact_id"] == str(ada)


async def test_a_form_is_as_good_as_json(house: House) -> None:
    at = await address(house, await house.live(flow(phone="phone", name="name")))
    answer = await house.client().post(
        at, data={"phone": NUMBER, "name": "Così", "tags": ["a", "b"], "empty": ""}
    )
    assert answer.status_code == 202, answer.text
    [event] = await house.rows(sa.select(events.c.data))
    told = {"phone": NUMBER, "name": "Così", "tags": ["a", "b"], "empty": ""}
    assert event.data["data"]["webhook"] == told


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "text/plain", 400),
        (b"42", "application/json", 400),
        (b"null", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"a=1&" * 2_000, "application/x-www-form-urlencoded", 400),
        (b"[" + b"1," * 200_000 + b"1]", "application/json", 413),
        (b'{"customer": {"phone": "' + NUMBER.encode() + b'"}, "x": NaN, "y": "\\u0000"}', "", 202),
    ],
)
async def test_garbage_is_refused_with_words(
    house: House, raw: bytes, kind: str, status: int
) -> None:
    at = await address(house, await house.live(flow()))
    headers = {"content-type": kind} if kind else {}
    answer = await house.client().post(at, content=raw, headers=headers)
    assert answer.status_code == status, answer.text
    if status != 202:
        assert len(answer.json()["error"]["message"]) > 20


async def test_the_last_payload_is_not_kept_for_ever(house: House) -> None:
    at = await address(house, await house.live(flow()))
    await post(house, at, body())
    for moment, kept in ((NOW, True), (NOW + timedelta(seconds=1), False)):
        async with house.web.database.write() as tx:
            await hooks.forget_payloads(tx, moment)
        [row] = await house.rows(sa.select(inbound_hooks.c.last_payload))
        assert (row.last_payload is not None) is kept


async def test_unknown_addresses(house: House) -> None:
    answer = await post(house, "/hooks/in/nobody", body())
    assert answer.status_code == 404
    assert "webhook trigger" in answer.json()["error"]["message"]


async def test_a_secret_asks_for_signatures(house: House) -> None:
    automation = await house.live(flow())
    at, machine = await address(house, automation), house.machine()
    made = await machine.put(f"/api/v1/automations/{automation}/webhooks/hook/secret")
    secret = made.json()["secret"]
    assert (await webhook(house, automation))["signed"] is True
    assert secret not in json.dumps(await webhook(house, automation))
    raw = json.dumps(body()).encode()
    right = "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    for given in (b"", b"sha256=00", "é".encode()):
        headers = [(b"X-Tiptoe-Signature", given)]
        refused = await house.client().post(at, content=raw, headers=headers)
        assert refused.status_code == 401
    signed = await house.client().post(at, content=raw, headers={"X-Tiptoe-Signature": right})
    assert signed.status_code == 202
    dropped = await machine.delete(f"/api/v1/automations/{automation}/webhooks/hook/secret")
    assert dropped.status_code == 204
    assert (await post(house, at, body())).status_code == 202


async def test_a_new_address_makes_the_old_one_unknown(house: House) -> None:
    automation = await house.live(flow())
    old = await address(house, automation)
    made = await house.machine().put(f"/api/v1/automations/{automation}/webhooks/hook/key")
    new = made.json()["address"].removeprefix(BASE)
    assert (await post(house, old, body())).status_code == 404
    assert (await post(house, new, body())).status_code == 202
    assert await address(house, automation) == new  # asking does not make another


async def test_addresses_are_their_companys_own(house: House) -> None:
    automation = await house.live(flow())
    other = house.machine(house.other_key)
    at = f"/api/v1/automations/{automation}/webhooks"
    for answer in (
        await other.get(at),
        await other.put(at + "/hook/secret"),
        await other.delete(at + "/hook/secret"),
        await other.put(at + "/hook/key"),
    ):
        assert answer.status_code == 404
    unknown = await house.machine().put(at + "/nothing/secret")
    assert unknown.status_code == 404
    viewer = await house.signed_in("viewer")
    assert (await viewer.get(at)).status_code == 403
