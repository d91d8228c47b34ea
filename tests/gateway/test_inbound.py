"""Webhooks become rows once, in any order, and only when they were signed by the phone's app."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.content import Tap, Text
from flows.events import Event, Replied
from gateway.channels.cloud_api import parse
from gateway.inbound import TakenIn, take_in
from store.alerts import alerts
from store.contacts import contact_addresses, contacts
from store.events import events
from store.messages import messages
from store.phones import phones
from store.templates import templates
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio
AT = int(NOON.timestamp())


def change(value: dict[str, Any], field: str = "messages", phone: str = "1000") -> dict[str, Any]:
    metadata = {"display_phone_number": "39", "phone_number_id": phone}
    return {"field": field, "value": {"metadata": metadata, **value}}


def post(*changes: dict[str, Any]) -> bytes:
    return json.dumps({"entry": [{"id": "waba-1", "changes": list(changes)}]}).encode()


def text(wamid: str, words: str = "Hi", **more: Any) -> dict[str, Any]:
    return {
        "from": "393331112223",
        "id": wamid,
        "timestamp": str(AT),
        "type": "text",
        "text": {"body": words},
    } | more


def status(wamid: str, state: str, reference: int = 0, more: Any = None) -> dict[str, Any]:
    told = {"id": wamid, "status": state, "timestamp": str(AT), "recipient_id": "39"}
    if reference:
        told["biz_opaque_callback_data"] = str(reference)
    return told | (more or {})


ERROR = {"errors": [{"code": 131026, "title": "Undeliverable"}]}


async def tell(house: House, raw: bytes, secret: str = "app-secret") -> TakenIn:
    async with house.db.write() as tx:
        return await take_in(tx, parse(raw), app_secret=secret, now=house.clock())


async def test_a_message_becomes_contact_row_and_event(house: House) -> None:
    house.clock.go(seconds=2)
    profile = {"contacts": [{"profile": {"name": "Ada"}, "wa_id": "393331112223"}]}
    quoting = text("wamid.a", context={"id": "wamid.q"})
    done = await tell(house, post(change(profile | {"messages": [quoting]})))
    assert (done.messages, done.events, done.companies) == (1, 1, frozenset({house.company}))
    [person] = await house.rows(contacts)
    assert (person.name, person.last_inbound_at, person.last_phone_id) == ("Ada", NOON, house.phone)
    [row] = await house.rows(messages)
    assert (row.direction, row.state, row.preview) == ("in", "received", "Hi")
    assert (row.channel_id, row.quoted_channel_id) == ("wamid.a", "wamid.q")
    [event] = await house.rows(events)
    assert (event.kind, event.source_id) == ("replied", "in:wamid.a")
    happened: Any = msgspec.convert(event.data, Event)
    assert happened == Replied("Hi", Text("Hi"), row.id, "wamid.q")


async def test_duplicates_do_their_work_once(house: House) -> None:
    raw = post(change({"messages": [text("wamid.a"), text("wamid.a"), text("wamid.b")]}))
    await asyncio.gather(*(tell(house, raw) for _ in range(4)))
    await tell(house, raw)
    found = Counter(row.channel_id for row in await house.rows(messages))
    assert found == {"wamid.a": 1, "wamid.b": 1}
    assert len(await house.rows(events)) == 2
    assert len(await house.rows(contacts)) == 1


async def test_only_what_the_phones_own_app_signed_is_believed(house: House) -> None:
    raw = post(change({"messages": [text("wamid.a")]}))
    assert (await tell(house, raw, "another-secret")).ignored == 1
    assert (await tell(house, raw, "")).ignored == 1
    unknown = post(change({"messages": [text("wamid.b")]}, phone="9999"))
    assert (await tell(house, unknown)).ignored == 1
    assert await house.rows(messages) == []
    # an account of somebody else cannot be stopped with our signature
    other = json.dumps(
        {"entry": [{"id": "waba-9", "changes": [{"field": "account_update", "value": {}}]}]}
    )
    await tell(house, other.encode())
    assert [row.status for row in await house.rows(phones)] == ["connected"]


async def test_one_post_for_several_companies(house: House) -> None:
    first = house.company
    await house.build_another("2000")
    raw = post(
        change({"messages": [text("wamid.a")]}),
        change({"messages": [text("wamid.b")]}, phone="2000"),
        change({"statuses": [status("wamid.nobody", "read")]}, phone="2000"),
    )
    done = await tell(house, raw)
    assert done.companies == {first, house.company}
    assert Counter(row.company_id for row in await house.rows(messages)) == {
        first: 1,
        house.company: 1,
    }


async def test_taps_reactions_and_people_without_numbers(house: House) -> None:
    tap = {"type": "button_reply", "button_reply": {"id": "r9.ask.yes", "title": "Yes"}}
    nobody = {"from": "", "from_user_id": "US.1234"}
    raw = post(
        change(
            {
                "messages": [
                    text("wamid.a", type="interactive", interactive=tap, **nobody),
                    text("wamid.b", type="reaction", reaction={"message_id": "x"}, **nobody),
                    text("wamid.c", type="revoke", revoke={}, **nobody),
                ]
            }
        )
    )
    await tell(house, raw)
    [address] = await house.rows(contact_addresses)
    assert (address.kind, address.value) == ("user_id", "US.1234")
    assert len(await house.rows(messages)) == 3
    [event] = await house.rows(events)  # a reaction answers nothing
    happened: Any = msgspec.convert(event.data, Event)
    assert happened.content == Tap("r9.ask.yes", "Yes", "button")


@pytest.mark.parametrize("order", list(permutations(["sent", "read", "failed"])))
async def test_states_end_the_same_in_any_order(house: House, order: tuple[str, ...]) -> None:
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    await house.dispatcher().drain()
    seen = []
    for state in order:
        extra = ERROR if state == "failed" else {}
        raw = post(change({"statuses": [status("wamid.1", state, more=extra)] * 2}))
        await tell(house, raw)
        seen.append((await house.message(one)).state)
    rank = ["sent", "failed", "delivered", "read"]
    assert [rank.index(state) for state in seen] == sorted(rank.index(state) for state in seen)
    after = await house.message(one)
    assert after.state == "read"
    assert after.delivered_at is not None
    assert await house.verdicts() == [(3, "sent", "")]


async def test_status_before_our_own_answer(house: House) -> None:
    async def answer(body: dict[str, Any]) -> Any:
        early = status("wamid.1", "delivered", int(body["biz_opaque_callback_data"]))
        await tell(house, post(change({"statuses": [early]})))
        return house.meta.accept(body)

    house.meta.answer = answer
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    await house.dispatcher().drain()
    after = await house.message(one)
    assert (after.state, after.channel_id, after.sent_at) == ("delivered", "wamid.1", NOON)
    assert await house.verdicts() == [(3, "sent", "")]


@pytest.mark.parametrize(
    ("told", "state", "verdict"),
    [("sent", "sent", "sent"), ("read", "read", "sent"), ("failed", "failed", "failed")],
)
async def test_a_status_settles_what_nobody_knew(
    house: House, told: str, state: str, verdict: str
) -> None:
    house.meta.answer = lambda _body: None
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert (await house.message(one)).state == "unconfirmed"
    extra = ERROR if told == "failed" else {}
    await tell(house, post(change({"statuses": [status("wamid.x", told, one, extra)]})))
    after = await house.message(one)
    assert (after.state, after.channel_id) == (state, "wamid.x")
    assert [state for _, state, _ in await house.verdicts()] == [verdict]
    house.clock.go(hours=1)
    await dispatcher.sweep()
    assert len(await house.verdicts()) == 1
    assert await house.rows(alerts) == []


async def test_a_status_stops_a_second_sending(house: House) -> None:
    await house.settings(unconfirmed_rule="send_again")
    house.meta.answer = lambda _body: None
    one = await house.queue(await house.contact(wrote_minutes_ago=3), run_id=3)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    house.clock.go(minutes=16)
    await dispatcher.sweep()
    assert (await house.message(one)).state == "queued"
    await tell(house, post(change({"statuses": [status("wamid.x", "sent", one)]})))
    await dispatcher.drain()
    assert len(house.meta.taken) == 1


async def test_references_of_others_are_nothing(house: House) -> None:
    mine = house.company
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    await house.dispatcher().drain()
    await house.build_another("2000")
    assert mine != house.company
    foreign = change({"statuses": [status("wamid.z", "read", one)]}, phone="2000")
    odd = {"biz_opaque_callback_data": "9" * 40}
    await tell(house, post(foreign, change({"statuses": [status("wamid.y", "read", more=odd)]})))
    assert (await house.message(one)).state == "sent"


async def test_a_late_failure_speaks_against_phone_template_or_consent(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    await house.queue(contact, run_id=3)
    await house.dispatcher().drain()
    refused = {"errors": [{"code": 131050, "title": "User stopped marketing"}]}
    done = await tell(
        house, post(change({"statuses": [status("wamid.1", "failed", more=refused)]}))
    )
    [person] = await house.rows(contacts)
    assert (person.consent, done.events) == ("no", 1)
    assert await house.verdicts() == [(3, "sent", "")]  # the run has heard that it left


async def test_preferences_follow_the_newest_wish(house: House) -> None:
    def wish(value: str, at: int) -> bytes:
        told = {"wa_id": "393331112223", "category": "marketing_messages"}
        told |= {"value": value, "timestamp": at}  # type: ignore[dict-item]
        return post(change({"user_preferences": [told]}, "user_preferences"))

    await tell(house, wish("stop", AT - 60))
    await tell(house, wish("stop", AT - 60))
    [person] = await house.rows(contacts)
    assert (person.consent, person.consent_source) == ("no", "WhatsApp settings")
    [event] = await house.rows(events)
    assert (event.kind, event.data["consent"]) == ("consent", "no")
    await tell(house, wish("resume", AT - 120))  # late, and overtaken
    assert [row.consent for row in await house.rows(contacts)] == ["no"]
    await tell(house, wish("resume", AT - 30))
    assert [row.consent for row in await house.rows(contacts)] == ["yes"]


async def test_a_customer_moves_to_another_number(house: House) -> None:
    await tell(house, post(change({"messages": [text("wamid.a")]})))
    moved = {"type": "user_changed_number", "wa_id": "393339998887"}
    raw = post(change({"messages": [text("wamid.b", type="system", system=moved)]}))
    await tell(house, raw)
    await tell(house, raw)
    [address] = [row for row in await house.rows(contact_addresses) if row.key == "393339998887"]
    [person] = [row for row in await house.rows(contacts) if row.id == address.contact_id]
    assert person.last_inbound_at == NOON


async def test_somebody_answers_in_the_phones_app(house: House) -> None:
    echo = {"from": "391000", "to": "393331112223", "id": "wamid.e", "timestamp": str(AT)}
    echo |= {"type": "text", "text": {"body": "I will look"}}  # type: ignore[dict-item]
    raw = post(change({"message_echoes": [echo]}, "smb_message_echoes"))
    await tell(house, raw)
    await tell(house, raw)
    [row] = await house.rows(messages)
    assert (row.direction, row.state, row.source) == ("out", "sent", "person")
    assert [person.handed_over_at for person in await house.rows(contacts)] == [NOON]
    assert await house.rows(events) == []


async def test_templates_and_accounts(house: House) -> None:
    async with house.db.write() as tx:
        await tx.execute(
            sa.insert(templates).values(
                company_id=house.company,
                account_id="waba-1",
                name="cart",
                language="it",
                category="UTILITY",
                status="APPROVED",
                components=[],
                created_at=NOON,
                updated_at=NOON,
            )
        )
    name = {"message_template_name": "cart", "message_template_language": "it"}
    paused = change(name | {"event": "PAUSED"}, "message_template_status_update")
    marketing = change(name | {"new_category": "MARKETING"}, "template_category_update")
    limits: dict[str, object] = {"event": "ACCOUNT_RESTRICTION"}
    limits["restriction_info"] = [{"restriction_type": "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"}]
    await tell(house, post(paused, marketing, change(limits, "account_update")))
    [template] = await house.rows(templates)
    assert (template.status, template.category) == ("PAUSED", "MARKETING")
    assert [row.status for row in await house.rows(phones)] == ["banned"]
    kinds = {row.kind for row in await house.rows(alerts) if row.resolved_at is None}
    assert kinds == {
        "template:cart:it",
        "template_category:cart:it",
        "account:account_restriction",
    }
    approved = change(name | {"event": "APPROVED"}, "message_template_status_update")
    await tell(house, post(approved))
    assert [row.status for row in await house.rows(templates)] == ["APPROVED"]


async def test_the_window_belongs_to_the_phone_that_was_written_to(house: House) -> None:
    other = await house.add_phone("2000")
    await tell(house, post(change({"messages": [text("wamid.a")]}, phone="2000")))
    [person] = await house.rows(contacts)
    async with house.db.write() as tx:
        changed = sa.update(contacts).values(last_phone_id=house.phone, zone="Europe/Rome")
        await tx.execute(changed)
        await tx.execute(sa.update(events).values(handled_at=NOON))
    one = await house.queue(person.id)
    house.clock.go(hours=1)
    await house.dispatcher().drain()
    assert (await house.message(one)).phone_id == other
    house.clock.now = NOON + timedelta(hours=24)
    late = await house.queue(person.id)
    await house.dispatcher().drain()
    assert (await house.message(late)).error_class == "window_closed"
