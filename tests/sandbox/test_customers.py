"""Pretend customers: scripts under a clock that only the test moves, and the control API."""

import pytest

from tests.sandbox.bench import ADA, Bench, Json, interactive_to
from tests.sandbox.test_sending import BUTTONS

pytestmark = pytest.mark.anyio


async def said(bench: Bench) -> list[str]:
    await bench.quiet()
    return [one["text"] for one in await bench.all_messages() if one["direction"] == "in"][1:]


async def test_replies_after_a_while(bench: Bench) -> None:
    await bench.opened(read_after_s=1, script=[{"do": "reply", "text": "Yes!", "after_s": 30}])
    await bench.send_text("Still want it?")
    assert await said(bench) == []
    bench.clock.forward(seconds=29)
    assert await said(bench) == []
    bench.clock.forward(seconds=1)
    assert await said(bench) == ["Yes!"]
    reply = bench.receiver.messages[-1]
    assert reply["timestamp"] == str(int(bench.clock().timestamp()))


async def test_what_was_due_is_dated_when_it_was_due(bench: Bench) -> None:
    await bench.opened(read_after_s=5, script=[{"do": "reply", "text": "Yes", "after_s": 60}])
    start = int(bench.clock().timestamp())
    await bench.send_text("?")
    bench.clock.forward(days=3)
    await bench.quiet()
    stamps = [
        int(one["timestamp"]) - start
        for one in bench.receiver.items("statuses") + bench.receiver.messages[1:]
    ]
    assert stamps == [0, 0, 5, 60]


async def test_nth_contains_and_ignore(bench: Bench) -> None:
    await bench.opened(
        script=[
            {"nth": 2, "do": "reply", "text": "second"},
            {"contains": "CART", "do": "reply", "text": "my cart"},
            {"contains": "news", "do": "ignore"},
            {"do": "reply", "text": "anything"},
        ]
    )
    for text in ("hello", "about your cart", "news!"):
        await bench.send_text(text)
        await bench.quiet()
    assert await said(bench) == ["anything", "second", "my cart", "anything"]


async def test_taps_an_option_or_writes_if_there_is_none(bench: Bench) -> None:
    await bench.opened(script=[{"do": "tap", "option": "Yes", "text": "1", "after_s": 1}])
    await bench.send(interactive_to(BUTTONS))
    await bench.send_text("1. Yes  2. No")
    bench.clock.forward(seconds=1)
    assert await said(bench) == ["Yes", "1"]
    assert bench.receiver.messages[1]["interactive"]["button_reply"]["id"] == "y"
    assert bench.receiver.messages[2]["type"] == "text"


async def test_says_stop(bench: Bench) -> None:
    await bench.opened(script=[{"do": "stop"}])
    await bench.send_text()
    assert await said(bench) == ["STOP"]


async def test_becomes_unreachable_at_once_or_later(bench: Bench) -> None:
    await bench.opened(script=[{"nth": 1, "do": "unreachable", "after_s": 60}])
    await bench.send_text()
    bench.clock.forward(seconds=60)
    await bench.quiet()
    await bench.send_text()
    await bench.opened("447700900123", script=[{"nth": 1, "do": "unreachable"}])
    await bench.send_text(to="447700900123")
    await bench.quiet()
    last = {}
    for message in await bench.all_messages():
        if message["direction"] == "out":
            last[message["n"]] = (message["wa_id"], message["status"])
    assert list(last.values()) == [(ADA, "read"), (ADA, "failed"), ("447700900123", "failed")]


async def test_delays_and_missing_receipts(bench: Bench) -> None:
    await bench.opened(delivered_after_s=10, read=False)
    await bench.send_text()
    await bench.quiet()
    assert [status for _, status in bench.receiver.statuses] == ["sent"]
    bench.clock.forward(seconds=10)
    await bench.quiet()
    bench.clock.forward(hours=1)
    await bench.acts(text="I saw it")
    await bench.quiet()
    assert [status for _, status in bench.receiver.statuses] == ["sent", "delivered"]


async def test_an_answer_means_that_it_was_read(bench: Bench) -> None:
    await bench.opened(read_after_s=3600)
    await bench.send_text()
    await bench.acts(text="Thanks")
    await bench.quiet()
    assert [status for _, status in bench.receiver.statuses] == ["sent", "delivered", "read"]
    bench.clock.forward(hours=2)
    await bench.quiet()
    assert len(bench.receiver.statuses) == 3, "and it is read only once"


