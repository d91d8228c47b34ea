"""The Cloud API as Meta's own samples show it: requests, answers, webhooks, signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from flows.content import (
    Amount,
    Buttons,
    Card,
    Choices,
    Content,
    Day,
    LinkButton,
    Location,
    Media,
    Option,
    Other,
    Reaction,
    Tap,
    Template,
    TemplateButton,
    Text,
)
from gateway.channel import Accepted, Address, SendError
from gateway.channels import kinds
from gateway.channels.cloud_api import CloudApi, challenge, classify, parse, request_body, verify
from gateway.channels.cloud_api.requests import read_body
from gateway.news import (
    AccountChanged,
    Inbound,
    News,
    NumberChanged,
    PhoneChanged,
    PreferenceChanged,
    Pricing,
    Receipt,
    Sender,
    TemplateChanged,
    Trouble,
)

SAMPLES = Path(__file__).parent.parent / "samples" / "cloud_api"
ADA = Sender("16505551234", "", "Ada Rossi")
TESS = Sender("16505550142", "US.13491208655302741918", "Tess Nolan")
TO = Address("wa_id", "16505550142")
CONVERSATION = "7270432eae37498234f4444b35ffc5"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def told(name: str) -> News:
    [news] = parse(sample(name))
    return news


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


CONTENTS: dict[str, tuple[Sender, Content]] = {
    "in_text": (ADA, Text("Does it come in another color?")),
    "in_text_ad_referral": (ADA, Text("Hello! Can I get more info on this?")),
    "in_text_product_context": (ADA, Text("Is this still available?")),
    "in_text_reply": (TESS, Text("replied text")),
    "in_text_bsuid_only": (Sender("", "US.1234", "Kay Foster"), Text("Hello World")),
    "in_text_phone_and_bsuid": (
        Sender("16505550145", "US.1234", "Kay Foster"),
        Text("Hello World"),
    ),
    "in_button_reply": (ADA, Tap("cancel-button", "Cancel", "button")),
    "in_list_reply": (ADA, Tap("priority_express", "Priority Mail Express", "list")),
    "in_template_quick_reply": (ADA, Tap("Unsubscribe", "Unsubscribe", "template")),
    "in_quick_reply_without_context": (TESS, Tap("callback_data", "title", "template")),
    "in_image": (
        ADA,
        Media("image", "", "1003383421387256", "Taj Mahal", mime_type="image/jpeg"),
    ),
    "in_voice": (
        TESS,
        Media("audio", "", "1234567890987654321", mime_type="audio/ogg; codecs=opus"),
    ),
    "in_document": (
        TESS,
        Media("document", "", "1234567890987654321", "caption", "filename.pdf", "application/pdf"),
    ),
    "in_location": (
        ADA,
        Location(
            37.44221496582,
            -122.16165924072,
            "Philz Coffee",
            "101 Forest Ave, Palo Alto, CA 94301",
        ),
    ),
}


@pytest.mark.parametrize("name", sorted(CONTENTS))
def test_messages(name: str) -> None:
    news = told(name)
    assert isinstance(news, Inbound)
    assert (news.sender, news.content) == CONTENTS[name]
    assert news.channel_id
    assert not news.silent


def test_other_messages() -> None:
    like = told("in_reaction")
    assert isinstance(like, Inbound)
    assert isinstance(like.content, Reaction)
    assert (like.content.emoji, like.silent) == ("👍", True)
    gone = told("in_reaction_removed")
    assert isinstance(gone, Inbound)
    assert gone.content == Reaction("wamid.yzxyzx=", "")
    cards, order, odd = told("in_contacts"), told("in_order"), told("in_unsupported")
    assert isinstance(cards, Inbound)
    assert isinstance(order, Inbound)
    assert isinstance(odd, Inbound)
    assert isinstance(cards.content, Other)
    assert cards.content.note == "Lucía Gómez"
    assert isinstance(order.content, Other)
    assert len(order.content.data["product_items"]) == 2  # type: ignore[arg-type]
    assert odd.content == Other("unsupported", "Message type unknown", {})
    quoting = told("in_text_reply")
    assert isinstance(quoting, Inbound)
    assert (quoting.quoted, quoting.phone, quoting.at) == (
        "wamid.xyzxyz==",
        "1122334455667",
        at(1697044746),
    )


STATUSES = {
    "status_sent": ("sent", "", None),
    "status_sent_with_tracker": ("sent", "some data", None),
    "status_sent_free_entry_point": ("sent", "", None),
    "status_delivered": ("delivered", "", None),
    "status_delivered_pmp": ("delivered", "", None),
    "status_read": ("read", "", None),
    "status_failed_130472": ("failed", "", "metas_choice"),
    "status_failed_131047": ("failed", "", "window_closed"),
}


@pytest.mark.parametrize("name", sorted(STATUSES))
def test_statuses(name: str) -> None:
    news = told(name)
    assert isinstance(news, Receipt)
    meaning = news.error.meaning if news.error else None
    assert (news.state, news.reference, meaning) == STATUSES[name]


CBP = Pricing("service", model="CBP", conversation=CONVERSATION, origin="service")
FREE = Pricing(
    "referral_conversion",
    False,
    "PMP",
    "free_entry_point",
    CONVERSATION,
    "referral_conversion",
    at(1698339900),
)
PRICES: dict[str, Pricing | None] = {
    "status_sent": structs.replace(CBP, ends_at=at(1698339900)),
    "status_delivered": CBP,
    "status_sent_free_entry_point": FREE,
    "status_delivered_pmp": Pricing("marketing", model="PMP", type="regular"),
    "status_failed_131047": None,
}


@pytest.mark.parametrize("name", sorted(PRICES))
def test_what_a_status_says_about_money(name: str) -> None:
    news = told(name)
    assert isinstance(news, Receipt)
    assert news.pricing == PRICES[name]


def status_with(**more: Any) -> Receipt:
    body = json.loads(sample("status_sent"))
    [status] = body["entry"][0]["changes"][0]["value"]["statuses"]
    del status["pricing"], status["conversation"]
    status.update(more)
    [news] = parse(json.dumps(body).encode())
    assert isinstance(news, Receipt)
    return news


def test_prices_in_other_shapes() -> None:
    ends = {"id": "c", "origin": {"type": "utility"}, "expiration_timestamp": 1698339900}
    told = Pricing("utility", conversation="c", origin="utility", ends_at=at(1698339900))
    assert status_with(conversation=ends).pricing == told
    free = {"category": "service", "type": "free_customer_service", "billable": "no"}
    assert status_with(pricing=free).pricing == Pricing("service", False, "", free["type"])
    assert status_with().pricing is status_with(pricing=[], conversation=7).pricing is None


def test_where_a_customer_came_from() -> None:
    news = told("in_text_ad_referral")
    assert isinstance(news, Inbound)
    assert news.referral == {
        "source_type": "ad",
        "source_id": "120226305854810726",
        "source_url": "https://fb.me/3cr4Wqqkv",
        "headline": "Chat with us",
        "ctwa_clid": news.referral["ctwa_clid"],
    }
    plain = told("in_text")
    assert isinstance(plain, Inbound)
    assert plain.referral == {}


def notice(field: str, **value: Any) -> News:
    body = {"entry": [{"id": "waba", "changes": [{"field": field, "value": value}]}]}
    [news] = parse(json.dumps(body).encode())
    return news


@pytest.mark.parametrize(
    ("value", "quality", "limit", "throughput"),
    [
        ({"event": "FLAGGED", "current_limit": "TIER_10K"}, "RED", 10_000, None),
        ({"event": "UNFLAGGED", "current_limit": "TIER_1K"}, "GREEN", 1_000, None),
        ({"event": "ONBOARDING", "current_limit": "TIER_NOT_SET"}, "UNKNOWN", None, None),
        ({"event": "UPGRADE", "max_daily_conversations_per_business": 2000}, "UNKNOWN", 2000, None),
        (
            {"event": "DOWNGRADE", "max_daily_conversations_per_business": "TIER_250"},
            "UNKNOWN",
            250,
            None,
        ),
        (
            {"event": "THROUGHPUT_UPGRADE", "max_daily_conversations_per_business": -1},
            "UNKNOWN",
            -1,
            1000,
        ),
    ],
)
def test_news_of_a_number(
    value: dict[str, Any], quality: str, limit: int | None, throughput: int | None
) -> None:
    news = notice("phone_number_quality_update", display_phone_number="+1 650-555-0101", **value)
    assert isinstance(news, PhoneChanged)
    found = (news.number, news.quality, news.limit, news.throughput_per_s)
    assert found == ("+1 650-555-0101", quality, limit, throughput)


def restricted_by(*limits: tuple[str, Any]) -> AccountChanged:
    told = [{"restriction_type": f"RESTRICTED_{kind}", "expiration": end} for kind, end in limits]
    news = notice("account_update", event="ACCOUNT_RESTRICTION", restriction_info=told)
    assert isinstance(news, AccountChanged)
    return news


def test_news_of_an_account() -> None:
    all_of_it = restricted_by(
        ("BIZ_INITIATED_MESSAGING", "1641330498"), ("CUSTOMER_INITIATED_MESSAGING", 1641330500)
    )
    assert (all_of_it.stopped, all_of_it.no_campaigns) == (True, True)
    assert all_of_it.until == at(1641330500)
    for_ever = restricted_by(
        ("BIZ_INITIATED_MESSAGING", None), ("CUSTOMER_INITIATED_MESSAGING", 1641330500)
    )
    assert for_ever.until is None
    adding = restricted_by(("ADD_PHONE_NUMBER_ACTION", 1641330498))
    assert (adding.stopped, adding.no_campaigns, adding.until) == (None, False, None)
    back = notice(
        "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"}
    )
    assert isinstance(back, AccountChanged)
    assert back.stopped is False
    for told, limit in ((-1, -1), ("100000", 100_000), ("TIER_UNLIMITED", -1)):
        news = notice("business_capability_update", max_daily_conversations_per_business=told)
        assert isinstance(news, AccountChanged)
        assert news.limit == limit


def test_a_category_that_will_change_tomorrow() -> None:
    news = notice(
        "template_category_update",
        message_template_name="cart",
        message_template_language="it",
        new_category="UTILITY",
        correct_category="MARKETING",
        category_update_timestamp=1750000000,
    )
    assert news == TemplateChanged("waba", "cart", "it", coming_category="MARKETING")


def test_everything_else_that_is_told() -> None:
    assert told("in_system_number_changed") == NumberChanged(
        "106540352242922",
        "wamid.HBgLMTk4MzU1NTE5NzQVAgASGAoxMTgyMDg2MjY3AA==",
        at(1750269342),
        Sender("16505551234"),
        "12195555358",
    )
    stop = PreferenceChanged("106540352242922", TESS, wants=False, at=at(1731705721))
    assert told("user_preferences_stop") == stop
    resume = PreferenceChanged("106540352242922", TESS, wants=True, at=at(1731705721))
    assert told("user_preferences_resume") == resume
    name = ("102290129340398", "order_confirmation", "en_US", "1689556908129832")
    assert told("template_status_approved") == TemplateChanged(*name, status="APPROVED")
    assert told("template_status_paused") == TemplateChanged(
        *name,
        status="PAUSED",
        reason="Your WhatsApp message template has been paused for 3 hours.",
    )
    rejected = told("template_status_rejected")
    assert isinstance(rejected, TemplateChanged)
    assert rejected.reason.startswith("Your template has parameters placed next to each other")
    yellow = told("template_quality_yellow")
    assert isinstance(yellow, TemplateChanged)
    assert (yellow.quality, yellow.status) == ("YELLOW", "")
    category = told("template_category_changed")
    assert isinstance(category, TemplateChanged)
    assert category.category == "MARKETING"
    restricted = told("account_restriction")
    assert isinstance(restricted, AccountChanged)
    assert (restricted.stopped, restricted.no_campaigns) == (None, True)
    assert restricted.until == at(1641330498)
    violation = told("account_violation")
    assert isinstance(violation, AccountChanged)
    assert (violation.stopped, violation.details) == (None, "ADULT")
    assert told("business_capability_update") == AccountChanged(
        "102290129340398", "MESSAGING_LIMIT", "2000", limit=2000
    )
    assert told("phone_quality_throughput_upgrade") == PhoneChanged(
        "102290129340398",
        "16505550101",
        "THROUGHPUT_UPGRADE",
        "TIER_UNLIMITED",
        limit=-1,
        throughput_per_s=1000,
    )
    trouble = told("errors_only")
    assert isinstance(trouble, Trouble)
    assert trouble.error.meaning == "number_stopped"
    batch = parse(sample("batch_statuses_and_message"))
    assert [type(one) for one in batch] == [Receipt, Receipt, Inbound]


def test_every_sample_of_a_webhook_is_understood() -> None:
    for path in SAMPLES.glob("*.json"):
        if json.loads(path.read_bytes()).get("object"):
            assert parse(path.read_bytes()), path.name


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"entry":{}}',
        b'{"entry":[1,{"changes":[2,{"field":3,"value":4},{"field":"messages","value":[]}]}]}',
        b'{"entry":[{"changes":[{"field":"news_of_2030","value":{"a":1}}]}]}',
    ],
)  # fmt: skip
def test_garbage_is_nothing(body: bytes) -> None:
    assert parse(body) == []


def test_an_unknown_neighbour_harms_nobody() -> None:
    body = json.loads(sample("in_text"))
    value = body["entry"][0]["changes"][0]["value"]
    good = value["messages"][0]
    value["messages"] = [
        None,
        {"id": "x", "from": "1", "type": "hologram", "hologram": {"depth": 3}},
        good | {"id": "big", "timestamp": "9" * 30},
        good | {"group_id": "g"},
        {"id": "nobody"},
        good | {"id": "half", "text": {"body": "\ud83d"}},
        good,
    ]
    value["contacts"] = [{"wa_id": "1"}, {"wa_id": "16505551234", "profile": {"name": "Ada"}}]
    news = parse(json.dumps(body).encode())
    assert [one.channel_id for one in news if isinstance(one, Inbound)] == [
        "x", "big", "half", good["id"],
    ]  # fmt: skip
    [*_, last] = news
    assert isinstance(last, Inbound)
    assert last.sender.name == "Ada"


WORDS = st.sampled_from(
    (
        *("id", "from", "from_user_id", "timestamp", "type", "text", "body", "interactive"),
        *("button_reply", "context", "statuses", "messages", "contacts", "metadata", "status"),
        *("phone_number_id", "errors", "code", "system", "wa_id", "profile", "event", "value"),
        *("user_preferences", "category", "reaction", "location", "latitude", "group_id"),
    )
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)


@given(anything, st.sampled_from(["messages", "user_preferences", "account_update"]))
def test_parsing_never_raises(value: Any, field: str) -> None:
    body = {"entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}
    parse(json.dumps(body).encode())
    if isinstance(value, dict):
        value["metadata"] = {"phone_number_id": "1"}
        parse(json.dumps(body).encode())


def test_signature() -> None:
    raw = sample("in_text")
    header = "sha256=" + hmac.new(b"right", raw, hashlib.sha256).hexdigest()
    assert verify(raw, header, ["wrong", "right"]) == "right"
    assert verify(raw, header.upper().replace("SHA256", "sha256"), ["right"]) == "right"
    assert verify(raw + b" ", header, ["right"]) is None
    assert verify(raw, header, []) is None
    assert verify(raw, "", ["right"]) is None
    assert verify(raw, header.removeprefix("sha256="), ["right"]) is None
    assert verify(raw, "sha256=é", ["right"]) is None
    nobody = "sha256=" + hmac.new(b"", raw, hashlib.sha256).hexdigest()
    assert verify(raw, nobody, [""]) is None


def test_subscribe_check() -> None:
    params = {"hub.mode": "subscribe", "hub.verify_token": "ours", "hub.challenge": "123"}
    assert challenge(params, "ours") == "123"
    assert challenge(params, "theirs") is None
    assert challenge(params | {"hub.mode": "unsubscribe"}, "ours") is None
    assert challenge({"hub.mode": "subscribe"}, "") is None


NAMED = {"first_name": "Ada", "total": "64,00 EUR"}
LOCALE = "language-and-locale-code"
IMAGE = Media("image", "http(s)://the-image-url")
VALUES = ("text-string", "$100.99", "February 25, 1977")
TYPED: dict[str, Amount | Day] = {
    "2": Amount("USD", 100990),
    "3": Day(1977, 2, 25, day_of_week=5, hour=15, minute=33),
}
REQUESTS: dict[str, Content] = {
    "req_text": Text("text-message-content"),
    "req_image_link": Media("image", "http(s)://image-url"),
    "req_document_id": Media(
        "document",
        remote_id="<DOCUMENT_OBJECT_ID>",
        caption="<DOCUMENT_CAPTION_TO_SEND>",
        filename="<DOCUMENT_FILENAME>",
    ),
    "req_location": Location(
        37.758056, -122.425332, "META HQ", "1 Hacker Way, Menlo Park, CA 94025"
    ),
    "req_reaction": Reaction("wamid.HBgLM...", "😀"),
    "req_reply_buttons": Buttons(
        "<BUTTON_TEXT>",
        (
            Option("<UNIQUE_BUTTON_ID_1>", "<BUTTON_TITLE_1>"),
            Option("<UNIQUE_BUTTON_ID_2>", "<BUTTON_TITLE_2>"),
        ),
    ),
    "req_template_text": Template("template-name", LOCALE, VALUES, typed=TYPED),
    "req_template_image_header": Template(
        "template-name", LOCALE, VALUES, header_media=IMAGE, typed=TYPED
    ),
    "req_template_buttons": Template(
        "template-name",
        LOCALE,
        VALUES,
        header_media=IMAGE,
        buttons=(
            TemplateButton(0, "quick_reply", "aGlzIHRoaXMgaXMgY29v"),
            TemplateButton(1, "quick_reply", "9rwnB8RbYmPF5t2Mn09x4h"),
        ),
        typed=TYPED,
    ),
}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_request_bodies_are_those_of_the_samples(name: str) -> None:
    expected = json.loads(sample(name))
    assert request_body(REQUESTS[name], TO, "") == expected
    body = request_body(REQUESTS[name], TO, "77", quoted="wamid.q")
    more = {"biz_opaque_callback_data": "77", "context": {"message_id": "wamid.q"}}
    assert body == expected | more


def test_an_answer_quotes() -> None:
    body = request_body(Text("<TEXT_MSG_CONTENT>"), TO, "", quoted="<MSGID_OF_PREV_MSG>")
    assert body == json.loads(sample("req_text_reply"))


def test_request_that_says_it_was_read() -> None:
    expected = json.loads(sample("req_mark_read_typing"))
    assert read_body(expected["message_id"], typing=True) == expected
    del expected["typing_indicator"]
    assert read_body(expected["message_id"], typing=False) == expected


def test_request_for_a_list() -> None:
    expected = json.loads(sample("req_list"))
    options = []
    for section in expected["interactive"]["action"]["sections"]:
        for row in section["rows"]:  # the sample's titles are longer than WhatsApp allows
            row["title"] = row["title"][:24]
            options.append(Option(row["id"], row["title"], row["description"], section["title"]))
    words = {"footer": "<FOOTER_TEXT>", "header": "<HEADER_TEXT>"}
    choices = Choices("<BODY_TEXT>", "<BUTTON_TEXT>", tuple(options), **words)
    assert request_body(choices, TO, "") == expected


def sections_of(*options: Option) -> Any:
    body = request_body(Choices("Which?", "Sizes", options), TO, "")
    assert body is not None
    return body["interactive"]["action"]["sections"]


def test_headings_of_a_list() -> None:
    small, large = Option("s", "S"), Option("l", "L", section="Large")
    rows = [{"id": "s", "title": "S"}], [{"id": "l", "title": "L"}]
    assert sections_of(small) == [{"rows": rows[0]}]
    assert sections_of(large) == [{"title": "Large", "rows": rows[1]}]
    assert sections_of(small, large) == [
        {"title": "…", "rows": rows[0]},  # several must all have one
        {"title": "Large", "rows": rows[1]},
    ]


def test_what_stands_over_buttons() -> None:
    options = (Option("y", "Yes"),)
    body = request_body(Buttons("Well?", options, header="Question"), TO, "")
    assert body is not None
    assert body["interactive"]["header"] == {"type": "text", "text": "Question"}
    file = Media("document", remote_id="77", filename="list.pdf")
    body = request_body(Buttons("Well?", options, header_media=file), TO, "")
    assert body is not None
    assert body["interactive"]["header"] == {
        "type": "document",
        "document": {"id": "77", "filename": "list.pdf"},
    }


def test_a_button_that_opens_a_page() -> None:
    content = LinkButton("See what is new", "Open the shop", "https://shop.example.com/n", "Bye")
    body = request_body(content, TO, "")
    assert body is not None
    assert body["interactive"] == {
        "type": "cta_url",
        "body": {"text": "See what is new"},
        "footer": {"text": "Bye"},
        "action": {
            "name": "cta_url",
            "parameters": {"display_text": "Open the shop", "url": "https://shop.example.com/n"},
        },
    }


def test_a_carousel() -> None:
    goods = (("blue-mug", "12.00 EUR"), ("tea-towel", "8.00 EUR"))
    cards = tuple(
        Card(
            Media("image", f"https://shop.example.com/img/{name}.jpg"),
            (price,),
            (
                TemplateButton(0, "quick_reply", f"more:{name}"),
                TemplateButton(1, "url", name),
            ),
        )
        for name, price in goods
    )
    carousel = Template("cart_carousel", "en_US", ("Ada",), cards=cards)
    expected = json.loads(sample("req_template_carousel"))
    assert request_body(carousel, Address("wa_id", "16505551234"), "msg:0190c1") == expected


@pytest.mark.parametrize(
    ("button", "parameter"),
    [
        (TemplateButton(0, "flow", "token"), {"flow_token": "token"}),
        (
            TemplateButton(0, "flow", "token", {"name": "Ada"}),
            {"flow_token": "token", "flow_action_data": {"name": "Ada"}},
        ),
        (TemplateButton(0, "catalog", "mug"), {"thumbnail_product_retailer_id": "mug"}),
        (
            TemplateButton(0, "mpm", "mug", {"sections": [{"title": "Mugs"}]}),
            {"thumbnail_product_retailer_id": "mug", "sections": [{"title": "Mugs"}]},
        ),
    ],
)
def test_buttons_that_do_something(button: TemplateButton, parameter: dict[str, Any]) -> None:
    body = request_body(Template("hello", "it", buttons=(button,)), TO, "")
    assert body is not None
    [component] = body["template"]["components"]
    assert (component["sub_type"], component["index"]) == (button.kind, "0")
    assert component["parameters"] == [{"type": "action", "action": parameter}]


def test_every_sample_of_a_request_is_made_here() -> None:
    told = Path(__file__).read_text()
    missing = [path.stem for path in SAMPLES.glob("req_*.json") if f'"{path.stem}"' not in told]
    assert missing == []


def test_requests_for_templates() -> None:
    expected = json.loads(sample("req_template_named_params_coupon"))
    expected["template"]["language"].pop("policy")
    buttons = (TemplateButton(0, "copy_code", "TORNA10"), TemplateButton(1, "url", "c/8f3a"))
    coupon = Template("cart_coupon", "it", buttons=buttons, named=NAMED)
    assert request_body(coupon, Address("wa_id", "16505551234"), "") == expected

    shop = Location(45.4, 9.2, "Shop")
    there = request_body(Template("hello", "it", header_location=shop), TO, "")
    assert there is not None
    assert there["template"]["components"][0]["parameters"] == [
        {"type": "location", "location": {"latitude": 45.4, "longitude": 9.2, "name": "Shop"}}
    ]
    total = Template("t", "it", named={"total": "9 €"}, typed={"total": Amount("EUR", 9000)})
    named = request_body(total, TO, "")
    assert named is not None
    assert named["template"]["components"][0]["parameters"] == [
        {
            "type": "currency",
            "parameter_name": "total",
            "currency": {"fallback_value": "9 €", "code": "EUR", "amount_1000": 9000},
        }
    ]

    plain = request_body(Template("hello", "it", header="Hi"), Address("user_id", "US.1"), "")
    assert plain == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient": "US.1",
        "type": "template",
        "template": {
            "name": "hello",
            "language": {"code": "it"},
            "components": [{"type": "header", "parameters": [{"type": "text", "text": "Hi"}]}],
        },
    }
    messy = request_body(Template("hello", "it", ("a\nb\tc      d",)), TO, "")
    assert messy is not None
    assert messy["template"]["components"][0]["parameters"][0]["text"] == "a b c d"


def test_what_only_customers_send_has_no_body() -> None:
    assert request_body(Tap("p", "Yes"), TO, "") is None
    assert request_body(Other("order"), TO, "") is None


WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJCOTY3NDc0NDFDRUI3NTA0Q0UA"
TRANSIENT = b'{"error":{"code":77777,"is_transient":true}}'


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (400, sample("resp_error_130429"), "throttle"),
        (400, sample("resp_error_131056"), "pair"),
        (401, sample("resp_error_190"), "number_stopped"),
        (404, sample("resp_error_132001"), "template"),
        (400, b'{"error":{"code":200}}', "number_stopped"),
        (400, b'{"error":{"code":131050}}', "do_not_send"),
        (400, b'{"error":{"code":133016}}', "throttle"),
        (400, b'{"error":{"code":133010}}', "number_stopped"),
        (500, b'{"error":{"code":1}}', "temporary"),
        (500, b'{"error":{"code":77777}}', "temporary"),
        (400, TRANSIENT, "temporary"),
        (400, b'{"error":{"code":77777}}', "unknown"),
        (503, b"<html>", "temporary"),
        (429, b"", "throttle"),
        # whoever passes an answer on may have passed the message on before
        (500, b"<html>", "uncertain"),
        (502, b"", "uncertain"),
        (504, b"", "uncertain"),
        (200, b"<html>", "uncertain"),
        (200, b'{"messages":[]}', "uncertain"),
        (404, b"<html>", "unknown"),
    ],
)
def test_answers(status: int, body: bytes, meaning: str) -> None:
    error = classify(status, body)
    assert isinstance(error, SendError)
    assert error.meaning == meaning
    assert error.message or error.code


def test_acceptance() -> None:
    assert classify(200, sample("resp_send_ok")) == Accepted(WAMID, "16505551234")
    assert classify(200, sample("resp_send_held")) == Accepted(WAMID, "16505551234", held=True)
    details = classify(400, sample("resp_error_132001"))
    assert isinstance(details, SendError)
    assert details.message == "template name (hello_world) does not exist in it"


def test_the_folder_is_the_registry() -> None:
    assert kinds()["cloud_api"] is CloudApi
