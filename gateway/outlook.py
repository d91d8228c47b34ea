"""The forecast of a real queue, or of a campaign that is only thought of; and what would be decided
about one message now.

Rule: it reads and holds nothing; what it says is already old when it is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from fractions import Fraction
from functools import cache

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import Content, Template
from gateway.channel import Channel
from gateway.channels import kinds
from gateway.decide import Later, Never, SendNow, decide
from gateway.facts import Load, load
from gateway.forecast import Forecast, Waiting, forecast
from store import companies, queue_view
from store.queue import Queued

AT_MOST = 20_000  # messages that are played; more are as many times those
USUAL_PER_S = 80.0
MARKETING_PRIORITY = 2

ON_HOLD = "Sending is on hold for this company; the message is kept."
NOT_DUE = "It is not due yet."
ITS_TURN = "Nothing keeps it: it leaves as soon as it is its turn."

log = structlog.get_logger(__name__)


async def of_queue(
    tx: AsyncConnection,
    company_id: int,
    now: datetime,
    *,
    automation_id: int | None = None,
) -> Forecast:
    """What becomes of all that a company (or one of its automations) has in the queue."""
    batch = await queue_view.waiting(tx, company_id, automation_id, AT_MOST)
    count = await queue_view.count_waiting(tx, company_id, automation_id)
    return _times(await _play(tx, company_id, batch, now), len(batch), count)


async def of_campaign(
    tx: AsyncConnection,
    company_id: int,
    contact_ids: Collection[int],
    now: datetime,
    *,
    at: datetime,
    category: str = "marketing",
) -> Forecast:
    """What would become of a template sent to these contacts at `at`, behind what waits already."""
    before = await queue_view.waiting(tx, company_id, None, AT_MOST)
    chosen = sorted(contact_ids)[:AT_MOST]
    content = msgspec.to_builtins(Template("", ""))
    mine = [
        Queued(
            *(number, company_id, contact_id, None, None, 0, content, None, category),
            *(MARKETING_PRIORITY, "api", None, None, None, at, None, 0, None),
        )
        for number, contact_id in enumerate(chosen, 1 + max((one.id for one in before), default=0))
    ]
    found = await _play(tx, company_id, [*before, *mine], now, only={o.id for o in mine})
    return _times(found, len(chosen), len(contact_ids))


async def of_message(
    tx: AsyncConnection, company_id: int, message_id: int, now: datetime
) -> tuple[datetime | None, tuple[str, ...]]:
    """Why a message that waits has not left yet, in words, and until when it waits (None: its turn
    comes any moment). Nothing for a message that does not wait.
    """
    queued = await queue_view.find_waiting(tx, company_id, message_id)
    if queued is None:
        return None, ()
    company = await companies.get(tx, company_id)
    if not company.may_send(now):
        return None, (ON_HOLD,)
    if queued.due_at > now:
        return queued.due_at, tuple(queued.why[-1:] if queued.why else (NOT_DUE,))
    facts = await load(tx, [queued], _channels(), now, hold=False)
    readable = _readable(facts, [queued])
    if not readable:
        return None, ()
    fleet, contact = facts.fleets[company_id], facts.contacts[queued.contact_id]
    decision = decide(readable[0].message, contact, facts.companies[company_id], fleet, now)
    ahead = await queue_view.count_ahead(tx, queued, now)
    before = (f"{ahead} before it in line.",) if ahead else ()
    match decision:
        case Later(at=at, why=why):
            return at, (*why, *before)
        case SendNow():
            return None, (*before, ITS_TURN)
        case Never(why=why):
            return None, why


@cache
def _channels() -> Mapping[str, Channel]:
    """The kinds of channel for what they can do; nothing is opened."""
    return {kind: found() for kind, found in kinds().items()}


async def _play(
    tx: AsyncConnection,
    company_id: int,
    batch: Collection[Queued],
    now: datetime,
    *,
    only: Collection[int] | None = None,
) -> Forecast:
    if not batch:
        return Forecast(0, None)
    facts = await load(tx, list(batch), _channels(), now, hold=False)
    rules = facts.rules[company_id]
    return forecast(
        _readable(facts, batch),
        facts.contacts,
        facts.companies[company_id],
        facts.fleets[company_id],
        zone_name=facts.zones[company_id],
        delay_ms=rules.delay_ms,
        per_s=USUAL_PER_S,
        only=only,
    )


def _readable(facts: Load, batch: Collection[Queued]) -> list[Waiting]:
    found = []
    for one in batch:
        try:
            content: Content = msgspec.convert(one.content, Content)
            asked = facts.message(one, content)
        except msgspec.ValidationError:
            log.warning("a message cannot be read", message=one.id, company=one.company_id)
            continue
        if one.contact_id in facts.contacts:
            found.append(Waiting(one.contact_id, asked, one.due_at))
    return found


def _times(found: Forecast, played: int, all_of_them: int) -> Forecast:
    """The forecast of a part as that of the whole: as many times what was played."""
    if played >= all_of_them or not played:
        return found
    part = Fraction(all_of_them, played)
    days = [(day, round(n * part)) for day, n in found.by_day]
    return msgspec.structs.replace(
        found,
        messages=round(found.messages * part),
        left_out=tuple((why, round(n * part)) for why, n in found.left_out),
        by_day=tuple(days),
        later=round(found.later * part),
        is_part=True,
    )
