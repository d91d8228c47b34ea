"""Templates: how parameters fill them, which do not fit, and how they are made and decided."""

import pytest

from tests.sandbox.bench import Bench, Json, sample, shape_of, template_to

pytestmark = pytest.mark.anyio

REMINDER: Json = {
    "name": "cart_reminder",
    "language": "en",
    "category": "MARKETING",
    "components": [
        {
            "type": "HEADER",
            "format": "TEXT",
            "text": "Hi {{1}}",
            "example": {"header_text": ["Ada"]},
        },
        {
            "type": "BODY",
            "text": "{{1}}, your cart of {{2}} waits, {{1}}.",
            "example": {"body_text": [["Ada", "64 €"]]},
        },
        {"type": "FOOTER", "text": "Tap Stop to get no more of these"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Stop"},
                {
                    "type": "URL",
                    "text": "Open cart",
                    "url": "https://shop.example.com/c/{{1}}",
                    "example": ["8f3a"],
                },
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+16505550148"},
            ],
        },
    ],
}
HEADER: Json = {"type": "header", "parameters": [{"type": "text", "text": "Ada"}]}
BODY: Json = {
    "type": "body",
    "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "64,00 €"}],
}
STOP: Json = {
    "type": "button",
    "sub_type": "quick_reply",
    "index": "0",
    "parameters": [{"type": "payload", "payload": "stop:1"}],
}
URL: Json = {
    "type": "button",
    "sub_type": "url",
    "index": 1,
    "parameters": [{"type": "text", "text": "77?x={{1}}"}],
}
CAROUSEL_CARD: Json = {
    "components": [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}},
        {"type": "BODY", "text": "Only {{1}}", "example": {"body_text": [["12.00 EUR"]]}},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "More"},
                {
                    "type": "URL",
                    "text": "Buy",
                    "url": "https://shop.example.com/{{1}}",
                    "example": "mug",
                },
            ],
        },
    ]
}


def with_body(*values: object) -> Json:
    return {"type": "body", "parameters": [{"type": "text", "text": one} for one in values]}


async def test_parameters_fill_every_part(bench: Bench) -> None:
    await bench.seed(REMINDER)
    answer = await bench.send(template_to("cart_reminder", HEADER, BODY, STOP, URL))
    assert answer.status_code == 200, answer.text
    message = (await bench.all_messages())[0]
    assert message["text"] == "Ada, your cart of 64,00 € waits, Ada."
    assert message["template"] == "cart_reminder"
    assert message["buttons"] == [
        {"kind": "reply", "id": "stop:1", "title": "Stop"},
        {"kind": "url", "title": "Open cart", "url": "https://shop.example.com/c/77?x={{1}}"},
        {"kind": "phone", "title": "Call", "phone": "+16505550148"},
    ]
    page = (await bench.client.get(f"/chats/{message['wa_id']}")).text
    assert "Hi Ada" in page
    assert "Tap Stop to get no more of these" in page


async def test_a_quick_reply_without_payload_answers_with_its_label(bench: Bench) -> None:
    await bench.seed(REMINDER)
    await bench.send(template_to("cart_reminder", HEADER, BODY, URL))
    assert (await bench.all_messages())[0]["buttons"][0]["id"] == "Stop"


MISFITS: list[tuple[list[Json], int]] = [
    ([HEADER, with_body("Ada"), URL], 132000),
    ([HEADER, with_body("Ada", "64", "more"), URL], 132000),
    ([HEADER, URL], 132000),
    ([BODY, URL], 132000),
    ([HEADER, with_body("Ada", ""), URL], 100),
    ([HEADER, with_body("Ada", "  "), URL], 100),
    ([HEADER, with_body("Ada", "6\n4"), URL], 100),
    ([HEADER, with_body("Ada", "6\t4"), URL], 100),
    ([HEADER, with_body("Ada", "6     4"), URL], 100),
    ([HEADER, with_body("Ada", 64), URL], 100),
    ([HEADER, {"type": "body", "parameters": [{"type": "image"}] * 2}, URL], 132012),
    ([HEADER, with_body("Ada", "x" * 1020), URL], 132005),
    ([HEADER, BODY], 131008),
    ([HEADER, BODY, URL | {"parameters": []}], 131008),
    ([HEADER, BODY, URL, STOP | {"parameters": [{"type": "payload"}]}], 131008),
    ([HEADER, BODY, URL, STOP | {"index": 7}], 132012),
    ([HEADER, BODY, URL, STOP | {"index": 1}], 132012),
    ([HEADER, BODY, URL, URL | {"index": 2}], 132012),
    ([HEADER, BODY, URL, {"type": "tail"}], 100),
]