async def test_settings_can_be_changed_and_read_back(bench: Bench) -> None:
    script = [{"do": "tap", "option": 0, "after_s": 5.0}]
    await bench.add(script=script, read_after_s=None, user_id="US.1")
    await bench.opened(script=script, read=False)
    [customer] = (await bench.control("GET", "customers"))["customers"]
    assert customer["script"] == script
    assert customer["read"] is False
    assert customer["user_id"] is None
    assert len(await bench.all_messages()) == 1, "the chat stays"


async def test_ten_thousand_customers_in_one_call(bench: Bench) -> None:
    many = [{"wa_id": str(447700000000 + n), "name": f"Customer {n}"} for n in range(10_000)]
    assert await bench.control("POST", "customers", json=many) == {"saved": 10_000}
    page = (await bench.control("GET", "customers?limit=2"))["customers"]
    assert [one["wa_id"] for one in page] == ["447700000000", "447700000001"]
    rest = (await bench.control("GET", "customers?after=447700009998"))["customers"]
    assert [one["name"] for one in rest] == ["Customer 9999"]


WRONG_CUSTOMERS: list[Json] = [
    {"wa_id": "+44770"},
    {"wa_id": ADA, "hide_number": True},
    {"wa_id": ADA, "delivered_after_s": -1},
    {"wa_id": ADA, "script": [{"do": "reply"}]},
    {"wa_id": ADA, "script": [{"do": "tap"}]},
    {"wa_id": ADA, "script": [{"do": "dance"}]},
    {"wa_id": ADA, "script": [{"do": "ignore", "after_s": -1}]},
    {"wa_id": ADA, "scirpt": []},
]


async def test_wrong_customers_are_refused(bench: Bench) -> None:
    for customer in WRONG_CUSTOMERS:
        answer = await bench.client.post("/sandbox/api/customers", json=[customer])
        assert answer.status_code == 400, customer
    assert (await bench.control("GET", "customers"))["customers"] == []


WRONG_ACTS: list[tuple[Json, int]] = [
    ({}, 400),
    ({"text": ""}, 400),
    ({"text": "a", "image": {}}, 400),
    ({"tap": {"message_id": "x", "option": 0}}, 404),
    ({"text": "a", "phone_number_id": "1"}, 404),
]


async def test_wrong_acts_are_refused(bench: Bench) -> None:
    await bench.add()
    for act, status in WRONG_ACTS:
        answer = await bench.client.post(f"/sandbox/api/customers/{ADA}/messages", json=act)
        assert answer.status_code == status, act
    nobody = await bench.client.post("/sandbox/api/customers/1/messages", json={"text": "a"})
    assert nobody.status_code == 404


async def test_a_tap_on_what_is_not_there(bench: Bench) -> None:
    await bench.opened()
    sent = (await bench.send(interactive_to(BUTTONS))).json()["messages"][0]["id"]
    act = {"tap": {"message_id": sent, "option": "Maybe"}}
    answer = await bench.client.post(f"/sandbox/api/customers/{ADA}/messages", json=act)
    assert answer.status_code == 400


async def test_summary_and_paging_of_messages(bench: Bench) -> None:
    await bench.opened()
    for n in range(5):
        await bench.send_text(str(n))
    bench.clock.forward(seconds=1)
    await bench.quiet()
    summary = await bench.control("GET", "messages/summary")
    assert summary == {
        "out": {"read": 5},
        "in": {"delivered": 1},
        "customers": 1,
        "refused": {},
    }
    texts, after = [], 0
    while page := (await bench.control("GET", f"messages?after={after}&limit=2"))["messages"]:
        texts += [one["text"] for one in page]
        after = page[-1]["n"]
    assert texts == ["Hello", "0", "1", "2", "3", "4"]


async def test_another_sites_page_cannot_act(bench: Bench) -> None:
    await bench.add()
    answer = await bench.client.post(
        f"/sandbox/api/customers/{ADA}/messages",
        json={"text": "x"},
        headers={"Origin": "https://elsewhere.example"},
    )
    assert answer.status_code == 403
