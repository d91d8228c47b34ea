"""Pages of phones: how they fare, the levers, adding and pairing one, and who may."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec import structs

from store import alerts, phone_care, phones
from store.companies import CompanySettings
from store.house import HouseSettings, rules_for
from store.phone_care import Fared, PhoneCard
from store.phones import phone_days, phone_hours
from tests.web.conftest import NOW, House
from web.app import create_app
from web.phones.pairing import draw, pairing_of
from web.phones.view import view

pytestmark = pytest.mark.anyio
RULES = rules_for(CompanySettings(), HouseSettings())
FORM = {
    "name": "Shop",
    "phone_number_id": "100000000000009",
    "account_id": "200000000000002",
    "token": "EAAtoken",
    "app_secret": "secret",
}


async def the_phone(house: House, **told: Any) -> PhoneCard:
    """The first company's phone, changed."""
    async with house.web.database.write() as tx:
        [card] = await phone_care.cards(tx, house.company)
        if told:
            await tx.execute(sa.update(phones.phones).values(**told))
        return await phone_care.get(tx, house.company, card.id)


@asynccontextmanager
async def whatsapp(status: int, told: Any) -> AsyncIterator[str]:
    """Something that answers every question alike, at the address it gives."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def asks(house: House, address: str) -> None:
    """Let the pages ask that address instead of WhatsApp's."""
    house.web = replace(house.web, cloud_api_url=address)
    house.app = create_app(house.web)


async def test_a_phone_shows_how_it_fares(both_houses: House) -> None:
    house = both_houses
    card = await the_phone(house, quality="YELLOW", failures_in_row=2, messaging_limit=2000)
    async with house.web.database.write() as tx:
        day = {"phone_id": card.id, "failed": 1, "delivered": 30, "answered": 9}
        await tx.execute(
            sa.insert(phone_days),
            [
                day | {"day": NOW.date(), "sent": 34},
                day | {"day": NOW.date() - timedelta(days=6), "sent": 100},
                day | {"day": NOW.date() - timedelta(days=7), "sent": 1000},
            ],
        )
        hour = {"phone_id": card.id, "sent": 5}
        await tx.execute(
            sa.insert(phone_hours),
            [
                hour | {"hour": NOW, "opened": 3},
                hour | {"hour": NOW - timedelta(days=2), "opened": 40},
            ],
        )
        await alerts.raise_once(
            tx, house.company, "critical", "x", "Its token ended.", NOW, phone_id=card.id
        )
        found = await phone_care.fared(tx, [card.id, 99], NOW.date(), NOW)
    assert found[99] == Fared()
    assert found[card.id] == Fared(
        sent=34,
        failed=1,
        this_hour=5,
        people_24h=3,
        people_7d=43,
        sent_7d=134,
        failed_7d=2,
        delivered_7d=60,
        answered_7d=18,
    )
    client = await house.signed_in("admin")
    listed = (await client.get("/phones")).text
    assert "Medium" in listed
    page = (await client.get(f"/phones/{card.id}")).text
    for said in ("Its token ended.", "34", "43", "134", "Cloud API", "Drain", "Pause"):
        assert said in page, said
    # Its receipts are not counted: no zero is told about what nobody counts.
    assert all(said not in page for said in ("Delivered", "Answered", "Last receipt"))
    assert "secret" not in page.replace("app_secret", "").replace("App secret", "").lower()


async def test_pausing_draining_and_resuming_are_safe_to_repeat(both_houses: House) -> None:
    house = both_houses
    card = await the_phone(house)
    client = await house.signed_in("admin")
    for method, resource, status in (
        *[("PUT", "draining", "draining")] * 2,
        *[("PUT", "paused", "paused")] * 2,
        *[("DELETE", "paused", "connected")] * 2,
        *[("DELETE", "draining", "connected")] * 2,
    ):
        answer = await client.request(method, f"/phones/{card.id}/{resource}")
        assert answer.status_code == 200
        assert (await the_phone(house)).status == status


