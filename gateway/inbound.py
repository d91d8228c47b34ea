"""What a channel tells becomes rows: contacts, messages, events. The webhook's own transaction.

Rule: everything here may come twice, late and in any order, and does its work once. Only news of
phones whose app secret signed it is believed, and of those whose line the caller holds itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import plain
from flows.events import Replied
from gateway.billing import note_prices
from gateway.catalogue import catalogue_row
from gateway.consequences import Setback, bear
from gateway.desk import Desk, introduce, is_ours, person_of
from gateway.news import (
    AccountChanged,
    Echoed,
    Inbound,
    News,
    NumberChanged,
    PhoneChanged,
    PreferenceChanged,
    Receipt,
    Sender,
    StateChanged,
    TemplateChanged,
    Trouble,
)
from gateway.notices import (
    move_numbers,
    note_accounts,
    note_phones,
    note_states,
    note_templates,
    note_troubles,
    note_wishes,
)
from gateway.reception import count_answers, note_receipts
from gateway.states import after_receipt, newly_left, verdict
from gateway.telling import tell_states, tell_written
from gateway.verdicts import template_of, verdict_row
from gateway.window import zone
from store import chats, companies, contacts, events, in_hand, media_wanted, phone_use
from store.ids import new_id
from store.in_hand import InHand
from store.phone_use import SendingPhone
from store.resolve import resolve_many

log = structlog.get_logger(__name__)

N = TypeVar("N")
BIGGEST_ID = 2**63  # references of others may be any number


class TakenIn(Struct, frozen=True):
    """What was done, for the log and for the bells: the caller rings after it has committed."""

    companies: frozenset[int] = frozenset()
    messages: int = 0
    receipts: int = 0
    events: int = 0
    ignored: int = 0


async def take_in(
    tx: AsyncConnection,
    news: Sequence[News],
    *,
    app_secret: str = "",
    own_phones: Collection[int] = (),
    now: datetime,
) -> TakenIn:
    """Write down everything one webhook told; `app_secret` is the one that signed it. `own_phones`
    are the ids of paired phones that told it to this process directly.
    """
    desk = Desk(tx, now)
    await introduce(desk, news, app_secret, own_phones)
    believed = [one for one in news if is_ours(desk, one)]
    await _receipts(desk, _only(Receipt, believed))
    await move_numbers(desk, _only(NumberChanged, believed))
    await _written(desk, [*_only(Inbound, believed), *_only(Echoed, believed)])
    await note_wishes(desk, _only(PreferenceChanged, believed))
    await note_templates(desk, _only(TemplateChanged, believed))
    await note_accounts(desk, _only(AccountChanged, believed))
    await note_phones(desk, _only(PhoneChanged, believed))
    await note_states(desk, _only(StateChanged, believed))
    await note_troubles(desk, _only(Trouble, believed))
    await desk.tally.write(tx)
    done = TakenIn(
        frozenset(desk.companies),
        desk.messages,
        desk.receipts,
        desk.events,
        len(news) - len(believed),
    )
    log.debug("webhook taken in", **msgspec.structs.asdict(done))
    return done


def _only(kind: type[N], news: Iterable[object]) -> list[N]:
    return [one for one in news if isinstance(one, kind)]


async def _receipts(desk: Desk, receipts: Sequence[Receipt]) -> None:
    if not receipts:
        return
    found = await _meant(desk, receipts)
    now_are: dict[int, InHand] = {}
    before: dict[int, InHand] = {}
    setbacks: list[Setback] = []
    priced: list[tuple[InHand, Receipt]] = []
    for receipt in receipts:
        phone = desk.by_remote[receipt.phone]
        message = found.get(_place(phone, receipt))
        if message is None:
            continue
        before.setdefault(message.id, message)
        known = now_are.get(message.id, message)
        now_are[message.id] = after = after_receipt(known, receipt)
        priced.append((after, receipt))
        if after.state == "failed" != known.state and receipt.error is not None:
            setbacks.append(await _setback(desk, phone, message, receipt))
    told = [desk.by_remote[one.phone] for one in receipts]
    await note_prices(desk.tx, priced)
    changed = [after for after in now_are.values() if after != before[after.id]]
    await in_hand.settle(desk.tx, changed)
    moves = [(before[after.id], after) for after in changed]
    desk.tally.moved(moves)
    await chats.note_outbound(desk.tx, newly_left(moves))
    # Contacts before phones and their days: so they are held while messages are claimed.
    await note_receipts(desk, told, moves)
    if not changed:
        return
    rows = []
    for after in changed:
        word = verdict(before[after.id], after)
        if word is not None:
            rows += verdict_row(after, word, after.error_class or "", desk.now)
    desk.events += await bear(desk.tx, setbacks, {}, desk.now)
    desk.events += len(await events.insert_many(desk.tx, rows))
    await tell_states(desk.tx, [(before[one.id].state, one) for one in changed], desk.now)
    desk.receipts += len(changed)
    desk.companies |= {after.company_id for after in changed}


def _place(phone: SendingPhone, receipt: Receipt) -> tuple[int, str]:
    return phone.id, receipt.channel_id


async def _meant(desk: Desk, receipts: Sequence[Receipt]) -> dict[tuple[int, str], InHand]:
    """The messages that receipts speak of: by our own id if it is there, else by the channel's."""
    ids = {int(one.reference) for one in receipts if _is_reference(one.reference)}
    by_id = await in_hand.find(desk.tx, ids) if ids else {}
    found: dict[tuple[int, str], InHand] = {}
    unknown: list[tuple[int, str]] = []
    for one in receipts:
        phone = desk.by_remote[one.phone]
        message = by_id.get(int(one.reference)) if _is_reference(one.reference) else None
        if message is not None and message.company_id == phone.company_id:
            found[_place(phone, one)] = message
        else:
            unknown.append(_place(phone, one))
    if unknown:
        phone_ids, channel_ids = {place[0] for place in unknown}, {place[1] for place in unknown}
        for message in await in_hand.by_channel_ids(desk.tx, phone_ids, channel_ids):
            found.setdefault((message.phone_id or 0, message.channel_id or ""), message)
    return found