async def test_parameters_that_do_not_fit(bench: Bench, subtests: pytest.Subtests) -> None:
    await bench.seed(REMINDER)
    for number, (components, code) in enumerate(MISFITS):
        with subtests.test(str(number)):
            answer = await bench.send(template_to("cart_reminder", *components))
            assert answer.json()["error"]["code"] == code


async def test_four_spaces_are_allowed(bench: Bench) -> None:
    await bench.seed(REMINDER)
    answer = await bench.send(template_to("cart_reminder", HEADER, with_body("Ada", "6    4"), URL))
    assert answer.status_code == 200


async def test_named_parameters_coupon_currency_and_date(bench: Bench) -> None:
    request = sample("req_template_named_params_coupon")
    await bench.seed(
        {
            "name": "cart_coupon",
            "language": "it",
            "category": "MARKETING",
            "components": [
                {
                    "type": "BODY",
                    "text": "Ciao {{first_name}}, totale {{total}}",
                    "example": {
                        "body_text_named_params": [
                            {"param_name": "first_name", "example": "Ada"},
                            {"param_name": "total", "example": "64"},
                        ]
                    },
                },
                {
                    "type": "BUTTONS",
                    "buttons": [
                        {"type": "COPY_CODE", "example": "TORNA10"},
                        {
                            "type": "URL",
                            "text": "Apri",
                            "url": "https://shop.example.com/{{1}}",
                            "example": ["c"],
                        },
                    ],
                },
            ],
        }
    )
    assert (await bench.send(request)).status_code == 200
    message = (await bench.all_messages())[0]
    assert message["text"] == "Ciao Ada, totale 64,00 EUR"
    assert message["buttons"][0] == {"kind": "copy", "title": "Copy code", "code": "TORNA10"}
    body, button = request["template"]["components"][:2]
    body["parameters"][0].pop("parameter_name")
    assert (await bench.send(request)).json()["error"]["code"] == 100
    body["parameters"][0]["parameter_name"] = "first_name"
    button["parameters"] = []
    assert (await bench.send(request)).json()["error"]["code"] == 131008

    rich = sample("req_template_text")
    rich["template"]["language"]["code"] = "en"
    await bench.seed(
        {
            "name": "template-name".replace("-", "_"),
            "language": "en",
            "category": "UTILITY",
            "components": [
                {
                    "type": "BODY",
                    "text": "{{1}} costs {{2}} until {{3}}",
                    "example": {"body_text": [["a", "b", "c"]]},
                }
            ],
        }
    )
    rich["template"]["name"] = "template_name"
    assert (await bench.send(rich)).status_code == 200
    last = (await bench.all_messages())[-1]
    assert last["text"] == "text-string costs $100.99 until February 25, 1977"


async def test_media_headers(bench: Bench) -> None:
    await bench.seed(
        {
            "name": "look",
            "language": "en",
            "category": "UTILITY",
            "components": [
                {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}},
                {"type": "BODY", "text": "Look"},
            ],
        }
    )
    link = {"link": "https://shop.example.com/mug.png"}
    good = {"type": "header", "parameters": [{"type": "image", "image": link}]}
    other = {"type": "header", "parameters": [{"type": "video", "video": link}]}
    unknown = {"type": "header", "parameters": [{"type": "image", "image": {"id": "5"}}]}
    assert (await bench.send(template_to("look", good))).status_code == 200
    assert (await bench.send(template_to("look", other))).json()["error"]["code"] == 132012
    assert (await bench.send(template_to("look"))).json()["error"]["code"] == 132012
    assert (await bench.send(template_to("look", unknown))).json()["error"]["code"] == 100


