"""Webhooks: exact forms, signed bytes, order per customer, retries, and restarts."""

import asyncio
import json

import pytest

from tests.sandbox.bench import (
    ADA,
    PNID,
    Bench,
    FakeClock,
    Json,
    Running,
    interactive_to,
    sample,
    shape_of,
    template_to,
    until,
)
from tests.sandbox.test_refusals import LIST
from tests.sandbox.test_sending import BUTTONS

pytestmark = pytest.mark.anyio


def only_message(document: Json) -> Json:
    value = document["entry"][0]["changes"][0]["value"]
    assert len(value["messages"]) == 1
    return dict(value["messages"][0])


async def sent_id(bench: Bench, body: Json) -> str:
    answer = await bench.send(body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["messages"][0]["id"])


async def test_a_text_has_the_real_form_and_signature(bench: Bench) -> None:
    await bench.add()
    await bench.acts(text="Perché no? 👍")
    await bench.quiet()
    [body] = bench.receiver.bodies
    assert shape_of(json.loads(body)) == shape_of(sample("in_text"))
    assert b"Perch\\u00e9 no? \\ud83d\\udc4d" in body, "non-ASCII is escaped, lowercase"
    bench.receiver.check_signatures("app-secret")
    message = only_message(json.loads(body))
    assert message["from"] == ADA
    assert message["timestamp"] == str(int(bench.clock().timestamp()))


async def test_photo_and_place(bench: Bench) -> None:
    await bench.add()
    await bench.acts(image={"caption": "This one"})
    await bench.quiet()
    await bench.acts(
        location={"latitude": 0, "longitude": 9.19, "name": "Home", "address": "Milan"}
    )
    await bench.quiet()
    image, place = (json.loads(body) for body in bench.receiver.bodies)
    assert shape_of(image) == shape_of(sample("in_image"))
    assert only_message(place)["location"]["latitude"] == 0
    facts = await bench.graph("GET", only_message(image)["image"]["id"])
    picture = await bench.graph("GET", facts.json()["url"].partition("/v24.0/")[2] or "x")
    assert picture.status_code == 400
    content = await bench.client.get(facts.json()["url"], headers={"Authorization": "Bearer token"})
    assert content.content.startswith(b"\x89PNG")


async def test_a_tapped_button(bench: Bench) -> None:
    await bench.opened()
    message_id = await sent_id(bench, interactive_to(BUTTONS))
    await bench.quiet()
    bench.receiver.bodies.clear()
    await bench.acts(tap={"message_id": message_id, "option": "No"})
    await bench.quiet()
    value = bench.receiver.changes[-1]["value"]
    wanted = sample("in_button_reply")["entry"][0]["changes"][0]["value"]
    assert shape_of(value) == shape_of(wanted)
    message = value["messages"][0]
    assert message["context"] == {"from": "15550783881", "id": message_id}
    assert message["interactive"]["button_reply"] == {"id": "n", "title": "No"}


async def test_a_chosen_row(bench: Bench) -> None:
    await bench.opened()
    rows = [
        {"id": "express", "title": "Express", "description": "Next day"},
        {"id": "slow", "title": "Slow"},
    ]
    body = LIST | {"action": {"button": "Choose", "sections": [{"title": "All", "rows": rows}]}}
    message_id = await sent_id(bench, interactive_to(body))
    await bench.acts(tap={"message_id": message_id, "option": "express"})
    await bench.acts(tap={"message_id": message_id, "option": 1})
    await bench.quiet()
    _, express, slow = bench.receiver.messages
    wanted = only_message(sample("in_list_reply"))
    assert shape_of(express) == shape_of(wanted)
    assert express["context"]["id"] == message_id
    assert express["interactive"]["list_reply"] == rows[0]
    assert slow["interactive"]["list_reply"] == rows[1]


