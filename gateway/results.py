"""Writes down what became of messages in hand: sent, to be tried again, failed, or nobody knows.

Rule: what the channel said is never lost and never undoes what a receipt already proved. The verbs
of the sweep only note in a `Tally` what they changed; whoever sweeps writes it at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.channel import NO_NEW_CHATS, Accepted, SendError, remedy
from gateway.claims import Parcel, places_of
from gateway.consequences import Setback, bear
from gateway.decide import TOO_LATE
from gateway.pacing import jittered
from gateway.states import accepted, failed, newly_left, verdict, with_error
from gateway.tally import Tally
from gateway.telling import tell_dropped, tell_states
from gateway.verdicts import template_of, verdict_row
from store import (
    addresses,
    alerts,
    chats,
    companies,
    contacts,
    events,
    in_hand,
    phone_use,
    queue,
    runs,
)
from store.addresses import Address
from store.in_hand import InHand

Result = tuple[Parcel, Accepted | SendError]

LOST = SendError("uncertain", 0, "The gateway stopped before WhatsApp's answer was written down.")
SEND_AGAIN_AT_MOST = 3  # attempts; a line that never answers must not write to somebody for ever
SWEEP_AT_ONCE = 500


class Recorded(Struct, frozen=True):
    """What one transaction wrote down: companies to refresh, whether events were written."""

    companies: frozenset[int] = frozenset()
    told: bool = False
    settled: int = 0


async def record(
    tx: AsyncConnection, results: Sequence[Result], *, worker: str, now: datetime
) -> Recorded:
    """Write down the channel's answers."""
    held = await in_hand.find(tx, {parcel.queued.id for parcel, _ in results})
    taken = await _taken_ids(tx, results, held)
    changed: list[InHand] = []
    verdicts: list[dict[str, Any]] = []
    setbacks: list[Setback] = []
    given_back: list[Parcel] = []
    company_places: Counter[tuple[int, date]] = Counter()
    for parcel, outcome in results:
        before = held.get(parcel.queued.id)
        if before is None:
            continue
        if isinstance(outcome, Accepted):
            channel_id = "" if outcome.channel_id in taken else outcome.channel_id
            why = ("WhatsApp holds it until the template's quality is known.",)
            after = accepted(before, channel_id, now, why if outcome.held else ())
            after = structs.replace(after, channel_id=after.channel_id or None)
        else:
            after = _after_error(before, parcel, outcome, worker, now)
            setbacks.append(_setback(parcel, outcome))
            if outcome.meaning != "uncertain":
                given_back.append(parcel)
                company_places[parcel.queued.company_id, parcel.day] -= 1
        if after != before:
            changed.append(after)
        word = verdict(before, after)
        if word is not None:
            verdicts += verdict_row(after, word, after.error_class or "", now)
    await in_hand.settle(tx, changed)
    await tell_states(tx, [(held[one.id].state, one) for one in changed], now)
    went = [(parcel, out) for parcel, out in results if isinstance(out, Accepted)]
    await chats.note_outbound(
        tx, {parcel.queued.contact_id: (now, parcel.phone.id) for parcel, _ in went}
    )
    await _learn_wa_ids(tx, went, now)
    told = await bear(tx, setbacks, Counter(parcel.phone.id for parcel, _ in went), now)
    for by_day, count in ((True, phone_use.count), (False, phone_use.count_hours)):
        places = places_of(given_back, by_day=by_day)
        await count(tx, {key: -place for key, place in places.items()})
    await phone_use.count_companies(tx, company_places)
    told += len(await events.insert_many(tx, verdicts))
    tally = Tally()
    tally.moved((held[one.id], one) for one in changed)
    await tally.write(tx)
    return Recorded(
        frozenset(parcel.queued.company_id for parcel, _ in results), bool(told), len(changed)
    )


def _after_error(
    before: InHand, parcel: Parcel, error: SendError, worker: str, now: datetime
) -> InHand:
    ours = before.claimed_by == worker and before.attempts == parcel.attempt
    if not ours or before.state not in ("sending", "unconfirmed"):
        return before  # a receipt or another attempt knows better
    if error.meaning == "uncertain":
        return structs.replace(with_error(before, error), state="unconfirmed")
    wait = remedy(error).retry_after(parcel.attempt)
    if wait is None:
        return failed(before, error, now)
    words = f"Attempt {parcel.attempt}: {error.message or error.meaning}"
    return structs.replace(
        with_error(before, error),
        state="queued",
        due_at=now + jittered(wait, before.id),
        why=[*(before.why or []), words],
        # Through another phone, if there is one: this one is no acquaintance of theirs.
        phone_id=None if error.code == NO_NEW_CHATS else before.phone_id,
    )


def _setback(parcel: Parcel, error: SendError) -> Setback:
    queued = parcel.queued
    return Setback(
        queued.company_id,
        parcel.phone.id,
        queued.contact_id,
        parcel.day,
        error,
        template_of(queued),
    )