async def test_a_carousel_and_a_tap_on_its_second_card(bench: Bench) -> None:
    await bench.seed(
        {
            "name": "cart_carousel",
            "language": "en_US",
            "category": "MARKETING",
            "components": [
                {"type": "BODY", "text": "For {{1}}", "example": {"body_text": [["Ada"]]}},
                {"type": "CAROUSEL", "cards": [CAROUSEL_CARD, CAROUSEL_CARD]},
            ],
        }
    )
    request = sample("req_template_carousel")
    answer = await bench.send(request)
    assert answer.status_code == 200, answer.text
    message_id = answer.json()["messages"][0]["id"]
    await bench.acts(tap={"message_id": message_id, "option": 1})
    await bench.quiet()
    assert bench.receiver.messages[0]["button"] == {"payload": "more:tea-towel", "text": "More"}
    assert "12.00 EUR" in (await bench.client.get("/chats/16505551234")).text
    request["template"]["components"][1]["cards"].pop()
    assert (await bench.send(request)).json()["error"]["code"] == 132000


async def test_creating_answers_and_tells_like_the_real_one(bench: Bench) -> None:
    for name in ("template_create_abandoned_cart", "template_create_order_confirmation"):
        answer = await bench.graph(
            "POST", f"{bench.config.waba_id}/message_templates", json=sample(name)
        )
        assert answer.status_code == 200, answer.text
        assert shape_of(answer.json()) == shape_of(sample("template_create_response"))
        assert answer.json()["status"] == "APPROVED"
    await bench.quiet()
    change = bench.receiver.changes[-1]
    told = sample("template_status_approved")["entry"][0]["changes"][0]
    assert shape_of(change) == shape_of(told)
    assert change["value"]["event"] == "APPROVED"
    assert change["value"]["message_template_id"] == int(answer.json()["id"])


async def test_review_can_be_left_to_the_control_api(running: object, bench: Bench) -> None:
    assert callable(running)
    async with running(auto_approve=False, data_file=bench.config.data_file.with_name("b.db")) as b:
        path = f"{b.config.waba_id}/message_templates"
        created = (await b.graph("POST", path, json=REMINDER)).json()
        assert created["status"] == "PENDING"
        refused = await b.send(template_to("cart_reminder", HEADER, BODY, URL))
        assert refused.json()["error"]["code"] == 132001
        decision = {"status": "REJECTED", "reason": "INVALID_FORMAT"}
        await b.control("PUT", f"templates/{created['id']}/status", json=decision)
        await b.quiet()
        value = b.receiver.changes[-1]["value"]
        assert (value["event"], value["reason"]) == ("REJECTED", "INVALID_FORMAT")
        listed = (await b.graph("GET", path)).json()["data"][0]
        assert (listed["status"], listed["rejected_reason"]) == ("REJECTED", "INVALID_FORMAT")
        edited = await b.graph("POST", created["id"], json={"components": REMINDER["components"]})
        assert edited.json() == {"success": True}
        assert (await b.graph("GET", created["id"])).json()["status"] == "PENDING"
        await b.control("PUT", f"templates/{created['id']}/status", json={"status": "PAUSED"})
        await b.quiet()
        told = sample("template_status_paused")["entry"][0]["changes"][0]
        assert shape_of(b.receiver.changes[-1]) == shape_of(told)


def broken(**change: object) -> Json:
    return REMINDER | change


def parts(*components: Json) -> Json:
    return broken(components=[{"type": "BODY", "text": "Hi"}, *components])


def body_only(text: str, *examples: str) -> Json:
    part: Json = {"type": "BODY", "text": text}
    if examples:
        part["example"] = {"body_text": [list(examples)]}
    return broken(components=[part])


def buttons(*items: Json) -> Json:
    return parts({"type": "BUTTONS", "buttons": list(items)})


REPLY: Json = {"type": "QUICK_REPLY", "text": "Yes"}


