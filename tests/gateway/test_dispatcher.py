"""Messages leave once, in order, with their reasons; whatever breaks, none is lost or doubled."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Template, Text
from gateway.dispatcher import Dispatcher
from store import heartbeats, in_hand
from store.alerts import alerts
from store.contacts import contacts
from store.events import events
from store.messages import messages
from store.phones import company_days, phone_days, phones
from store.templates import templates
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio


async def test_sends_and_remembers_all_about_it(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    one = await house.queue(contact, run_id=7, seq=4, quoted_channel_id="wamid.question")
    assert await house.dispatcher().drain() == 1
    sent = await house.message(one)
    assert (sent.state, sent.channel_id, sent.phone_id) == ("sent", "wamid.1", house.phone)
    assert (sent.sent_at, sent.attempts, sent.claimed_by) == (NOON, 1, "gateway:test:1")
    assert any("only phone" in words for words in sent.why)
    assert await house.verdicts() == [(7, "sent", "")]
    assert house.meta.paths == ["/v24.0/1000/messages"]
    assert house.meta.tokens == ["Bearer token-1000"]
    body = house.meta.taken[0]
    assert body["biz_opaque_callback_data"] == str(one)
    assert body["context"] == {"message_id": "wamid.question"}
    [person] = await house.rows(contacts)
    assert (person.last_phone_id, body["to"]) == (house.phone, "391230000000")
    [phone] = await house.rows(phones)
    assert phone.last_sent_at == NOON
    assert [(d.sent, d.failed) for d in await house.rows(phone_days)] == [(1, 0)]
    assert [d.sent for d in await house.rows(company_days)] == [1]


async def test_not_before_it_is_due_and_not_while_the_engine_has_news(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    early = await house.queue(contact, due_at=NOON + timedelta(minutes=5))
    asked = await house.contact(wrote_minutes_ago=3)
    waiting = await house.queue(asked, run_id=7)
    by_hand = await house.contact(wrote_minutes_ago=3)
    person = await house.queue(by_hand, source="person")
    async with house.db.write() as tx:
        for one in (asked, by_hand):
            row = {"company_id": house.company, "contact_id": one, "kind": "shop", "data": {}}
            await tx.execute(sa.insert(events).values(**row, at=NOON, created_at=NOON))
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert house.meta.references() == [person]
    async with house.db.write() as tx:
        await tx.execute(sa.update(events).values(handled_at=NOON))
    await dispatcher.drain()
    assert house.meta.references() == [person, waiting]
    house.clock.go(minutes=5)
    await dispatcher.drain()
    assert house.meta.references() == [person, waiting, early]


async def test_advertising_waits_until_it_is_known_what_they_just_wrote(house: House) -> None:
    """It may have been “stop”; what was ordered by the API and is no advertising goes."""
    contact = await house.contact(wrote_minutes_ago=3)
    offer = await house.queue(contact, source="api", category="marketing", priority=2)
    code = await house.queue(contact, source="api", category="authentication", priority=1)
    async with house.db.write() as tx:
        row = {"company_id": house.company, "contact_id": contact, "kind": "replied", "data": {}}
        await tx.execute(sa.insert(events).values(**row, at=NOON, created_at=NOON))
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert house.meta.references() == [code]
    async with house.db.write() as tx:
        await tx.execute(sa.update(events).values(handled_at=NOON))
        await tx.execute(sa.update(contacts).values(consent="no"))
    await dispatcher.drain()
    assert (await house.message(offer)).state == "suppressed"


async def test_one_at_a_time_per_contact_and_in_order(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    mine = [await house.queue(contact, Text(str(n))) for n in range(5)]
    most, now_open = 0, 0

    async def slow(body: dict[str, Any]) -> Any:
        nonlocal most, now_open
        now_open += 1
        most = max(most, now_open)
        await asyncio.sleep(0.01)
        now_open -= 1
        return house.meta.accept(body)

    house.meta.answer = slow
    first, second = house.dispatcher("a"), house.dispatcher("b")
    while len(house.meta.taken) < 5:
        await asyncio.gather(first.drain(), second.drain())
    assert (house.meta.references(), most) == (mine, 1)


async def test_a_retry_keeps_its_place(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    mine = [await house.queue(contact, Text(str(n))) for n in range(2)]
    house.meta.refuse(131000, 500)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert house.meta.references() == mine[:1]
    house.meta.answer = house.meta.accept
    house.clock.go(minutes=1)
    await dispatcher.drain()
    assert house.meta.references() == [mine[0], *mine]


async def test_two_dispatchers_never_send_twice(house: House) -> None:
    people = [await house.contact(wrote_minutes_ago=3) for _ in range(20)]
    all_of_them = {await house.queue(one) for one in people for _ in range(2)}
    workers = [house.dispatcher(f"w{n}", throughput_per_s=10_000) for n in range(3)]
    while any(row.state == "queued" for row in await house.rows(messages)):
        await asyncio.gather(*(worker.drain() for worker in workers))
    assert Counter(house.meta.references()) == Counter(dict.fromkeys(all_of_them, 1))
    assert {row.state for row in await house.rows(messages)} == {"sent"}
    assert [d.sent for d in await house.rows(company_days)] == [40]
    assert [d.sent for d in await house.rows(phone_days)] == [40]


async def test_the_last_place_of_a_day_is_taken_once(house: House) -> None:
    await house.settings(daily_limit=5)
    for _ in range(12):
        await house.queue(await house.contact(wrote_minutes_ago=3))
    workers = [house.dispatcher(f"w{n}") for n in range(3)]
    await asyncio.gather(*(worker.drain() for worker in workers))
    await asyncio.gather(*(worker.drain() for worker in workers))
    assert len(house.meta.taken) == 5
    waiting = [row for row in await house.rows(messages) if row.state == "queued"]
    assert {row.due_at.isoformat() for row in waiting} == {"2026-11-18T23:00:00+00:00"}
    assert waiting[0].why == ["The company has sent its 5 messages for today."]


async def test_phone_limit_is_held_and_the_other_phone_helps(house: House) -> None:
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(daily_limit=2))
    await house.add_phone("2000", daily_limit=1)
    for _ in range(5):
        await house.queue(await house.contact(wrote_minutes_ago=30), priority=1)
    await house.dispatcher().drain()
    assert Counter(house.meta.paths) == {
        "/v24.0/1000/messages": 2,
        "/v24.0/2000/messages": 1,
    }
    await house.queue(await house.contact(wrote_minutes_ago=3))  # somebody waits for this one
    await house.dispatcher().drain()
    assert len(house.meta.paths) == 4


@pytest.mark.parametrize(
    ("code", "status", "state", "wait_s"),
    [
        (130429, 400, "queued", 1),
        (131056, 400, "queued", 4),
        (131000, 500, "queued", 5),
        (131053, 400, "queued", 30),
        (131026, 400, "failed", 0),
        (131047, 400, "failed", 0),
        (131049, 400, "failed", 0),
        (100, 400, "failed", 0),
        (132000, 400, "failed", 0),
        (999999, 400, "failed", 0),
        (190, 401, "queued", 2),
        (131048, 400, "queued", 60),
    ],
)
async def test_every_refusal_has_its_remedy(
    house: House, code: int, status: int, state: str, wait_s: int
) -> None:
    house.meta.refuse(code, status)
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    await house.dispatcher().drain()
    after = await house.message(one)
    assert (after.state, after.error_code) == (state, str(code))
    if state == "queued":
        assert wait_s <= (after.due_at - NOON).total_seconds() <= wait_s * 1.25
        assert await house.verdicts() == []
    else:
        assert await house.verdicts() == [(3, "failed", after.error_class)]
    assert [d.sent for d in await house.rows(company_days)] == [0]  # the place is given back
    assert [d.sent for d in await house.rows(phone_days)] == [0]


async def test_temporary_trouble_ends_after_some_attempts(house: House) -> None:
    house.meta.refuse(131016, 503)
    await house.add_phone("2000")  # the first will rest
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    dispatcher = house.dispatcher()
    for _ in range(12):
        await dispatcher.drain()
        house.clock.go(minutes=20)
    after = await house.message(one)
    assert (after.state, after.attempts, len(house.meta.taken)) == ("failed", 5, 5)
    assert await house.verdicts() == [(3, "failed", "temporary")]


async def test_failures_in_a_row_rest_the_phone_then_stop_it(house: House) -> None:
    house.meta.refuse(131000, 500)
    dispatcher = house.dispatcher()
    rests: list[float] = []
    for _ in range(8):
        await house.queue(await house.contact(wrote_minutes_ago=3))
        async with house.db.write() as tx:
            await tx.execute(sa.update(messages).where(messages.c.attempts > 0).values(state="x"))
        await dispatcher.drain()
        [phone] = await house.rows(phones)
        until = phone.breaker_until
        rests.append((until - house.clock()).total_seconds() / 60 if until else 0)
        house.clock.now = max(house.clock.now, until or house.clock.now)
    assert rests[:7] == [0, 0, 15, 15, 60, 60, 60]
    assert phone.status == "flagged"
    assert [row.kind for row in await house.rows(alerts)] == ["failures_in_row"]


async def test_a_stopped_number_hands_over_to_another(house: House) -> None:
    other = await house.add_phone("2000")
    one = await house.queue(await house.contact(wrote_minutes_ago=3, last_phone_id=house.phone))
    house.meta.answer = lambda body: (
        (401, {"error": {"code": 190, "message": "expired"}})
        if house.meta.paths[-1] == "/v24.0/1000/messages"
        else house.meta.accept(body)
    )
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    house.clock.go(minutes=2)
    await dispatcher.drain()
    after = await house.message(one)
    assert (after.state, after.phone_id) == ("sent", other)
    assert [row.status for row in await house.rows(phones)] == ["logged_out", "connected"]
    assert [(row.severity, row.kind) for row in await house.rows(alerts)] == [
        ("critical", "number_stopped")
    ]


async def test_whatsapp_says_they_want_no_marketing(house: House) -> None:
    house.meta.refuse(131050)
    contact = await house.contact(wrote_minutes_ago=3)
    await house.queue(contact, run_id=3)
    await house.dispatcher().drain()
    [person] = await house.rows(contacts)
    assert (person.consent, person.consent_at) == ("no", NOON)
    kinds = Counter(row.kind for row in await house.rows(events))
    assert kinds == {"consent": 1, "verdict": 1}


async def test_a_template_that_is_out_stops_everywhere(house: House) -> None:
    async with house.db.write() as tx:
        await tx.execute(
            sa.insert(templates).values(
                company_id=house.company,
                account_id="waba-1",
                name="cart",
                language="it",
                category="MARKETING",
                status="APPROVED",
                components=[],
                created_at=NOON,
                updated_at=NOON,
            )
        )
    house.meta.refuse(132015)
    first = await house.queue(await house.contact(), Template("cart", "it"), template="cart")
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert (await house.message(first)).state == "failed"
    second = await house.queue(await house.contact(), Template("cart", "it"), template="cart")
    await dispatcher.drain()
    assert len(house.meta.taken) == 1
    after = await house.message(second)
    assert (after.state, after.why) == ("failed", ["The template is paused at WhatsApp."])
    assert [row.kind for row in await house.rows(alerts)] == ["template:cart:it"]


async def test_nobody_listening_means_nothing_was_sent(house: House, free_port: int) -> None:
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(base_url=f"http://127.0.0.1:{free_port}"))
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    await house.dispatcher().drain()
    after = await house.message(one)
    assert (after.state, after.error_class) == ("queued", "unreachable")
    assert [row.failures_in_row for row in await house.rows(phones)] == [0]


async def test_answer_lost_after_acceptance_is_never_sent_again_blindly(house: House) -> None:
    house.meta.answer = lambda _body: None
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert (await house.message(one)).state == "unconfirmed"
    house.clock.go(minutes=14)
    await dispatcher.sweep()
    await dispatcher.drain()
    assert (await house.message(one)).state == "unconfirmed"
    assert await house.verdicts() == []
    house.clock.go(minutes=2)
    await dispatcher.sweep()
    after = await house.message(one)
    assert (after.state, after.sent_at, len(house.meta.taken)) == ("sent", NOON, 1)
    assert await house.verdicts() == [(3, "sent", "")]
    assert [row.kind for row in await house.rows(alerts)] == ["unconfirmed"]


async def test_a_company_may_want_it_sent_again(house: House) -> None:
    await house.settings(unconfirmed_rule="send_again")
    house.meta.answer = lambda _body: None
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    dispatcher = house.dispatcher()
    for _ in range(6):
        await dispatcher.drain()
        house.clock.go(minutes=16)
        await dispatcher.sweep()
    after = await house.message(one)
    assert (after.state, len(house.meta.taken)) == ("sent", 3)  # three attempts, then enough


async def test_crash_between_claim_and_send(house: House) -> None:
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    crashed = house.dispatcher("gateway:test:1")
    claimed = await crashed.claim()
    assert len(claimed.parcels) == 1
    assert (await house.message(one)).state == "sending"
    reborn = house.dispatcher("gateway:test:1")  # the same name: it takes its own leftovers over
    assert await reborn.sweep() == 1
    await reborn.drain()
    after = await house.message(one)
    assert (after.state, house.meta.taken) == ("unconfirmed", [])


async def test_a_live_worker_is_left_alone_a_dead_one_is_not(house: House) -> None:
    from datetime import UTC, datetime

    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    busy = house.dispatcher("gateway:busy:1")
    await busy.claim()
    async with house.db.write() as tx:
        at = datetime.now(UTC)
        await heartbeats.beat(tx, "gateway:busy:1", 1, at, at)
    other = house.dispatcher("gateway:other:2")
    assert await busy.sweep() == 0
    assert await other.sweep() == 0
    assert (await house.message(one)).state == "sending"
    house.clock.go(seconds=61)  # longer than any request takes
    assert await other.sweep() == 1
    assert (await house.message(one)).state == "unconfirmed"


async def test_nothing_is_sent_again_because_somebody_moved_the_clock(house: House) -> None:
    await house.settings(unconfirmed_rule="send_again")
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    earlier = await house.queue(
        await house.contact(), state="unconfirmed", claimed_at=NOON, claimed_by="gone", attempts=3
    )
    busy, other = house.dispatcher("busy"), house.dispatcher("other")
    claimed = await busy.claim()
    house.clock.go(hours=1)
    await other.sweep()
    await other.drain()
    await busy.deliver(claimed.parcels)
    assert house.meta.references() == [one]
    assert [(await house.message(of)).state for of in (one, earlier)] == ["sent", "sent"]


async def test_an_answer_that_comes_after_the_sweep_still_counts(house: House) -> None:
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    slow, other = house.dispatcher("slow"), house.dispatcher("other")
    claimed = await slow.claim()
    assert await other.sweep() == 1
    await slow.deliver(claimed.parcels)
    assert (await house.message(one)).state == "sent"
    assert await house.verdicts() == [(3, "sent", "")]


async def test_results_wait_for_a_database_that_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    dispatcher = house.dispatcher()
    claimed = await dispatcher.claim()
    really, tries = in_hand.find, 0

    async def away(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionError("the database is away")
        return await really(*args)

    monkeypatch.setattr("gateway.dispatcher.PAUSES_S", (0.0,))
    monkeypatch.setattr(in_hand, "find", away)
    await dispatcher.deliver(claimed.parcels)
    assert ((await house.message(one)).state, tries) == ("sent", 3)
    assert len(house.meta.taken) == 1


async def test_cancelled_in_the_middle_it_says_what_it_knows(house: House) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang(_body: dict[str, Any]) -> Any:
        reached.set()
        await never.wait()

    house.meta.answer = hang
    first = await house.queue(await house.contact(wrote_minutes_ago=3))
    second = await house.queue(await house.contact(wrote_minutes_ago=3))
    dispatcher = house.dispatcher(concurrency=1)
    claimed = await dispatcher.claim()
    task = asyncio.create_task(dispatcher.deliver(claimed.parcels))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await house.message(first)).state == "unconfirmed"
    assert (await house.message(second)).state == "queued"  # it never left
    assert dispatcher.in_flight == set()


async def test_a_phone_sends_no_faster_than_it_may(house: House) -> None:
    for _ in range(6):
        await house.queue(await house.contact(wrote_minutes_ago=3))
    dispatcher = house.dispatcher(throughput_per_s=3)
    claimed = await dispatcher.claim()
    assert (len(claimed.parcels), claimed.held_up) == (3, True)
    assert sum(row.state == "queued" for row in await house.rows(messages)) == 3


async def test_companies_share_the_gateway(house: House) -> None:
    for _ in range(30):
        await house.queue(await house.contact(wrote_minutes_ago=3))
    big = house.company
    house.clock.go(seconds=1)
    await house.build_another("2000")
    for _ in range(3):
        await house.queue(await house.contact(wrote_minutes_ago=3))
    claimed = await house.dispatcher().claim(room=10)
    shares = Counter(parcel.queued.company_id for parcel in claimed.parcels)
    assert (shares[big], shares[house.company]) == (5, 3)


async def test_ids_given_out_twice_do_not_stop_anything(house: House) -> None:
    house.meta.answer = lambda _body: (200, {"messages": [{"id": "wamid.same"}]})
    mine = [await house.queue(await house.contact(wrote_minutes_ago=3)) for _ in range(3)]
    await house.dispatcher().drain()
    assert [(await house.message(one)).state for one in mine] == ["sent"] * 3


async def test_whatsapps_own_form_of_a_number_is_kept(house: House) -> None:
    from store import addresses
    from store.contacts import contact_addresses

    contact = await house.contact(wrote_minutes_ago=3)
    async with house.db.write() as tx:
        await tx.execute(sa.delete(contact_addresses))
        phone = addresses.Address("phone", "+5511987654321")
        key = (phone.space, phone.key)
        await addresses.add(tx, house.company, {key: contact}, {key: phone}, NOON)
    house.meta.answer = lambda _body: (
        200, {"contacts": [{"wa_id": "551187654321"}], "messages": [{"id": "wamid.1"}]},
    )  # fmt: skip
    await house.queue(contact)
    await house.dispatcher().drain()
    [address] = await house.rows(contact_addresses)
    assert (address.kind, address.value) == ("wa_id", "551187654321")


async def test_given_up_messages_tell_their_run(house: House) -> None:
    stopped = await house.contact(consent="no")
    cold = await house.contact()
    late = await house.contact(wrote_minutes_ago=3)
    await house.queue(stopped, run_id=1)
    await house.queue(cold, run_id=2)
    await house.queue(late, run_id=3, expires_at=NOON)
    odd = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=4)
    async with house.db.write() as tx:
        nonsense = sa.update(messages).where(messages.c.id == odd)
        await tx.execute(nonsense.values(content={"type": "nonsense"}))
    dispatcher: Dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert sorted(await house.verdicts()) == [
        (1, "suppressed", "opted_out"),
        (2, "failed", "window_closed"),
        (3, "expired", "expired"),
        (4, "failed", "our_request"),
    ]
    assert house.meta.taken == []


async def test_reasons_add_up(house: House) -> None:
    contact = await house.contact()
    house.clock.now = NOON.replace(hour=22)  # 23:00 in Rome
    one = await house.queue(contact, Template("news", "it"), priority=2, category="marketing")
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    after = await house.message(one)
    assert (after.state, after.due_at) == ("queued", NOON.replace(hour=8) + timedelta(days=1))
    house.clock.now = after.due_at
    await dispatcher.drain()
    after = await house.message(one)
    assert after.state == "sent"
    assert after.why == [
        "It is outside the sending hours for this contact (Europe/Rome).",
        "Phone 1000 is the only phone that can send now.",
    ]