async def test_a_tapped_template_button(bench: Bench) -> None:
    await bench.seed(
        {
            "name": "promo",
            "language": "en",
            "category": "MARKETING",
            "components": [
                {"type": "BODY", "text": "Sale"},
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Unsubscribe"}]},
            ],
        }
    )
    await bench.add()
    payload = {"type": "payload", "payload": "stop"}
    button = {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [payload]}
    message_id = await sent_id(bench, template_to("promo", button))
    await bench.acts(tap={"message_id": message_id, "option": "unsubscribe"})
    await bench.quiet()
    [message] = bench.receiver.messages
    assert shape_of(message) == shape_of(only_message(sample("in_template_quick_reply")))
    assert message["button"] == {"payload": "stop", "text": "Unsubscribe"}
    assert message["context"] == {"from": "15550783881", "id": message_id}


async def test_users_with_a_user_id_and_without_a_number(bench: Bench) -> None:
    await bench.add("16505550145", user_id="US.1", username="@kfoster")
    await bench.acts("16505550145", text="Hello")
    await bench.quiet()
    await bench.add("16505550146", user_id="US.2", username="kay", hide_number=True)
    await bench.acts("16505550146", text="Hello")
    await bench.quiet()
    both, hidden = (json.loads(body)["entry"][0]["changes"][0]["value"] for body in
                    bench.receiver.bodies)  # fmt: skip
    wanted = sample("in_text_phone_and_bsuid")["entry"][0]["changes"][0]["value"]
    assert shape_of(both) == shape_of(wanted)
    assert "from" not in hidden["messages"][0]
    assert hidden["messages"][0]["from_user_id"] == "US.2"
    assert hidden["contacts"] == [
        {"profile": {"name": "Ada Rossi", "username": "kay"}, "user_id": "US.2"}
    ]