OVER_THE_LIMITS = [
    broken(name="Cart Reminder"),
    broken(name="x" * 513),
    broken(language="english!"),
    broken(category="NEWS"),
    broken(components="none"),
    broken(components=[{"type": "FOOTER", "text": "x"}]),
    broken(components=[{"type": "BODY", "text": "a"}, {"type": "BODY", "text": "b"}]),
    body_only(""),
    body_only("x" * 1025),
    body_only("Hi {{1}}"),
    body_only("Hi {{1}} and {{3}}", "a", "b"),
    body_only("Hi {{1}} and {{name}}", "a", "b"),
    body_only("Hi {{1}} and {{2}}", "a"),
    parts({"type": "POSTER"}),
    parts({"type": "FOOTER", "text": "x" * 61}),
    parts({"type": "FOOTER", "text": "{{1}}"}),
    parts({"type": "HEADER", "format": "TEXT", "text": "x" * 61}),
    parts({"type": "HEADER", "format": "SONG"}),
    parts({"type": "HEADER", "format": "IMAGE"}),
    parts(
        {
            "type": "HEADER",
            "format": "TEXT",
            "text": "{{1}} {{2}}",
            "example": {"header_text": ["a", "b"]},
        }
    ),
    buttons(),
    buttons(*({"type": "QUICK_REPLY", "text": str(n)} for n in range(11))),
    buttons(REPLY, REPLY),
    buttons({"type": "QUICK_REPLY", "text": "x" * 26}),
    buttons({"type": "LEVER", "text": "x"}),
    buttons({"type": "URL", "text": "x", "url": "shop"}),
    buttons({"type": "URL", "text": "x", "url": "https://a.example/" + "x" * 2000}),
    buttons({"type": "URL", "text": "x", "url": "https://a.example/{{1}}"}),
    buttons({"type": "URL", "text": "x", "url": "https://a.example/{{1}}/b", "example": "c"}),
    buttons({"type": "PHONE_NUMBER", "text": "x"}),
    buttons({"type": "COPY_CODE", "example": "x" * 16}),
    parts({"type": "CAROUSEL", "cards": [CAROUSEL_CARD]}),
    parts({"type": "CAROUSEL", "cards": [CAROUSEL_CARD, {"components": []}]}),
    parts({"type": "CAROUSEL", "cards": [CAROUSEL_CARD] * 2}) | {"category": "UTILITY"},
]


async def test_limits_of_a_template(bench: Bench, subtests: pytest.Subtests) -> None:
    path = f"{bench.config.waba_id}/message_templates"
    for number, body in enumerate(OVER_THE_LIMITS):
        with subtests.test(str(number)):
            answer = await bench.graph("POST", path, json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert (await bench.graph("GET", path)).json()["data"] == []


async def test_listing_pages_filters_and_deletes(bench: Bench) -> None:
    path = f"{bench.config.waba_id}/message_templates"
    for n in range(5):
        await bench.seed(REMINDER | {"name": f"one_{n}", "language": "en" if n % 2 else "it"})
    again = await bench.graph("POST", path, json=REMINDER | {"name": "one_1"})
    assert again.json()["error"]["code"] == 100
    first = (await bench.graph("GET", f"{path}?limit=2")).json()
    assert [one["name"] for one in first["data"]] == ["one_0", "one_1"]
    names = [one["name"] for one in first["data"]]
    page = first
    while "next" in page["paging"]:
        after = page["paging"]["cursors"]["after"]
        page = (await bench.graph("GET", f"{path}?limit=2&after={after}")).json()
        names += [one["name"] for one in page["data"]]
    assert names == [f"one_{n}" for n in range(5)]
    italian = (await bench.graph("GET", f"{path}?language=it&status=APPROVED")).json()
    assert [one["name"] for one in italian["data"]] == ["one_0", "one_2", "one_4"]
    keys = set(sample("template_list_response")["data"][1])
    assert set(first["data"][0]) == keys
    deleted = await bench.graph("DELETE", f"{path}?name=one_0")
    assert deleted.json() == {"success": True}
    assert (await bench.graph("DELETE", f"{path}?name=one_0")).json()["error"]["code"] == 100
