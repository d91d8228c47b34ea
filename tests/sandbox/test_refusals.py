"""Every rule that the Graph API enforces on a send, with its own code and the real form."""

import copy
from collections.abc import Callable

import pytest

from tests.sandbox.bench import (
    ADA,
    Bench,
    Json,
    interactive_to,
    sample,
    shape_of,
    template_to,
    text_to,
)
from tests.sandbox.test_sending import BUTTONS

pytestmark = pytest.mark.anyio

LIST: Json = {
    "type": "list",
    "body": {"text": "Which one?"},
    "action": {
        "button": "Choose",
        "sections": [{"title": "Mugs", "rows": [{"id": "blue", "title": "Blue"}]}],
    },
}
LINK: Json = {
    "type": "cta_url",
    "body": {"text": "Your cart"},
    "action": {
        "name": "cta_url",
        "parameters": {"display_text": "Open", "url": "https://shop.example.com/c"},
    },
}


def with_part(kind: str, part: object) -> Json:
    return text_to(ADA, "x") | {"type": kind, kind: part}


def changed(interactive: Json, change: Callable[[Json], object]) -> Json:
    other = copy.deepcopy(interactive)
    change(other)
    return interactive_to(other)


def buttons(*titles: str, ids: str = "") -> Json:
    items = [
        {"type": "reply", "reply": {"id": ids or str(n), "title": title}}
        for n, title in enumerate(titles)
    ]
    return interactive_to(BUTTONS | {"action": {"buttons": items}})


def rows(count: int, **change: str) -> Json:
    items: list[Json] = [{"id": str(n), "title": f"Row {n}"} | change for n in range(count)]
    return interactive_to(
        LIST | {"action": {"button": "Choose", "sections": [{"title": "All", "rows": items}]}}
    )


