"""Carts: the shop's time decides, and what was bought stays bought."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from store import carts, resolve, shops
from store.addresses import Address
from store.carts import Cart, Told
from store.database import Database

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)


class Shop:
    """One connection; `tell` and `order` are in minutes after `now`."""

    def __init__(self, db: Database, company: int, shop: int, contact: int, now: datetime) -> None:
        self.db, self.company, self.id, self.contact, self.now = db, company, shop, contact, now

    async def tell(self, key: str, minute: int, **told: Any) -> Cart:
        cart = Told(cart_key=key, changed_at=self.now + minute * MINUTE, **told)
        async with self.db.write() as tx:
            return await carts.upsert(tx, self.company, self.id, cart, self.now)

    async def order(self, minute: int, *keys: str, contact: int | None = None) -> list[str]:
        async with self.db.write() as tx:
            ended = await carts.mark_ordered(
                tx,
                self.company,
                order_key="o1",
                ordered_at=self.now + minute * MINUTE,
                now=self.now,
                connection_id=self.id,
                cart_keys=keys,
                contact_id=contact,
            )
        assert all(cart.status == "ordered" and cart.order_key == "o1" for cart in ended)
        return sorted(cart.cart_key for cart in ended)


@pytest.fixture
async def shop(db: Database, company: int, now: datetime) -> Shop:
    async with db.write() as tx:
        made = await shops.create(tx, company, "shopify", now, shop_secrets=["s1"], country="IT")
        assert await shops.find_by_key(tx, made.key) == made
        assert await shops.find_by_key(tx, "other") is None
        contact = await resolve.resolve(tx, company, [Address("phone", "+393331234567")], now=now)
    return Shop(db, company, made.id, contact, now)


async def test_a_cart_grows(shop: Shop) -> None:
    first = await shop.tell("c1", 0, total="10.00", currency="EUR", data={"items": [1]})
    assert (first.status, first.contact_id, first.created_at) == ("open", None, shop.now)
    later = await shop.tell("c1", 5, total="12.50", currency="EUR", contact_id=shop.contact)
    assert (later.id, later.total, later.contact_id) == (first.id, "12.50", shop.contact)
    assert (await shop.tell("c1", 6)).contact_id == shop.contact  # once known, not forgotten
    assert (await shop.tell("c2", 0)).id != first.id


async def test_older_news_change_nothing(shop: Shop) -> None:
    newer = await shop.tell("c1", 5, total="12.50")
    assert await shop.tell("c1", 4, total="1.00", emptied=True) == newer
    assert (await shop.tell("c1", 5, total="12.60")).total == "12.60"  # told again: the same moment


async def test_an_ordered_cart_never_opens_again(shop: Shop) -> None:
    await shop.tell("c1", 0)
    assert await shop.order(3, "c1") == ["c1"]
    assert (await shop.tell("c1", -1)).status == "ordered"
    assert (await shop.tell("c1", 9)).status == "ordered"
    assert (await shop.tell("c1", 10, emptied=True)).status == "ordered"
    assert await shop.order(3, "c1", contact=shop.contact) == []


async def test_an_abandoned_cart_stays_so_until_it_ends(shop: Shop) -> None:
    cart = await shop.tell("c1", 0)
    async with shop.db.write() as tx:
        await carts.mark_abandoned(tx, [cart.id], shop.now)
        await carts.mark_recovered(tx, [cart.id], shop.now)  # not ordered yet
    abandoned = await shop.tell("c1", 1, total="5.00")
    assert (abandoned.status, abandoned.abandoned_at) == ("abandoned", shop.now)
    assert (await shop.tell("c1", 2, emptied=True)).status == "emptied"
    assert (await shop.tell("c1", 3)).status == "open"
    assert await shop.order(4, "c1") == ["c1"]
    async with shop.db.write() as tx:
        await carts.mark_recovered(tx, [cart.id], shop.now)
    assert (await shop.tell("c1", 5)).status == "recovered"


async def test_an_order_ends_what_its_contact_began_before(shop: Shop) -> None:
    await shop.tell("before", 0, contact_id=shop.contact)
    await shop.tell("begun", 9, begun_at=shop.now + MINUTE, contact_id=shop.contact)
    await shop.tell("after", 7, contact_id=shop.contact)
    await shop.tell("anybody", 0)
    assert await shop.order(5, contact=shop.contact) == ["before", "begun"]
    async with shop.db.read() as tx:
        mine = await carts.of_contact(tx, shop.company, shop.contact)
    assert [(one.cart_key, one.status) for one in mine] == [
        ("begun", "ordered"),
        ("after", "open"),
        ("before", "ordered"),
    ]


async def test_an_order_of_nobody_we_know_ends_nothing(shop: Shop) -> None:
    await shop.tell("c1", 0)
    assert await shop.order(5, "", "other") == []


async def test_carts_expire(shop: Shop) -> None:
    await shop.tell("old", 0)
    shop.now += 10 * MINUTE
    await shop.tell("new", 0)
    await shop.tell("late", -60)  # the shop was slow to tell us: time counts from when we heard
    async with shop.db.write() as tx:
        assert await carts.expire(tx, shop.now - 5 * MINUTE, shop.now) == 1
    assert (await shop.tell("old", -11)).status == "expired"
    assert await shop.order(20, "old") == ["old"]  # late, but by its own key: it was bought


async def test_secrets_are_replaced_and_events_noted(shop: Shop, now: datetime) -> None:
    async with shop.db.write() as tx:
        await shops.set_secrets(tx, shop.company, shop.id, ["s2", "s1"])
        await shops.note_event(tx, shop.id, now)
        [found] = await shops.of_company(tx, shop.company)
    assert (found.secrets, found.last_event_at) == (["s2", "s1"], now)
