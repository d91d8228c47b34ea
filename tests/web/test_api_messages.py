"""The send API: what is taken in becomes queued rows, what is wrong is named, and why it waits."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import companies, media, phones, resolve, templates
from store.addresses import Address
from store.contacts import contacts
from store.events import events
from store.ids import new_id
from store.messages import messages
from tests.web.conftest import NOW, House

pytestmark = pytest.mark.anyio
AT = "/api/v1/messages"
TO = {"phone": "+393331234567"}
HASH = "a" * 64
FILE = {"kind": "image", "link": "https://cdn.test/a.png"}


async def row(house: House, message_id: str) -> Any:
    [found] = await house.rows(sa.select(messages).where(messages.c.id == int(message_id)))
    return found


async def contact(house: House, number: str = "+393331234567", company: int = 0) -> int:
    async with house.web.database.write() as tx:
        return await resolve.resolve(
            tx, company or house.company, [Address("phone", number)], now=NOW
        )


async def test_a_text_is_queued_and_can_be_asked_for(both_houses: House) -> None:
    house = both_houses
    machine = house.machine()
    body = {"to": TO, "text": "Hello", "reference": "order-7"}
    answer = await machine.post(AT, json=body)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["accepted"], told["refused"], told["held"]) == (1, 0, "")
    queued = await row(house, told["id"])
    assert (queued.state, queued.source, queued.kind) == ("queued", "api", "text")
    assert (queued.content, queued.preview) == ({"type": "text", "body": "Hello"}, "Hello")
    assert (queued.category, queued.priority, queued.due_at) == ("service", 1, NOW)
    shown = (await machine.get(f"{AT}/{told['id']}")).json()
    assert (shown["state"], shown["priority"], shown["source"]) == (
        "queued", "transactional", "api",
    )  # fmt: skip
    assert (shown["reference"], shown["why"], shown["terms"]) == ("order-7", [], None)
    assert shown["contact_id"] == told["messages"][0]["contact_id"]
    line = shown["story"]["timeline"][0]
    assert (line["did"], line["words"]) == ("queued", "A program asked for it by API.")
    stranger = house.machine(house.other_key)
    assert (await stranger.get(f"{AT}/{told['id']}")).status_code == 404
    assert (await stranger.delete(f"{AT}/{told['id']}")).status_code == 404


async def test_a_key_sends_once_and_only_the_same(house: House) -> None:
    machine = house.machine()
    machine.headers["idempotency-key"] = "k1"
    first = await machine.post(AT, json={"to": TO, "text": "Hello"})
    again = await machine.post(AT, json={"to": TO, "text": "Hello"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotent-replay"] == "true"
    assert (await machine.post(AT, json={"to": TO, "text": "Other"})).status_code == 409
    assert len(await house.rows(sa.select(messages))) == 1


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"media": FILE | {"caption": "Look"}}, "media"),
        ({"buttons": {"body": "Yes?", "options": [{"payload": "y", "label": "Yes"}]}}, "buttons"),
        (
            {"list": {"body": "Which?", "button": "See", "options": [
                {"payload": "s", "label": "Small", "description": "S"}]}},
            "list",
        ),
        ({"location": {"latitude": 0, "longitude": 9.19, "name": "Shop"}}, "location"),
        (
            {"template": {"name": "cart_reminder", "language": "en", "body": ["Ada"],
                "buttons": [{"index": 0, "kind": "quick_reply", "value": "stop"}]}},
            "template",
        ),
        (
            {"template": {"name": "new_one", "language": "it", "header_media": FILE, "cards": [
                {"media": FILE, "body": ["1"]}, {"media": FILE, "body": ["2"]}]}},
            "template",
        ),
    ],
)  # fmt: skip
async def test_each_kind_of_content_is_taken(house: House, given: Any, kind: str) -> None:
    answer = await house.machine().post(AT, json={"to": TO, **given})
    assert answer.status_code == 202, answer.text
    queued = await row(house, answer.json()["id"])
    assert (queued.kind, queued.content["type"]) == (kind, kind)


async def test_a_templates_own_category_and_words_count(house: House) -> None:
    given = {"name": "cart_reminder", "language": "en", "body": ["Ada"]}
    body = {"to": TO, "template": given, "category": "utility", "over_budget": "drop"}
    queued = await row(house, (await house.machine().post(AT, json=body)).json()["id"])
    assert (queued.category, queued.priority, queued.over_budget) == ("marketing", 2, "drop")
    assert (queued.template, queued.preview) == ("cart_reminder", "Hi Ada, your cart is waiting.")


async def test_times_phone_and_priority_are_kept(house: House) -> None:
    async with house.web.database.read() as tx:
        [phone] = await phones.of_company(tx, house.company)
    body = {
        "to": TO,
        "text": "Hello",
        "category": "marketing",
        "priority": "answer",
        "phone_id": str(phone.id),
        "send_at": "2026-03-03T11:00:00+01:00",
        "expires_at": "2026-03-04T00:00:00Z",
    }
    queued = await row(house, (await house.machine().post(AT, json=body)).json()["id"])
    assert (queued.category, queued.priority, queued.phone_id) == ("marketing", 0, phone.id)
    assert queued.due_at == NOW + timedelta(days=1)
    assert queued.expires_at == NOW.replace(day=4, hour=0)


async def test_a_file_of_ours_is_known_by_its_hash(house: House) -> None:
    body = {"to": TO, "media": {"kind": "document", "sha256": HASH, "filename": "bill.pdf"}}
    refused = await house.machine().post(AT, json=body)
    assert refused.json()["error"]["details"][0]["pointer"] == "/media/sha256"
    async with house.web.database.write() as tx:
        values = {"sha256": HASH, "mime_type": "application/pdf", "size": 9, "filename": ""}
        values |= {"company_id": house.company, "created_at": NOW}
        await tx.execute(sa.insert(media.media_files).values(values))
    unfit = body | {"media": body["media"] | {"kind": "video"}}
    [wrong] = (await house.machine().post(AT, json=unfit)).json()["error"]["details"]
    assert wrong["pointer"] == "/media/kind"
    assert "no application/pdf as video" in wrong["message"]
    answer = await house.machine().post(AT, json=body)
    assert (await row(house, answer.json()["id"])).content["sha256"] == HASH


async def test_a_quote_belongs_to_the_same_chat(house: House) -> None:
    ada, bob = await contact(house), await contact(house, "+393331234568")
    async with house.web.database.write() as tx:
        [phone] = await phones.of_company(tx, house.company)
        ids = [new_id(NOW), new_id(NOW)]
        values = {"company_id": house.company, "kind": "text", "content": {}, "created_at": NOW}
        values |= {"source": "person", "phone_id": phone.id}
        for one, state, at in ((ids[0], "received", "wamid.1"), (ids[1], "queued", None)):
            told = {"id": one, "contact_id": ada, "state": state, "channel_id": at}
            told["direction"] = "in" if at else "out"
            await tx.execute(sa.insert(messages).values(values | told))
    body = {"to": {"contact_id": str(ada)}, "text": "Yes", "quote": str(ids[0])}
    queued = await row(house, (await house.machine().post(AT, json=body)).json()["id"])
    assert (queued.quoted_channel_id, queued.phone_id) == ("wamid.1", phone.id)
    for wrong in (
        {"to": {"contact_id": str(bob)}},
        {"quote": str(ids[1])},
        {"quote": "77"},
    ):
        refused = await house.machine().post(AT, json=body | wrong)
        assert refused.json()["error"]["details"][0]["pointer"] == "/quote", wrong


BODY = {"name": "cart_reminder", "language": "en", "body": ["Ada"]}
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"to": None}, "/to", "exactly one of"),
    ({"to": {}}, "/to", "exactly one of"),
    ({"to": {"phone": "+393331234567", "wa_id": "393331234567"}}, "/to", "exactly one of"),
    ({"to": {"phone": "12"}}, "/to/phone", "not a phone number"),
    ({"to": {"contact_id": "9"}}, "/to/contact_id", "no contact"),
    ({"text": None}, "/", "exactly one of"),
    ({"media": FILE}, "/", "text and media"),
    ({"text": "  "}, "/text", ""),
    ({"text": "x" * 4097}, "/text", ""),
    ({"phone_id": "999"}, "/phone_id", "no phone"),
    ({"quote": "x"}, "/quote", ""),
    ({"send_at": "2026-03-12T00:00:00Z"}, "/send_at", "7 days"),
    ({"send_at": "2026-03-03T00:00:00"}, "/send_at", "with its zone"),
    ({"send_at": "tomorrow"}, "/send_at", "not a time with its zone"),
    ({"expires_at": "9999-12-31T23:59:59-14:00"}, "/expires_at", "not a time"),
    ({"expires_at": "2026-03-02T10:00:00Z"}, "/expires_at", "before it could be sent"),
    ({"what": 1}, "/what", ""),
    ({"text": None, "media": {"kind": "image"}}, "/media", "either a link"),
    ({"text": None, "media": FILE | {"kind": "audio", "caption": "x"}}, "/media/caption", "audio"),
    ({"text": None, "template": BODY | {"body": []}}, "/template/body", "1 variables; 0"),
    ({"text": None, "template": BODY | {"body": ["a\nb"]}}, "/template/body/0", "line break"),
    ({"text": None, "template": BODY | {"body": [""]}}, "/template/body/0", ""),
    (
        {"text": None, "template": BODY | {
            "buttons": [{"index": 1, "kind": "quick_reply", "value": "x"}]}},
        "/template/buttons/0/index",
        "has 1 button;",
    ),
    ({"text": None, "template": BODY | {"cards": [{"media": FILE}]}}, "/template/cards", "2 cards"),
    ({"text": None, "location": {"latitude": 91, "longitude": 0}}, "/location/latitude", ""),
    (
        {"text": None, "buttons": {"body": "?", "options": [{"payload": "r1.a.b", "label": "Y"}]}},
        "/buttons/options/0/payload",
        "automations",
    ),
    (
        {"text": None, "buttons": {"body": "?", "options": [
            {"payload": "a", "label": "Yes"}, {"payload": "b", "label": "YES!"}]}},
        "/buttons/options/1/label",
        "Another option",
    ),
    ({"messages": [{"to": TO, "text": "x"}]}, "/messages", "nothing else"),
    ({"messages": []}, "/messages", ""),
]  # fmt: skip


@pytest.mark.parametrize(("change", "pointer", "words"), WRONG)
async def test_what_is_wrong_is_named(house: House, change: Any, pointer: str, words: str) -> None:
    body = {"to": TO, "text": "Hello"} | change
    body = {name: value for name, value in body.items() if value is not None}
    answer = await house.machine().post(AT, json=body)
    assert answer.status_code == 422, answer.text
    details = answer.json()["error"]["details"]
    assert pointer in [one["pointer"] for one in details], details
    assert words in " ".join(one["message"] for one in details)
    assert await house.rows(sa.select(messages)) == []
    assert await house.rows(sa.select(contacts)) == []


async def test_an_empty_body_is_said_to_be_empty(house: House) -> None:
    answer = await house.machine().post(AT, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "The body is empty; send JSON.",
    )


async def test_of_many_the_right_ones_are_taken(both_houses: House) -> None:
    house = both_houses
    many = [
        {"to": TO, "text": "One", "reference": "r1"},
        {"to": {"phone": "12"}, "text": "Two", "reference": "r2"},
        {"to": {"wa_id": "393331234567"}, "text": "Three"},
        {"to": {"user_id": "IT.134912"}, "media": {"kind": "image"}},
        {"to": {"user_id": "IT.134912"}, "text": "Five"},
    ]
    answer = await house.machine().post(AT, json={"messages": many})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["id"], told["accepted"], told["refused"]) == (None, 3, 2)
    assert [one["id"] is None for one in told["messages"]] == [False, True, False, True, False]
    assert told["messages"][0]["contact_id"] == told["messages"][2]["contact_id"]
    [two] = told["messages"][1]["errors"]
    assert (two["pointer"], told["messages"][1]["reference"]) == ("/messages/1/to/phone", "r2")
    assert told["messages"][3]["errors"][0]["pointer"] == "/messages/3/media"
    assert len(await house.rows(sa.select(messages))) == 3
    assert len(await house.rows(sa.select(contacts))) == 2


async def test_a_thousand_at_a_time_and_no_more(house: House) -> None:
    many = [{"to": {"phone": f"+39333{n:07}"}, "text": "Hi"} for n in range(1000)]
    answer = await house.machine().post(AT, json={"messages": many})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1000)
    too_many = await house.machine().post(AT, json={"messages": [*many, many[0]]})
    assert too_many.status_code == 422


async def test_lists_are_paged_and_filtered(both_houses: House) -> None:
    house = both_houses
    machine = house.machine()
    many = [
        {"to": {"phone": f"+39333{n % 3:07}"}, "text": f"{n}", "reference": f"r{n % 2}"}
        for n in range(103)
    ]
    await machine.post(AT, json={"messages": many})
    first = (await machine.get(AT)).json()
    assert [one["preview"] for one in first["items"][:2]] == ["102", "101"]
    rest = (await machine.get(AT, params={"after": first["next"]})).json()
    assert ([one["preview"] for one in rest["items"]], rest["next"]) == (["2", "1", "0"], None)
    ada = first["items"][0]["contact_id"]
    for asked, expected in (
        ({"contact": ada}, 35),
        ({"reference": "r1"}, 51),
        ({"state": "queued", "contact": ada, "reference": "r0"}, 18),
        ({"state": "sent"}, 0),
        ({"phone": "1"}, 0),
        ({"automation": "1"}, 0),
    ):
        found = (await machine.get(AT, params=asked)).json()
        assert len(found["items"]) == expected, asked
    assert (await machine.get(AT, params={"contact": "x"})).status_code == 400
    assert (await machine.get(AT, params={"after": "x"})).status_code == 400


async def test_what_waits_can_be_recalled_and_what_left_cannot(both_houses: House) -> None:
    house = both_houses
    machine = house.machine()
    made = (await machine.post(AT, json={"to": TO, "text": "Hello"})).json()["id"]
    for _ in range(2):
        answer = await machine.delete(f"{AT}/{made}")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert answer.json()["error"] == "recalled before it was sent"
    sent = (await machine.post(AT, json={"to": TO, "text": "Hello"})).json()["id"]
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(messages).values(state="sending"))
    refused = await machine.delete(f"{AT}/{sent}")
    assert refused.status_code == 409
    assert refused.json()["error"]["message"].startswith("It is being sent right now")


async def test_a_run_hears_that_its_message_was_recalled(house: House) -> None:
    ada = await contact(house)
    made = new_id(NOW)
    async with house.web.database.write() as tx:
        values: dict[str, Any] = {"id": made, "company_id": house.company, "contact_id": ada}
        values |= {"run_id": 5, "seq": 3}
        values |= {"direction": "out", "state": "queued", "kind": "text", "content": {}}
        values |= {"source": "automation", "created_at": NOW}
        await tx.execute(sa.insert(messages).values(values))
    for _ in range(2):
        assert (await house.machine().delete(f"{AT}/{made}")).status_code == 200
    [told] = await house.rows(sa.select(events))
    assert (told.run_id, told.kind) == (5, "verdict")
    assert told.data == {"type": "verdict", "seq": 3, "state": "suppressed", "reason": "recalled"}


async def test_a_company_on_hold_is_taken_in_and_told(house: House) -> None:
    async with house.web.database.write() as tx:
        await companies.set_subscription(tx, house.company, NOW - timedelta(days=1))
    answer = await house.machine().post(AT, json={"to": TO, "text": "Hello"})
    assert answer.status_code == 202
    said = "Sending is on hold: the subscription ended on 1 Mar 2026. The message is kept."
    assert answer.json()["held"] == said
    shown = (await house.machine().get(f"{AT}/{answer.json()['id']}")).json()
    assert (shown["state"], shown["held"]) == ("queued", said)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("agent", 403), ("editor", 202)])
async def test_who_may_send(house: House, role: str, status: int) -> None:
    browser = await house.signed_in(role)
    assert (await browser.post(AT, json={"to": TO, "text": "Hi"})).status_code == status


async def test_a_named_variable_that_is_missing_is_named(house: House) -> None:
    row: dict[str, Any] = {
        "name": "hi",
        "language": "en",
        "category": "UTILITY",
        "status": "APPROVED",
    }
    row |= {"components": [{"type": "BODY", "text": "Hi {{first}} {{last}}"}]}
    async with house.web.database.write() as tx:
        await templates.upsert(tx, house.company, [row], NOW)
    given = {"name": "hi", "language": "en", "named": {"first": "Ada"}}
    answer = await house.machine().post(AT, json={"to": TO, "template": given})
    [wrong] = answer.json()["error"]["details"]
    assert (wrong["pointer"], wrong["message"][-5:]) == ("/template/named", "last.")