async def test_a_phone_that_cannot_send_is_not_hidden_by_a_pause(house: House) -> None:
    card = await the_phone(house, status="banned", status_why="WhatsApp says so")
    client = await house.signed_in("admin")
    answer = await client.put(f"/phones/{card.id}/paused")
    assert "Nothing was changed, because the phone is banned." in answer.text
    assert (await the_phone(house)).status == "banned"
    assert "Reconnect" in answer.text
    told = {"failures_in_row": 8, "breaker_until": NOW + timedelta(days=1)}
    await the_phone(house, **told)
    answer = await client.put(f"/phones/{card.id}/reconnected")
    assert "It sends again." in answer.text
    back = await the_phone(house)
    assert (back.status, back.status_why, back.failures_in_row) == ("connected", "", 0)
    assert back.breaker_until is None


async def test_campaigns_rest_and_are_sent_again_knowingly(house: House) -> None:
    card = await the_phone(house)
    client = await house.signed_in("admin")
    address = f"/phones/{card.id}/campaigns-rest"
    rested = await client.put(address)
    assert "Its campaigns rest for 7 days." in rested.text
    assert (await the_phone(house)).campaigns_rest_until == NOW + timedelta(days=7)
    refused = await client.delete(address)
    assert refused.status_code == 422
    assert "tick that you know the risk" in refused.text
    assert (await the_phone(house)).campaigns_rest_until is not None
    async with house.web.database.write() as tx:
        for kind in ("campaigns_rest", "low_quality"):
            await alerts.raise_once(tx, house.company, "critical", kind, "", NOW, phone_id=card.id)
    for _ in range(2):
        lifted = await client.delete(f"{address}?knowing=yes")
        assert lifted.status_code == 200
    async with house.web.database.read() as tx:
        assert [one.kind for one in await alerts.page(tx, house.company)] == ["low_quality"]
    assert (await the_phone(house)).campaigns_rest_until is None


async def test_limits_are_checked_at_their_fields(house: House) -> None:
    card = await the_phone(house)
    client = await house.signed_in("admin")
    address = f"/phones/{card.id}/limits"
    good = {"name": "Outlet", "daily_limit": "1,500", "hourly_limit": ""}
    for field, value in (
        ("name", ""),
        ("name", "x" * 61),
        ("daily_limit", "0"),
        ("daily_limit", "many"),
        ("daily_limit", "²"),
        ("hourly_limit", "9" * 30),
    ):
        wrong = await client.put(address, data=good | {field: value})
        assert wrong.status_code == 422, (field, value)
        assert 'role="alert"' in wrong.text
    assert (await client.put(address, data=good)).status_code == 200
    saved = await the_phone(house)
    assert (saved.name, saved.daily_limit, saved.hourly_limit) == ("Outlet", 1500, None)


async def test_a_number_is_asked_about_before_it_is_kept(house: House) -> None:
    known = {"display_phone_number": "+39 06 5550 0100", "quality_rating": "GREEN"}
    async with whatsapp(200, known) as address:
        await asks(house, address)
        client = await house.signed_in("admin")
        for field in FORM:
            wrong = await client.post(
                "/phones", data=FORM | {field: "" if field != "token" else "é"}
            )
            assert wrong.status_code == 422, field
            assert "EAAtoken" not in wrong.text
        made = await client.post("/phones", data=FORM)
        assert made.status_code == 303
        again = await client.post("/phones", data=FORM)
        assert "This number is connected already." in again.text
    page = (await client.get(made.headers["location"])).text
    assert "+390655500100" in page
    [row] = await house.rows(
        sa.select(phones.phones).where(phones.phones.c.remote_id == FORM["phone_number_id"])
    )
    assert (row.company_id, row.quality, row.status) == (house.company, "GREEN", "connected")
    assert row.credentials == {"token": "EAAtoken", "app_secret": "secret"}


@pytest.mark.parametrize(
    ("status", "told", "said"),
    [
        (401, {"error": {"code": 190, "message": "Expired"}}, "token has ended"),
        (400, {"error": {"code": 100, "message": "No"}}, "does not know this phone number id"),
        (404, {}, "does not know this number"),
        (200, [], "cannot be read"),
    ],
)
async def test_refusals_of_whatsapp_are_told_in_words(
    house: House, status: int, told: Any, said: str
) -> None:
    async with whatsapp(status, told) as address:
        await asks(house, address)
        client = await house.signed_in("admin")
        answer = await client.post("/phones", data=FORM)
    assert answer.status_code == 422
    assert said in answer.text