async def test_statuses_carry_our_data_and_the_price(bench: Bench) -> None:
    await bench.seed(
        {
            "name": "sale",
            "language": "en",
            "category": "MARKETING",
            "components": [{"type": "BODY", "text": "Sale"}],
        }
    )
    await bench.add(user_id="US.1", read_after_s=60)
    template = template_to("sale") | {"biz_opaque_callback_data": "msg:1"}
    message_id = await sent_id(bench, template)
    state = await bench.quiet()
    assert bench.receiver.statuses == [(message_id, "sent"), (message_id, "delivered")]
    assert state["next_at"] == "2026-11-23T09:01:00+00:00"
    bench.clock.forward(seconds=60)
    await bench.quiet()
    assert bench.receiver.statuses[2:] == [(message_id, "read")]
    delivered = bench.receiver.items("statuses")[1]
    wanted = sample("status_delivered_pmp")["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert delivered.pop("biz_opaque_callback_data") == "msg:1"
    assert shape_of(delivered) == shape_of(wanted)
    assert delivered["pricing"] == wanted["pricing"]
    read = bench.receiver.items("statuses")[2]
    assert read["biz_opaque_callback_data"] == "msg:1"
    assert int(read["timestamp"]) - int(delivered["timestamp"]) == 60


async def test_free_messages_and_utility_inside_the_window_cost_nothing(bench: Bench) -> None:
    body: list[Json] = [{"type": "BODY", "text": "Shipped"}]
    await bench.seed(
        {"name": "shipped", "language": "en", "category": "UTILITY", "components": body}
    )
    await bench.add()
    await bench.send(template_to("shipped"))
    await bench.acts(text="Thanks")
    await bench.send(template_to("shipped"))
    await bench.send_text()
    await bench.quiet()
    prices = [one["pricing"] for one in bench.receiver.items("statuses") if one["status"] == "sent"]
    assert [(one["billable"], one["category"], one["type"]) for one in prices] == [
        (True, "utility", "regular"),
        (False, "utility", "free_customer_service"),
        (False, "service", "free_customer_service"),
    ]


async def test_an_unreachable_customer_fails_the_message(bench: Bench) -> None:
    await bench.opened()
    await bench.quiet()
    await bench.add(unreachable=True)
    answer = await bench.send_text(biz_opaque_callback_data="msg:2")
    assert answer.status_code == 200
    await bench.quiet()
    [failed] = bench.receiver.items("statuses")
    wanted = sample("status_failed_131047")["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert failed["biz_opaque_callback_data"] == "msg:2"
    assert set(failed) == {*wanted, "biz_opaque_callback_data"}
    assert shape_of(failed["errors"]) == shape_of(wanted["errors"])
    assert failed["errors"][0]["code"] == 131026
    assert (await bench.all_messages())[-1]["error"] == 131026


async def test_retries_until_taken_and_keeps_the_order_of_each_customer(bench: Bench) -> None:
    people = ["447700900001", "447700900002", "447700900003"]
    for wa_id in people:
        await bench.add(wa_id)
    failures = {"left": 2}

    def refuse(_body: bytes) -> bool:
        failures["left"] -= 1
        return failures["left"] >= 0

    bench.receiver.refuse = refuse
    for n in range(12):
        for wa_id in people:
            await bench.acts(wa_id, text=f"{n}")
        await asyncio.sleep(0)
    await bench.quiet()
    assert bench.receiver.refused == 2
    for wa_id in people:
        got = [one["text"]["body"] for one in bench.receiver.messages if one["from"] == wa_id]
        assert got == [str(n) for n in range(12)]
    bench.receiver.check_signatures("app-secret")


async def test_one_customers_trouble_holds_nobody_else_up(bench: Bench) -> None:
    await bench.add("447700900001")
    await bench.add("447700900002")
    bench.receiver.refuse = lambda body: b"poison" in body
    await bench.acts("447700900001", text="poison")
    await until(lambda: bench.receiver.refused >= 1)
    await bench.acts("447700900002", text="fine")
    await until(lambda: [one["text"]["body"] for one in bench.receiver.messages] == ["fine"])
    bench.receiver.refuse = lambda _body: False
    await bench.quiet()
    assert len(bench.receiver.messages) == 2


async def test_what_waits_together_travels_together(bench: Bench) -> None:
    bench.receiver.refuse = lambda _body: True
    await bench.add()
    await bench.acts(text="first")
    await until(lambda: bench.receiver.refused)
    for n in range(60):
        await bench.acts(text=str(n))
    bench.receiver.refuse = lambda _body: False
    await bench.quiet()
    sizes = [
        sum(len(change["value"]["messages"]) for change in json.loads(body)["entry"][0]["changes"])
        for body in bench.receiver.bodies
    ]
    assert sizes == [1, 50, 10]
    assert len(json.loads(bench.receiver.bodies[1])["entry"][0]["changes"]) == 1


async def test_a_restart_keeps_chats_and_undelivered_webhooks(running: Running) -> None:
    clock = FakeClock()
    async with running(clock) as bench:
        bench.receiver.refuse = lambda _body: True
        await bench.opened(script=[{"do": "reply", "text": "Back", "after_s": 600}])
        before = await sent_id(bench, interactive_to(BUTTONS))
        await until(lambda: bench.receiver.refused)
        assert (await bench.control("GET", "state"))["undelivered_webhooks"] == 3
    bench.receiver.refuse = lambda _body: False
    async with running(clock) as bench:
        await bench.quiet()
        assert [one["text"]["body"] for one in bench.receiver.messages] == ["Hello"]
        assert bench.receiver.statuses == [(before, "sent"), (before, "delivered")]
        clock.forward(minutes=10)
        await bench.quiet()
        assert bench.receiver.messages[-1]["text"]["body"] == "Back"
        after = await sent_id(bench, interactive_to(BUTTONS))
        assert after != before
        assert [one["id"] for one in await bench.all_messages()].count(before) == 1
        assert (await bench.graph("GET", PNID)).status_code == 200


async def test_the_same_seed_gives_the_same_ids(running: Running) -> None:
    ids = []
    for name in ("one.db", "two.db"):
        async with running() as bench:
            pass
        path = bench.config.data_file.with_name(name)
        async with running(data_file=path) as bench:
            await bench.add()
            ids.append(await bench.acts(text="Hello"))
    assert ids[0] == ids[1]