CASES: dict[str, tuple[Json, int]] = {
    "no product": ({"to": ADA, "type": "text", "text": {"body": "x"}}, 100),
    "no address": ({"messaging_product": "whatsapp", "text": {"body": "x"}}, 100),
    "a group": (text_to(ADA, "x") | {"recipient_type": "group"}, 100),
    "address in letters": (text_to("Ada", "x"), 131009),
    "address too short": (text_to("12345", "x"), 131009),
    "unknown user id": (
        {"messaging_product": "whatsapp", "recipient": "US.9", "text": {"body": "x"}},
        131009,
    ),
    "ourselves": (text_to("15550783881", "x"), 131021),
    "unknown type": (with_part("hologram", {}), 131051),
    "object missing": (text_to(ADA, "x") | {"type": "image"}, 131008),
    "empty text": (text_to(ADA, "  "), 100),
    "long text": (text_to(ADA, "x" * 4097), 100),
    "long callback data": (text_to(ADA, "x") | {"biz_opaque_callback_data": "x" * 513}, 100),
    "callback data no text": (text_to(ADA, "x") | {"biz_opaque_callback_data": 1}, 100),
    "context without id": (text_to(ADA, "x") | {"context": {}}, 131009),
    "image by nothing": (with_part("image", {}), 100),
    "image by both": (with_part("image", {"id": "1", "link": "https://a.example/i.png"}), 100),
    "image link no address": (with_part("image", {"link": "mug.png"}), 100),
    "image id unknown": (with_part("image", {"id": "1"}), 100),
    "image id a number": (with_part("image", {"id": 1}), 100),
    "long caption": (
        with_part("image", {"link": "https://a.example/i.png", "caption": "x" * 1025}),
        100,
    ),
    "audio with caption": (
        with_part("audio", {"link": "https://a.example/a.ogg", "caption": "x"}),
        100,
    ),
    "location without longitude": (with_part("location", {"latitude": 1}), 131008),
    "location off the globe": (with_part("location", {"latitude": 91, "longitude": 0}), 131009),
    "location in words": (with_part("location", {"latitude": "N", "longitude": 0}), 131009),
    "reaction to nothing": (with_part("reaction", {"emoji": "x"}), 131008),
    "reaction without emoji": (with_part("reaction", {"message_id": "x"}), 131008),
    "reaction to a stranger": (with_part("reaction", {"message_id": "x", "emoji": "y"}), 131009),
    "contact without name": (with_part("contacts", [{"phones": []}]), 131008),
    "no contacts": (with_part("contacts", []), 131008),
    "unknown interactive": (interactive_to({"type": "wheel"}), 131009),
    "no action": (interactive_to({"type": "button", "body": {"text": "x"}}), 131008),
    "no body": (changed(BUTTONS, lambda one: one.pop("body")), 131008),
    "long body": (changed(BUTTONS, lambda one: one["body"].update(text="x" * 1025)), 131009),
    "long header": (
        changed(BUTTONS, lambda one: one.update(header={"type": "text", "text": "x" * 61})),
        131009,
    ),
    "header of no type": (changed(BUTTONS, lambda one: one.update(header={})), 131009),
    "header media missing": (
        changed(BUTTONS, lambda one: one.update(header={"type": "image"})),
        131008,
    ),
    "header media unknown": (
        changed(BUTTONS, lambda one: one.update(header={"type": "image", "image": {"id": "1"}})),
        100,
    ),
    "long footer": (changed(BUTTONS, lambda one: one.update(footer={"text": "x" * 61})), 131009),
    "no buttons": (buttons(), 131009),
    "four buttons": (buttons("a", "b", "c", "d"), 131009),
    "long button title": (buttons("x" * 21), 131009),
    "long button id": (buttons("x", ids="x" * 257), 131009),
    "same button titles": (buttons("a", "a"), 131009),
    "same button ids": (buttons("a", "b", ids="same"), 131009),
    "button of no type": (
        changed(BUTTONS, lambda one: one["action"]["buttons"][0].pop("type")),
        131009,
    ),
    "eleven rows": (rows(11), 131009),
    "long row title": (rows(1, title="x" * 25), 131009),
    "long row description": (rows(1, description="x" * 73), 131009),
    "long row id": (rows(1, id="x" * 201), 131009),
    "same row ids": (rows(2, id="same"), 131009),
    "no sections": (changed(LIST, lambda one: one["action"].update(sections=[])), 131009),
    "section without rows": (
        changed(LIST, lambda one: one["action"].update(sections=[{"title": "x"}])),
        131008,
    ),
    "second section untitled": (
        changed(
            LIST,
            lambda one: one["action"]["sections"].append({"rows": [{"id": "1", "title": "x"}]}),
        ),
        131008,
    ),
    "long list button": (changed(LIST, lambda one: one["action"].update(button="x" * 21)), 131009),
    "list with a picture": (
        changed(LIST, lambda one: one.update(header={"type": "image", "image": {"id": "1"}})),
        131009,
    ),
    "link without parameters": (
        changed(LINK, lambda one: one["action"].pop("parameters")),
        131008,
    ),
    "link no address": (
        changed(LINK, lambda one: one["action"]["parameters"].update(url="shop")),
        131009,
    ),
    "long link text": (
        changed(LINK, lambda one: one["action"]["parameters"].update(display_text="x" * 21)),
        131009,
    ),
    "template without name": (with_part("template", {"language": {"code": "en"}}), 100),
    "template without language": (with_part("template", {"name": "x"}), 100),
    "template components no list": (
        with_part("template", {"name": "x", "language": {"code": "en"}, "components": {}}),
        100,
    ),
    "read of nothing": (
        {"messaging_product": "whatsapp", "status": "read", "message_id": "x"},
        131009,
    ),
    "another status": (
        {"messaging_product": "whatsapp", "status": "seen", "message_id": "x"},
        100,
    ),
}