async def test_without_an_answer_it_can_be_connected_all_the_same(
    house: House, free_port: int
) -> None:
    await asks(house, f"http://127.0.0.1:{free_port}")
    client = await house.signed_in("admin")
    answer = await client.post("/phones", data=FORM)
    assert answer.status_code == 422
    assert "Connect it although nobody could be asked" in answer.text
    made = await client.post("/phones", data=FORM | {"unasked": "yes"})
    assert made.status_code == 303


async def test_a_new_token_is_tried_before_it_is_kept(house: House) -> None:
    card = await the_phone(house, status="flagged", status_why="The token ended")
    address = f"/phones/{card.id}/credentials"
    async with whatsapp(401, {"error": {"code": 190, "message": "No"}}) as at:
        await asks(house, at)
        client = await house.signed_in("admin")
        refused = await client.put(address, data={"token": "bad"})
        assert refused.status_code == 422
        assert "The old token is kept." in refused.text
    async with whatsapp(200, {"display_phone_number": "+39 02 12345678"}) as at:
        await asks(house, at)
        client = await house.signed_in("admin")
        assert (await client.put(address, data={"token": "good"})).status_code == 303
    [row] = await house.rows(sa.select(phones.phones))
    assert row.credentials == {"token": "good", "app_secret": "app-secret-of-tests"}
    assert row.status == "connected"


async def linked(house: House, **told: Any) -> int:
    async with house.web.database.write() as tx:
        return await phones.create(
            tx, house.company, "neonize", NOW, name="Till", **({"status": "pairing"} | told)
        )


async def test_a_linked_device_is_named_at_ones_own_risk(house: House) -> None:
    client = await house.signed_in("admin")
    refused = await client.post("/phones/linked", data={"linked_name": "Till"})
    assert "Tick that you know the risk." in refused.text
    made = await client.post("/phones/linked", data={"linked_name": "Till", "knowing": "yes"})
    assert made.status_code == 303
    page = (await client.get(made.headers["location"])).text
    assert "Asking WhatsApp for a code" in page
    assert "every 2s" in page
    [row] = await house.rows(sa.select(phones.phones).where(phones.phones.c.kind == "neonize"))
    assert (row.status, row.wanted) == ("pairing", "pair")


async def test_the_code_is_drawn_counted_down_and_renewed(house: House) -> None:
    until = (NOW + timedelta(seconds=14)).isoformat()
    told = {"state": "waiting_qr", "qr": "2@abc,def", "until": until}
    made = await linked(house, pairing=told)
    client = await house.signed_in("admin")
    state = (await client.get(f"/phones/{made}/pair/state")).text
    assert "<svg" in state
    assert "Good for 14 s" in state
    assert "2@abc" not in state
    typed = await client.put(
        f"/phones/{made}/pairing", data={"by": "code", "number": "+39 333 1234567"}
    )
    assert "Asking WhatsApp" in typed.text
    [row] = await house.rows(sa.select(phones.phones).where(phones.phones.c.id == made))
    assert (row.wanted, row.pairing) == ("pair_code:393331234567", None)
    wrong = await client.put(f"/phones/{made}/pairing", data={"by": "code", "number": "?"})
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"pairing": None, "wanted": "pair"}, "asking"),
        ({"pairing": {"state": "failed", "why": "Old."}, "wanted": "pair"}, "asking"),
        ({"pairing": {"state": "scanned"}, "wanted": None}, "scanned"),
        ({"pairing": {"state": "waiting_code", "code": "ABCD-EFGH"}}, "waiting_code"),
        ({"pairing": {"state": "failed", "why": "Old."}, "wanted": None}, "failed"),
        ({"pairing": None, "wanted": None, "status": "connected"}, "connected"),
        ({"pairing": None, "wanted": None, "status_why": "No library."}, "failed"),
        ({"pairing": {"until": "x"}, "wanted": None}, "asking"),
    ],
)
async def test_how_far_pairing_is(house: House, told: dict[str, Any], state: str) -> None:
    card = structs.replace(await the_phone(house), kind="neonize", status="pairing")
    found = pairing_of(structs.replace(card, **told), NOW)
    assert found.state == state
    assert found.over == (state in ("connected", "failed"))


def test_no_code_is_too_long_to_be_drawn() -> None:
    assert "<svg" in draw("x" * 1500)
    assert draw("x" * 3000) == ""