def _is_reference(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:20]) < BIGGEST_ID


async def _setback(desk: Desk, phone: SendingPhone, message: InHand, receipt: Receipt) -> Setback:
    assert receipt.error is not None  # noqa: S101 - asked by the caller
    company = await companies.get(desk.tx, phone.company_id)
    day: date = desk.now.astimezone(zone(company.zone)).date()
    return Setback(
        phone.company_id,
        message.phone_id or phone.id,
        message.contact_id,
        day,
        receipt.error,
        template_of(message),
    )


async def _written(desk: Desk, written: Sequence[Inbound | Echoed]) -> None:
    """Messages of customers, and of our own people in the phone's app, that are new to us."""
    known = await chats.known(
        desk.tx,
        {desk.by_remote[one.phone].id for one in written},
        {one.channel_id for one in written},
    )
    new: dict[tuple[int, str], Inbound | Echoed] = {}
    for one in written:
        place = (desk.by_remote[one.phone].id, one.channel_id)
        if place not in known:
            new.setdefault(place, one)
    by_company: dict[int, list[Inbound | Echoed]] = {}
    for one in new.values():
        by_company.setdefault(desk.by_remote[one.phone].company_id, []).append(one)
    for company_id, mine in by_company.items():
        await _company_written(desk, company_id, mine)


async def _company_written(
    desk: Desk, company_id: int, written: Sequence[Inbound | Echoed]
) -> None:
    people = [person_of(_other_side(one)) for one in written]
    found = await resolve_many(desk.tx, company_id, people, now=desk.now)
    rows = [
        _message_row(desk, company_id, contact.id, one)
        for contact, one in zip(found, written, strict=True)
    ]
    kept = await chats.keep(desk.tx, rows)
    await media_wanted.want(desk.tx, [row for row in rows if row["id"] in kept], desk.now)
    told: list[dict[str, Any]] = []
    wrote: dict[int, chats.Wrote] = {}
    answered: dict[int, tuple[datetime, int]] = {}
    referred: dict[int, datetime] = {}
    for row, one in zip(rows, written, strict=True):
        if row["id"] not in kept:
            continue
        if isinstance(one, Echoed):
            mine_at = (row["created_at"], row["phone_id"])
            answered[row["contact_id"]] = max(answered.get(row["contact_id"], mine_at), mine_at)
        elif not one.silent:
            if one.referral:
                referred[row["contact_id"]] = row["created_at"]
            told.append(_replied(row, one))
            beside = catalogue_row(row, one)
            if beside is not None:
                told.append(beside)
            mine = chats.Wrote(row["created_at"], row["phone_id"], row["preview"])
            known = wrote.get(row["contact_id"])
            if known is None or known.at <= mine.at:
                wrote[row["contact_id"]] = mine
    answers = await count_answers(desk, wrote)  # asked before it is noted who wrote
    await chats.note_inbound(desk.tx, wrote)
    await chats.note_referred(desk.tx, referred)
    await chats.note_outbound(desk.tx, answered)
    await contacts.hand_over(desk.tx, list(answered), desk.now)
    await phone_use.note_answers(desk.tx, answers)
    desk.events += len(await events.insert_many(desk.tx, told))
    news = [
        (row, one)
        for row, one in zip(rows, written, strict=True)
        if row["id"] in kept and isinstance(one, Inbound)
    ]
    await tell_written(desk, company_id, news)
    desk.messages += len(kept)
    desk.companies.add(company_id)


def _other_side(one: Inbound | Echoed) -> Sender:
    return one.to if isinstance(one, Echoed) else one.sender


def _message_row(
    desk: Desk, company_id: int, contact_id: int, one: Inbound | Echoed
) -> dict[str, Any]:
    ours = isinstance(one, Echoed)
    at = min(one.at, desk.now)  # their clock may be ahead of ours
    content = one.content
    return {
        "id": new_id(desk.now),
        "company_id": company_id,
        "contact_id": contact_id,
        "direction": "out" if ours else "in",
        "state": "sent" if ours else "received",
        "kind": content.__struct_config__.tag,
        "content": msgspec.to_builtins(content),
        "preview": plain(content),
        "source": "person",
        "phone_id": desk.by_remote[one.phone].id,
        "channel_id": one.channel_id,
        "quoted_channel_id": None if isinstance(one, Echoed) else one.quoted or None,
        "sent_at": at if ours else None,
        "created_at": at,
    }


def _replied(row: Mapping[str, Any], one: Inbound) -> dict[str, Any]:
    happened = Replied(plain(one.content), one.content, row["id"], one.quoted)
    return {
        "company_id": row["company_id"],
        "contact_id": row["contact_id"],
        "kind": "replied",
        "data": msgspec.to_builtins(happened),
        "source_id": f"in:{one.channel_id}",
        "at": row["created_at"],
        "created_at": row["created_at"],
    }