async def test_a_bad_body_is_refused_with_its_code(bench: Bench, subtests: pytest.Subtests) -> None:
    await bench.opened()
    for name, (body, code) in CASES.items():
        with subtests.test(name):
            answer = await bench.send(body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert len(await bench.all_messages()) == 1, "a refused send leaves nothing behind"
    assert len((await bench.control("GET", "customers"))["customers"]) == 1
    counted = (await bench.control("GET", "messages/summary"))["refused"]
    assert sum(counted.values()) == len(CASES)
    assert set(counted) == {str(code) for _, code in CASES.values()}


async def test_the_good_bodies_behind_the_cases_pass(bench: Bench) -> None:
    await bench.opened()
    with_header = BUTTONS | {"header": {"type": "text", "text": "Hi"}}
    for body in (BUTTONS, LIST, LINK, with_header):
        assert (await bench.send(interactive_to(body))).status_code == 200
    assert (await bench.send(rows(10))).status_code == 200


async def test_bodies_that_are_no_json_object(bench: Bench) -> None:
    for content in (b"{", b"[]", b"", b"\xff", b"[" * 100_000):
        answer = await bench.client.post(
            "/v23.0/106540352242922/messages",
            content=content,
            headers={"Authorization": "Bearer token"},
        )
        assert answer.json()["error"]["code"] == 100


async def test_a_wrong_token_is_an_expired_session(bench: Bench) -> None:
    answer = await bench.send(text_to(ADA, "x"), token="another")
    assert answer.status_code == 401
    assert shape_of(answer.json()) == shape_of(sample("resp_error_190"))
    assert answer.json()["error"]["error_subcode"] == 463


async def test_an_unknown_number_and_a_wrong_address(bench: Bench) -> None:
    answer = await bench.send(text_to(ADA, "x"), pnid="1")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["error_subcode"]) == (400, 100, 33)
    wrong = await bench.client.post("/version/1/messages", json={})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, 2500)


async def test_free_messages_end_after_24_hours(bench: Bench) -> None:
    assert (await bench.send_text()).json()["error"]["code"] == 131047
    await bench.opened()
    bench.clock.forward(hours=23, minutes=59, seconds=59)
    assert (await bench.send_text()).status_code == 200
    bench.clock.forward(seconds=1)
    refused = await bench.send_text()
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == 131047
    await bench.acts(text="Still there?")
    assert (await bench.send_text()).status_code == 200


async def test_a_pair_gets_45_at_once_and_one_more_per_six_seconds(bench: Bench) -> None:
    await bench.opened()
    for _ in range(45):
        assert (await bench.send_text()).status_code == 200
    refused = await bench.send_text()
    assert refused.status_code == 400
    assert shape_of(refused.json()) == shape_of(sample("resp_error_131056"))
    assert refused.json()["error"]["message"] == sample("resp_error_131056")["error"]["message"]
    await bench.opened("447700900123")
    assert (await bench.send_text(to="447700900123")).status_code == 200, "only this pair waits"
    bench.clock.forward(seconds=5.9)
    assert (await bench.send_text()).status_code == 400
    bench.clock.forward(seconds=0.1)
    assert (await bench.send_text()).status_code == 200
    assert (await bench.send_text()).status_code == 400
    bench.clock.forward(minutes=4, seconds=30)
    for _ in range(45):
        assert (await bench.send_text()).status_code == 200


async def test_a_number_sends_80_a_second(bench: Bench) -> None:
    people = [str(447700900000 + n) for n in range(81)]
    await bench.control("POST", "customers", json=[{"wa_id": one} for one in people])
    for one in people:
        await bench.acts(one, text="Hello")
    answers = [await bench.send_text(to=one) for one in people]
    assert [answer.status_code for answer in answers] == [200] * 80 + [400]
    refused = answers[-1].json()
    assert shape_of(refused) == shape_of(sample("resp_error_130429"))
    assert refused["error"]["code"] == 130429
    bench.clock.forward(seconds=0.1)
    assert (await bench.send_text(to=people[-1])).status_code == 200


async def test_templates_must_exist_in_the_language_and_be_approved(bench: Bench) -> None:
    components: list[Json] = [{"type": "BODY", "text": "Hello"}]
    body = {"name": "hello", "language": "en", "category": "UTILITY", "components": components}
    template_id = await bench.seed(body)
    unknown = await bench.send(template_to("hello", language="it"))
    assert unknown.status_code == 404
    assert shape_of(unknown.json()) == shape_of(sample("resp_error_132001"))
    assert unknown.json()["error"]["error_data"]["details"].endswith("(hello) does not exist in it")
    for status, code in (("PAUSED", 132015), ("DISABLED", 132016), ("REJECTED", 132001)):
        await bench.control("PUT", f"templates/{template_id}/status", json={"status": status})
        assert (await bench.send(template_to("hello"))).json()["error"]["code"] == code
    await bench.control("PUT", f"templates/{template_id}/status", json={"status": "APPROVED"})
    assert (await bench.send(template_to("hello"))).status_code == 200