async def test_a_cloud_number_is_neither_paired_nor_logged_out(house: House) -> None:
    card = await the_phone(house)
    client = await house.signed_in("admin")
    assert (await client.get(f"/phones/{card.id}/pair")).status_code == 409
    assert (await client.put(f"/phones/{card.id}/pairing")).status_code == 409
    assert "Only linked devices" in (await client.put(f"/phones/{card.id}/logged-out")).text
    device = await linked(house, status="connected")
    assert "being logged out" in (await client.put(f"/phones/{device}/logged-out")).text
    [row] = await house.rows(sa.select(phones.phones.c.wanted).where(phones.phones.c.id == device))
    assert row.wanted == "log_out"
    assert (await client.put(f"/phones/{device}/credentials")).status_code == 409


async def test_only_admins_of_the_company_touch_phones(house: House) -> None:
    card = await the_phone(house)
    calls = [
        ("GET", "/phones/new"),
        ("POST", "/phones"),
        ("POST", "/phones/linked"),
        ("GET", f"/phones/{card.id}"),
        ("GET", f"/phones/{card.id}/pair"),
        ("GET", f"/phones/{card.id}/pair/state"),
        *[
            ("PUT", f"/phones/{card.id}/{one}")
            for one in (
                *("paused", "draining", "limits", "campaigns-rest", "reconnected"),
                *("logged-out", "pairing", "credentials"),
            )
        ],
        *[
            ("DELETE", f"/phones/{card.id}/{one}")
            for one in ("paused", "draining", "campaigns-rest?knowing=yes")
        ],
    ]
    editor = await house.signed_in("editor")
    other = await house.signed_in("owner", "b")
    good = {"name": "x", "daily_limit": "1", "hourly_limit": "1", "token": "x"}
    for method, address in calls:
        assert (await editor.request(method, address)).status_code == 403, address
        if str(card.id) in address.split("/"):
            data = good if method == "PUT" else None
            answer = await other.request(method, address, data=data)
            assert answer.status_code == 404, address
    after = await the_phone(house)
    assert after == card


def card_of(**told: Any) -> PhoneCard:
    plain: dict[str, Any] = dict.fromkeys(PhoneCard.__struct_fields__)
    plain |= {"id": 1, "name": "Shop", "kind": "cloud_api", "status": "connected", "number": ""}
    plain |= {"status_why": "", "failures_in_row": 0, "quality": "GREEN", "unreceipted": 0}
    return structs.replace(PhoneCard(**(plain | {"added_at": NOW - timedelta(days=60)})), **told)


def test_a_young_linked_device_is_told_its_cap() -> None:
    young = card_of(kind="neonize", paired_at=NOW - timedelta(days=1))
    shown = view(young, Fared(sent=20, this_hour=4), RULES, NOW)
    assert (shown.today.used, shown.today.limit, shown.today.full) == (20, 20, True)
    assert shown.today.said == "by its age"
    assert shown.hint.startswith("Day 2 of this phone: 20 a day")
    assert [cap.what for cap in shown.caps][1:] == ["Messages this hour", "New people today"]


def test_a_linked_device_that_few_people_answer_is_halved() -> None:
    old = card_of(kind="neonize", paired_at=NOW - timedelta(days=200), daily_limit=100)
    assert view(old, Fared(), RULES, NOW).today.said == "its own limit"
    few = view(old, Fared(sent_7d=200, answered_7d=3), RULES, NOW).today
    assert (few.limit, few.said) == (50, "half, because few people answer")
    woke = view(structs.replace(old, daily_limit=None, woke_at=NOW), Fared(), RULES, NOW).today
    assert woke.said == "less after its silence"


def test_a_cloud_number_counts_people() -> None:
    shown = view(card_of(messaging_limit=2000), Fared(people_24h=40), RULES, NOW, people=90)
    assert (shown.caps[1].used, shown.caps[1].limit) == (90, 2000)
    assert shown.caps[1].said == "WhatsApp’s limit"
    assert shown.today.limit is None
    new = card_of(added_at=NOW, messaging_limit=2000)
    assert view(new, Fared(), RULES, NOW).caps[1].limit == 250


def test_the_next_free_moment_is_the_last_of_all_rests() -> None:
    later = NOW + timedelta(hours=1)
    resting = card_of(gap_until=NOW + timedelta(minutes=1), breaker_until=later)
    shown = view(resting, Fared(), RULES, NOW)
    assert shown.free_at == later
    assert len(shown.rests) == 2
    assert view(card_of(paused_until=NOW), Fared(), RULES, NOW).free_at is None