async def _taken_ids(
    tx: AsyncConnection, results: Sequence[Result], held: dict[int, InHand]
) -> set[str]:
    """Ids the channel gave out twice: they cannot name a second message."""
    given = Counter(out.channel_id for _, out in results if isinstance(out, Accepted))
    twice = {channel_id for channel_id, n in given.items() if n > 1}
    known = await chats.known(tx, {parcel.phone.id for parcel, _ in results}, set(given))
    own = {one.channel_id for one in held.values()}
    return twice | ({channel_id for _, channel_id in known} - own)


async def _learn_wa_ids(
    tx: AsyncConnection, went: Sequence[tuple[Parcel, Accepted]], now: datetime
) -> None:
    """Keep the id WhatsApp itself uses for a number, which may be written otherwise."""
    by_company: dict[int, dict[int, Address]] = {}
    for parcel, answer in went:
        digits = answer.wa_id.lstrip("+")
        if digits and parcel.to.kind != "user_id" and digits != parcel.to.value:
            mine = by_company.setdefault(parcel.queued.company_id, {})
            mine[parcel.queued.contact_id] = Address("wa_id", digits)
    if not by_company:
        return
    gone = await contacts.erased(tx, {of for mine in by_company.values() for of in mine})
    for company_id, told in by_company.items():
        # Somebody erased while we wrote to them must not be found by their number again.
        learned = {of: one for of, one in told.items() if of not in gone}
        verbatim = {(one.space, one.key): one for one in learned.values() if one.key}
        owner_of = {(one.space, one.key): of for of, one in learned.items() if one.key}
        known = await addresses.owners(tx, company_id, set(verbatim))
        await addresses.upgrade_to_wa_id(tx, company_id, known, verbatim)
        missing = {key: of for key, of in owner_of.items() if key not in known}
        await addresses.add(tx, company_id, missing, verbatim, now)


async def abandon(
    tx: AsyncConnection,
    *,
    claimed_before: datetime,
    dead_workers: Collection[str],
    except_ids: Collection[int],
    tally: Tally,
) -> int:
    """Messages whose worker is gone may have left or not; how many there were."""
    rows = await in_hand.abandoned(
        tx,
        claimed_before=claimed_before,
        dead_workers=dead_workers,
        except_ids=except_ids,
        limit=SWEEP_AT_ONCE,
    )
    unsure = [structs.replace(with_error(row, LOST), state="unconfirmed") for row in rows]
    await in_hand.settle(tx, unsure)
    tally.moved(zip(rows, unsure, strict=True))
    return len(rows)


async def expire(tx: AsyncConnection, now: datetime, tally: Tally) -> Recorded:
    """Messages in the queue that are not worth sending any more, also where nothing is sent now."""
    late = await queue.expired(tx, now, SWEEP_AT_ONCE)
    drops = [
        {
            "id": one.id,
            "state": "expired",
            "failed_at": now,
            "error_class": "expired",
            "error": TOO_LATE,
            "why": [*(one.why or []), TOO_LATE],
        }
        for one in late
    ]
    await queue.drop(tx, drops)
    for one in late:
        tally.dropped(one, "expired")
    company_ids = {one.company_id for one in late}
    await tell_dropped(tx, company_ids, [one.id for one in late], now)
    told = [row for one in late for row in verdict_row(one, "expired", "expired", now)]
    written = await events.insert_many(tx, told)
    return Recorded(frozenset(company_ids), bool(written), len(late))


async def settle_unconfirmed(
    tx: AsyncConnection,
    company_id: int,
    *,
    except_ids: Collection[int],
    now: datetime,
    tally: Tally,
) -> Recorded:
    """Messages nobody told us about in time: the company's rule decides."""
    settings = (await companies.get(tx, company_id)).settings
    limit = timedelta(minutes=settings.unconfirmed_after_minutes)
    rows = await in_hand.unconfirmed(
        tx, company_id, now - limit, except_ids=except_ids, limit=SWEEP_AT_ONCE
    )
    if not rows:
        return Recorded()
    changed: list[InHand] = []
    verdicts: list[dict[str, Any]] = []
    # A run that went on has had an answer to its message; one that ended wants nothing sent.
    past = await runs.past(tx, {row.run_id: row.seq for row in rows if row.run_id is not None})
    again = settings.unconfirmed_rule == "send_again"
    for row in rows:
        why = list(row.why or [])
        if again and row.run_id not in past and row.attempts < SEND_AGAIN_AT_MOST:
            why.append("Nobody confirmed that it left, so it is sent again.")
            changed.append(structs.replace(row, state="queued", due_at=now, why=why))
            continue
        why.append("Nobody confirmed that it left; it is taken as sent.")
        changed.append(
            structs.replace(row, state="sent", sent_at=row.sent_at or row.claimed_at, why=why)
        )
        verdicts += verdict_row(row, "sent", "", now)
    await in_hand.settle(tx, changed)
    moves = list(zip(rows, changed, strict=True))
    tally.moved(moves)
    await tell_states(tx, [(before.state, after) for before, after in moves], now)
    await chats.note_outbound(tx, newly_left(moves))
    told = await events.insert_many(tx, verdicts)
    words = f"WhatsApp never confirmed {len(rows)} message(s) sent through this gateway."
    await alerts.raise_once(tx, company_id, "warning", "unconfirmed", words, now)
    return Recorded(frozenset({company_id}), bool(told), len(rows))
