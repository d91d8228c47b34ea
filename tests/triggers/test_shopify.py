"""Shopify's deliveries: the samples of every topic, and what goes wrong in practice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.shops.base import NotJson, Phone, ShopEvent, cart_data, first_number, order_data
from triggers.shops.shopify import read, verify

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"
HEADERS = {
    "X-Shopify-Shop-Domain": "Sample-Shop.myshopify.com",
    "X-Shopify-Event-Id": "event-1",
    "X-Shopify-Triggered-At": "2026-03-05T08:00:00.123456789Z",
}
TOKEN = "b7a1c9e25d1f4e0c9b0d6a3f8c2e7d41"
ORDER = "820982911946154509"
ADA = "+447700900123"


def told(topic: str, sample: str | dict[str, Any], **headers: str) -> ShopEvent:
    """The one event of a delivery."""
    raw = (
        json.dumps(sample).encode()
        if isinstance(sample, dict)
        else (SAMPLES / f"{sample}.json").read_bytes()
    )
    (event,) = read(raw, {**HEADERS, "X-Shopify-Topic": topic, **headers}, country="GB")
    return event


def sample(name: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    change(body)
    return body


def sign(raw: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


# --- the signature -----------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"", b"{}\n", '{"name": "Così"}'.encode(), b"\xff\xfe\x00"])
@pytest.mark.parametrize(
    "name", ["X-Shopify-Hmac-Sha256", "x-shopify-hmac-sha256", "X-SHOPIFY-HMAC-SHA256"]
)
def test_signature_over_the_raw_bytes_with_a_header_in_any_case(raw: bytes, name: str) -> None:
    assert verify(raw, {name: sign(raw, "s3cret")}, ["s3cret"])
    assert not verify(raw + b" ", {name: sign(raw, "s3cret")}, ["s3cret"])


def test_two_secrets_while_one_is_replaced() -> None:
    assert verify(b"x", {"X-Shopify-Hmac-Sha256": sign(b"x", "old")}, ["new", "old"])
    assert verify(b"x", {"X-Shopify-Hmac-Sha256": sign(b"x", "new")}, ["new", "old"])
    assert not verify(b"x", {"X-Shopify-Hmac-Sha256": sign(b"x", "third")}, ["new", "old"])


@pytest.mark.parametrize(
    "headers", [{}, {"X-Shopify-Hmac-Sha256": ""}, {"X-Shopify-Hmac-Sha256": "é"}]
)
def test_no_header_no_entry(headers: dict[str, str]) -> None:
    assert not verify(b"x", headers, ["s3cret"])


def test_without_a_secret_nothing_is_genuine() -> None:
    assert not verify(b"x", {"X-Shopify-Hmac-Sha256": sign(b"x", "")}, [""])
    assert not verify(b"x", {"X-Shopify-Hmac-Sha256": sign(b"x", "")}, [])


def test_hex_is_not_base64() -> None:
    made = hmac.new(b"s3cret", b"x", hashlib.sha256).hexdigest()
    assert not verify(b"x", {"X-Shopify-Hmac-Sha256": made}, ["s3cret"])


# --- carts -------------------------------------------------------------------------------------


def test_a_checkout_that_was_left() -> None:
    event = told("checkouts/update", "story_1_checkout_update_abandoned")
    assert (event.kind, event.source, event.shop) == (
        "cart.updated",
        "shopify",
        "sample-shop.myshopify.com",
    )
    assert event.event_key == "event-1"
    assert event.occurred_at == datetime(2026, 3, 2, 10, 21, 30, tzinfo=UTC)
    assert (event.cart_key, event.cart_token) == (TOKEN, "eeafa272cebfd4b22385bc4b645e762c")
    assert not event.completed
    assert first_number(event.phones, event.country) == ADA
    assert (event.email, event.name, event.locale) == (
        "ada.rossi@example.com",
        "Gino Fabbri",
        "en-GB",
    )
    assert (event.total, event.currency) == ("64.00", "GBP")
    assert event.recovery_url.endswith("/recover?key=sample")
    assert [(item.title, item.variant, item.quantity, item.price) for item in event.items] == [
        ("IPod Nano - 8GB", "Pink", 1, "199.00")
    ] * 2
    assert (event.consent, event.sms_consent) == ("unknown", "unknown")


def test_the_same_checkout_bought() -> None:
    event = told("checkouts/update", "story_2_checkout_update_completed")
    assert (event.cart_key, event.completed) == (TOKEN, True)


@pytest.mark.parametrize("name", ["checkouts_create", "checkouts_create_2025_07"])
def test_the_key_is_the_token_with_or_without_an_id(name: str) -> None:
    assert told("checkouts/create", name).cart_key == "123123123"


def test_a_deleted_checkout_may_only_have_its_second_name() -> None:
    event = told("checkouts/delete", "checkouts_delete")
    assert (event.kind, event.cart_key) == ("cart.deleted", "")
    assert event.cart_token == "eeafa272cebfd4b22385bc4b645e762c"


def test_a_checkout_without_a_token_is_nothing() -> None:
    assert read(b'{"email": "a@example.com"}', {"X-Shopify-Topic": "checkouts/create"}) == []


def test_the_words_texts_find_under_cart() -> None:
    words = cart_data(told("checkouts/update", "story_1_checkout_update_abandoned"))
    assert words["path"] == f"checkouts/{TOKEN}/recover?key=sample"
    assert (words["total"], words["currency"], words["count"]) == ("64.00", "GBP", 2)
    assert words["items"][0]["title"] == "IPod Nano - 8GB"
    assert msgspec.json.decode(msgspec.json.encode(words)) == words


# --- who it is ---------------------------------------------------------------------------------


def test_a_phone_only_in_the_shipping_address_is_read_with_its_country() -> None:
    def only_there(body: dict[str, Any]) -> None:
        body["phone"] = None
        body["customer"]["default_address"]["phone"] = None
        body["shipping_address"] |= {"phone": "07700 900123", "country_code": "GB"}

    event = told("checkouts/update", sample("story_1_checkout_update_abandoned", only_there))
    assert event.phones == (Phone("07700 900123", "GB"),)
    assert first_number(event.phones) == ADA


def test_junk_is_passed_over() -> None:
    def junk_first(body: dict[str, Any]) -> None:
        body["phone"] = "555-625-1199"
        body["shipping_address"] |= {"phone": "call me"}
        body["billing_address"] |= {"phone": "212-664-7665", "country_code": "US"}

    event = told("checkouts/update", sample("story_1_checkout_update_abandoned", junk_first))
    assert first_number(event.phones, event.country) == "+12126647665"


@pytest.mark.parametrize("name", ["checkouts_create", "orders_create"])
def test_nothing_but_junk_is_no_number(name: str) -> None:
    event = told(name.replace("_", "/"), name)
    assert first_number(event.phones, event.country) is None


def test_no_contact_at_all() -> None:
    body: dict[str, Any] = {
        "token": "t",
        "line_items": [],
        "customer": None,
        "shipping_address": None,
    }
    event = told("checkouts/create", body)
    assert (event.phones, event.email, event.name) == ((), "", "")


@pytest.mark.parametrize(
    ("phone", "country", "number"),
    [
        ("07700900123", "GB", ADA),
        ("+44 7700 900123", "US", ADA),
        ("333 123 4567", "IT", "+393331234567"),
        ("06 1234 5678", "IT", "+390612345678"),  # the zero of a landline stays
        ("(650) 555-1234", "US", "+16505551234"),
        ("123-123-1234", "CA", None),
        ("+1 555 010 0123", "", "+15550100123"),
        ("07700900123", "", None),
        ("12", "GB", None),
        ("00000000", "ZZ", None),
    ],
)
def test_numbers(phone: str, country: str, number: str | None) -> None:
    assert first_number((Phone(phone, country),)) == number


# --- orders ------------------------------------------------------------------------------------


def test_the_order_of_that_checkout() -> None:
    event = told("orders/create", "story_3_orders_create_recovered")
    assert (event.kind, event.order_key, event.order_name) == ("order.created", ORDER, "#9999")
    assert (event.cart_key, event.completed, event.once) == (TOKEN, True, f"order.created:{ORDER}")
    assert event.created_at == datetime(2026, 3, 2, 12, 5, 10, tzinfo=UTC)
    assert (event.total, event.currency, event.test) == ("64.00", "GBP", False)
    assert event.landing_site.startswith("/checkouts/recover?utm_source=whatsapp")
    assert event.sales_channel == "web"


@pytest.mark.parametrize(
    ("topic", "name", "kind"),
    [
        ("orders/paid", "story_3_orders_create_recovered", "order.paid"),
        ("orders/updated", "story_3_orders_create_recovered", "order.paid"),
        ("orders/cancelled", "story_4_orders_cancelled", "order.cancelled"),
        ("orders/updated", "story_4_orders_cancelled", "order.cancelled"),
        ("orders/fulfilled", "story_4_orders_fulfilled", "order.fulfilled"),
        ("orders/partially_fulfilled", "story_4_orders_fulfilled", "order.fulfilled"),
        ("orders/updated", "story_4_orders_fulfilled", "order.fulfilled"),
    ],
)
def test_an_order_goes_on(topic: str, name: str, kind: str) -> None:
    event = told(topic, name)
    assert (event.kind, event.once) == (kind, f"{kind}:{ORDER}")


def test_an_unpaid_and_a_refunded_order_in_an_update() -> None:
    pending = sample(
        "story_3_orders_create_recovered", lambda o: o.update(financial_status="pending")
    )
    assert told("orders/updated", pending).kind == "order.created"
    refunded = sample(
        "story_3_orders_create_recovered", lambda o: o.update(financial_status="refunded")
    )
    assert told("orders/updated", refunded).kind == "order.refunded"


def test_the_time_of_a_cancellation() -> None:
    event = told("orders/cancelled", "story_4_orders_cancelled")
    assert event.occurred_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_the_parcel_of_an_order() -> None:
    event = told("orders/fulfilled", "story_4_orders_fulfilled")
    assert event.tracking is not None
    assert (event.tracking.company, event.tracking.number) == ("UPS", "1z827wk74630")
    words = order_data(event)
    assert words["tracking"]["url"].startswith("https://www.ups.com/")
    assert words["name"] == "#9999"


def test_a_test_order_says_so() -> None:
    assert told("orders/create", "orders_create").test


def test_a_fulfillment() -> None:
    event = told("fulfillments/create", "fulfillments_create")
    assert (event.kind, event.order_key, event.order_name) == (
        "order.fulfilled",
        "820982911946154500",
        "#9999",
    )
    arrived = sample("fulfillments_create", lambda one: one.update(shipment_status="delivered"))
    assert told("fulfillments/update", arrived).kind == "order.delivered"
    failed = sample("fulfillments_create", lambda one: one.update(status="failure"))
    assert read(json.dumps(failed).encode(), {"X-Shopify-Topic": "fulfillments/update"}) == []


def test_only_a_delivery_is_worth_telling_of_a_carriers_events() -> None:
    raw = (SAMPLES / "fulfillment_events_create.json").read_bytes()
    assert read(raw, {"X-Shopify-Topic": "fulfillment_events/create"}) == []
    there = sample("fulfillment_events_create", lambda one: one.update(status="delivered"))
    assert told("fulfillment_events/create", there).kind == "order.delivered"


def test_a_refund_adds_up_what_was_paid_back() -> None:
    event = told("refunds/create", "refunds_create")
    assert (event.kind, event.order_key, event.total) == (
        "order.refunded",
        "820982911946154500",
        "85.00",
    )


@pytest.mark.parametrize(
    ("total", "read_as"),
    [("0.00", "0.00"), ("1.250", "1.250"), ("5200", "5200"), (64.1, "64.1"), (7, "7"),
     (None, ""), ("free", ""), ("1E+999999999", ""), (True, "")],
)  # fmt: skip
def test_amounts_stay_as_they_are(total: object, read_as: str) -> None:
    body = sample("story_3_orders_create_recovered", lambda order: order.update(total_price=total))
    assert told("orders/create", body).total == read_as


def test_ids_of_64_bits_and_of_letters() -> None:
    assert told("orders/create", {"id": 9223372036854775807}).order_key == "9223372036854775807"
    assert told("orders/create", {"id": "gid-12"}).order_key == "gid-12"


# --- people and privacy ------------------------------------------------------------------------


def test_customers() -> None:
    event = told("customers/create", "customers_create")
    assert (event.kind, event.name, event.email) == (
        "customer.created",
        "Bruno Biller",
        "bruno.neri@example.com",
    )
    assert event.customer_key == "706405506930370000"
    assert told("customers/update", "customers_create").kind == "customer.updated"


@pytest.mark.parametrize(
    ("state", "said"),
    [("subscribed", "yes"), ("unsubscribed", "no"), ("redacted", "no"),
     ("not_subscribed", "unknown"), ("pending", "unknown"), (None, "unknown")],
)  # fmt: skip
def test_consent_is_never_invented(state: str | None, said: str) -> None:
    body = sample(
        "customers_marketing_consent_update",
        lambda one: one["sms_marketing_consent"].update(state=state),
    )
    event = told("customers_marketing_consent/update", body)
    assert (event.kind, event.sms_consent, event.consent) == ("consent.changed", said, "unknown")


def test_a_ticked_box_for_text_messages() -> None:
    ticked = sample(
        "story_1_checkout_update_abandoned",
        lambda one: one.update(buyer_accepts_sms_marketing=True),
    )
    assert told("checkouts/update", ticked).sms_consent == "yes"


@pytest.mark.parametrize(
    ("topic", "name", "kind"),
    [
        ("customers/redact", "customers_redact", "customer.redacted"),
        ("customers/data_request", "customers_data_request", "customer.data_requested"),
        ("shop/redact", "shop_redact", "shop.redacted"),
        ("app/uninstalled", "shop_redact", "shop.uninstalled"),
    ],
)
def test_privacy(topic: str, name: str, kind: str) -> None:
    event = told(topic, name)
    assert event.kind == kind
    assert event.email == ("gino.verdi@example.com" if "customers" in name else "")


# --- what shops get wrong ----------------------------------------------------------------------


def test_carts_without_people_and_unknown_topics_are_nothing() -> None:
    raw = (SAMPLES / "carts_update.json").read_bytes()
    assert read(raw, {"X-Shopify-Topic": "carts/update"}) == []
    assert read(b"not json", {"X-Shopify-Topic": "products/create"}) == []
    assert read(b"{}", {}) == []


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"id=1&x=2", b"[" * 5_000])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(NotJson):
        read(raw, {"X-Shopify-Topic": "orders/create"})


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b"{}", b'{"id": null}', b'{"id": {"a": 1}}'])
def test_json_of_another_shape_is_nothing(raw: bytes) -> None:
    assert read(raw, {"X-Shopify-Topic": "orders/create"}) == []


def test_the_key_of_a_delivery_without_an_event_id() -> None:
    raw = (SAMPLES / "story_3_orders_create_recovered.json").read_bytes()
    keys = {
        read(body, {"x-shopify-topic": topic})[0].event_key
        for body, topic in (
            (raw, "orders/create"),
            (raw, "orders/paid"),
            (raw + b" ", "orders/create"),
        )
    }
    assert len(keys) == 3
    assert read(raw, {"x-shopify-topic": "orders/paid"})[0].event_key in keys


def test_a_time_without_a_zone_is_not_guessed() -> None:
    event = told("orders/create", {"id": 1, "updated_at": "2026-03-02 12:00:00"})
    assert event.occurred_at == datetime(2026, 3, 5, 8, 0, 0, 123456, tzinfo=UTC)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
TOPICS = (
    "checkouts/update",
    "orders/updated",
    "fulfillments/update",
    "refunds/create",
    "customers/update",
)


@given(st.sampled_from(TOPICS), st.data())
def test_any_shape_of_any_part_is_read_or_passed_over(topic: str, data: st.DataObject) -> None:
    name = {
        "checkouts/update": "story_1_checkout_update_abandoned",
        "orders/updated": "story_4_orders_fulfilled",
        "fulfillments/update": "fulfillments_create",
        "refunds/create": "refunds_create",
        "customers/update": "customers_create",
    }[topic]
    body = json.loads((SAMPLES / f"{name}.json").read_text())
    for key in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=4)):
        body[key] = data.draw(JSON)
    for event in read(json.dumps(body).encode(), {"X-Shopify-Topic": topic}):
        msgspec.convert(msgspec.to_builtins(event), ShopEvent)
        first_number(event.phones, event.country)
