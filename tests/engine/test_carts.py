"""The life of a cart, from a real Shopify payload to the end of its series."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from store.carts import cart_starts, carts
from tests.engine.conftest import House

pytestmark = pytest.mark.anyio

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"
CHECKOUT_AT = datetime(2026, 3, 2, 10, 21, 30, tzinfo=UTC)


def sample(name: str, **changes: Any) -> bytes:
    return json.dumps(json.loads((SAMPLES / f"{name}.json").read_text()) | changes).encode()


def series(wait: str = "30m") -> dict[str, Any]:
    return {
        "name": "Cart",
        "triggers": {"cart": {"type": "shop", "on": "cart.abandoned", "wait": wait}},
        "exit_rules": [{"on": "order.created"}, {"on": "cart.recovered"}],
        "start": "remind",
        "steps": {
            "remind": {
                "type": "send_template",
                "template": "cart_reminder",
                "language": "en",
                "body": ["{{ contact.first_name }}", "{{ cart.total }} {{ cart.currency }}"],
                "next": {"sent": "wait"},
            },
            "wait": {"type": "delay", "duration": "1d", "next": {"after": "again"}},
            "again": {
                "type": "send_template",
                "template": "cart_reminder",
                "language": "en",
                "body": ["again", "{{ cart.total }}"],
                "next": {"sent": "end"},
            },
            "end": {"type": "end"},
        },
    }


@pytest.fixture(autouse=True)
def at_the_checkout(house: House) -> None:
    house.now = CHECKOUT_AT


async def test_an_abandoned_cart_becomes_a_message_after_the_wait(house: House) -> None:
    await house.live(series())
    assert await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned")) == 1
    await house.later(minutes=29)
    assert await house.texts() == []
    await house.later(minutes=1)
    assert await house.texts() == ["[cart_reminder] Gino · 64.00 GBP"]
    await house.later(minutes=5)
    assert len(await house.texts()) == 1
    assert list(await house.all(sa.select(carts.c.status))) == ["abandoned"]


async def test_an_order_before_the_wait_is_over_means_nothing_is_sent(house: House) -> None:
    await house.live(series())
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"))
    await house.later(minutes=10)
    await house.shopify("orders/create", sample("story_3_orders_create_recovered"))
    await house.later(hours=48)
    assert await house.texts() == []


async def test_an_order_recalls_a_reminder_that_is_still_queued(house: House) -> None:
    await house.live(series())
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"))
    await house.later(minutes=30)
    assert len(await house.texts()) == 1
    await house.shopify("orders/create", sample("story_3_orders_create_recovered"))
    assert await house.texts() == []
    assert (await house.run()).status == "stopped"
    assert list(await house.all(sa.select(carts.c.status))) == ["recovered"]


async def test_a_completed_checkout_ends_the_series_before_its_order_comes(house: House) -> None:
    await house.live(series())
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"))
    await house.later(minutes=30)
    await house.verdicts()
    await house.shopify("checkouts/update", sample("story_2_checkout_update_completed"), "2")
    assert (await house.run()).status == "stopped"
    await house.later(hours=48)
    assert len(await house.texts()) == 1


async def test_an_order_that_comes_before_its_checkout_closes_it(house: House) -> None:
    await house.live(series())
    await house.shopify("orders/create", sample("story_3_orders_create_recovered"))
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"))
    await house.later(hours=2)
    assert await house.texts() == []


async def test_the_same_delivery_twice_starts_once(house: House) -> None:
    await house.live(series())
    raw = sample("story_1_checkout_update_abandoned")
    assert await house.shopify("checkouts/update", raw, "e1") == 1
    assert await house.shopify("checkouts/update", raw, "e1") == 0
    await house.later(minutes=30)
    assert await house.shopify("checkouts/update", raw, "e1") == 0
    await house.later(minutes=30)
    assert len(await house.texts()) == 1


async def test_a_change_moves_the_time_and_older_news_do_not(house: House) -> None:
    await house.live(series())
    newer = sample("story_1_checkout_update_abandoned", updated_at="2026-03-02T10:40:00+00:00")
    await house.shopify("checkouts/update", newer, "new")
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"), "old")
    await house.later(minutes=30)
    assert await house.texts() == []
    await house.later(minutes=19)
    assert len(await house.texts()) == 1


async def test_three_checkouts_of_one_buyer_are_one_series_about_the_newest(house: House) -> None:
    await house.live(series())
    for number, minute in enumerate(("21", "25", "23")):
        raw = sample(
            "story_1_checkout_update_abandoned",
            token=f"token{number}",
            total_price=f"{number}.00",
            updated_at=f"2026-03-02T10:{minute}:00+00:00",
        )
        await house.shopify("checkouts/update", raw, f"e{number}")
    await house.later(hours=3)
    assert await house.texts() == ["[cart_reminder] Gino · 1.00 GBP"]
    assert len(await house.all(sa.select(cart_starts.c.id))) == 1


async def test_a_shorter_wait_counts_for_carts_that_wait_already(house: House) -> None:
    from store import automations

    automation = await house.live(series("2h"))
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"))
    await house.later(minutes=5)
    assert await house.texts() == []
    async with house.database.write() as tx:
        await automations.save_draft(tx, house.company, automation, series("1m"), house.now)
        await automations.publish(tx, house.company, automation, None, "", house.now)
    await house.later(seconds=1)
    assert len(await house.texts()) == 1


async def test_an_emptied_cart_and_one_without_a_number_start_nothing(house: House) -> None:
    await house.live(series())
    nobody: dict[str, Any] = {"phone": None, "shipping_address": None, "billing_address": None}
    nobody["customer"] = None
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned", **nobody))
    await house.later(hours=1)
    empty = sample("story_1_checkout_update_abandoned", token="other", line_items=[])
    await house.shopify("checkouts/update", empty, "e2")
    await house.later(hours=1)
    assert await house.texts() == []


async def test_a_test_order_is_ignored(house: House) -> None:
    await house.live(series())
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"))
    await house.shopify("orders/create", sample("story_3_orders_create_recovered", test=True))
    await house.later(minutes=30)
    assert len(await house.texts()) == 1


async def test_a_minimum_total_keeps_small_carts_out(house: House) -> None:
    document = series()
    document["triggers"]["cart"]["minimum_total"] = "100.00"
    await house.live(document)
    await house.shopify("checkouts/update", sample("story_1_checkout_update_abandoned"))
    await house.later(hours=1)
    assert await house.texts() == []


async def test_a_parcel_that_names_nobody_reaches_whose_order_it_was(house: House) -> None:
    document = series()
    document["triggers"] = {"sent": {"type": "shop", "on": "order.delivered"}}
    await house.live(document)
    await house.shopify("orders/create", sample("story_3_orders_create_recovered"))
    arrived = json.dumps({"order_id": 820982911946154509, "status": "delivered"}).encode()
    await house.shopify("fulfillment_events/create", arrived)
    assert (await house.run()).trigger == "sent"
