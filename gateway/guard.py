"""Keeps numbers from being banned: whoever is in danger sends no campaigns for a while.

Rule: a rest begins when the quality falls, once; a person may lift it, and then it is not begun
again before the quality falls anew. Answers and order news go on in any case.
Source: what WhatsApp advises for numbers of low quality, and practice with paired phones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.channels import paced_kinds
from gateway.pacing import has_few_answers
from gateway.quality import Quality, Taken, begins_rest, judged
from store import alerts, house, phone_use
from store.phone_use import SendingPhone, Use

LOOK_BACK = timedelta(days=7)
LOW, POOR = "low_quality", "quality_fell"
FEW = "few_answers"
ENDED = "campaigns_rest"  # what is told while campaigns rest for any other reason


async def note_quality(
    tx: AsyncConnection, phone: SendingPhone, quality: Quality, why: str, now: datetime
) -> None:
    """WhatsApp's judgement of a number, or ours of a paired phone; the newest word counts."""
    changes: dict[str, Any] = {"quality": quality, "quality_at": now}
    if begins_rest(phone.quality, quality):
        days = (await house.settings(tx)).quality_rest_days
        changes |= _rest(phone, now + timedelta(days=days), f"its quality is low: {why}")
    await phone_use.change(tx, phone.id, **changes)
    await _tell(tx, phone, quality, why, changes.get("campaigns_rest_until"), now)


async def rest_campaigns(
    tx: AsyncConnection, phone: SendingPhone, until: datetime, why: str, now: datetime
) -> None:
    """WhatsApp restricts what a number may begin: nothing but answers until then."""
    await phone_use.change(tx, phone.id, no_new_until=until, **_rest(phone, until, why))
    words = f"{_name(phone)} begins no chats until {until:%d %b %H:%M} UTC: {why}."
    await alerts.raise_once(tx, phone.company_id, "critical", ENDED, words, now, phone_id=phone.id)


async def judge(tx: AsyncConnection, paced: Sequence[SendingPhone], now: datetime) -> int:
    """Judge paired phones by the last days; how many changed."""
    ids = {phone.id for phone in paced}
    week = await phone_use.lately(tx, ids, (now - LOOK_BACK).date())
    today = await phone_use.lately(tx, ids, now.date())
    changed = 0
    for phone in paced:
        quality, why = judged(taken(week.get(phone.id, Use()), today.get(phone.id, Use())))
        if quality not in (phone.quality, "UNKNOWN"):
            await note_quality(tx, phone, quality, why, now)
            changed += 1
        await _few_answers(tx, phone, week.get(phone.id, Use()), now)
    return changed


def taken(week: Use, today: Use) -> Taken:
    """How a phone's messages were taken; what left today may still arrive."""
    return Taken(
        sent=week.sent,
        failed=week.failed,
        settled=week.sent - today.sent,
        delivered=min(week.delivered, week.sent - today.sent),
        people=week.sent,
        answered=week.answered,
    )


async def end_rests(tx: AsyncConnection, resting: Sequence[SendingPhone], now: datetime) -> None:
    """Rests that are over: campaigns go again, and what was told about it is done with. Where
    WhatsApp still says that the quality is low, the rest goes on; a paired phone, which nobody but
    us judges, begins anew.
    """
    for phone in resting:
        until = phone.campaigns_rest_until
        if until is None or until > now:
            continue
        if phone.quality == "RED" and phone.kind not in paced_kinds():
            days = (await house.settings(tx)).quality_rest_days
            longer = now + timedelta(days=days)
            await phone_use.change(tx, phone.id, campaigns_rest_until=longer)
            continue
        quality = "UNKNOWN" if phone.quality == "RED" else phone.quality
        over = {"campaigns_rest_until": None, "campaigns_rest_why": "", "quality": quality}
        await phone_use.change(tx, phone.id, **over)
        for kind in (ENDED, LOW):
            await alerts.resolve(tx, phone.company_id, kind, now, phone_id=phone.id)


def _rest(phone: SendingPhone, until: datetime, why: str) -> Mapping[str, Any]:
    known = phone.campaigns_rest_until
    if known is not None and known >= until:
        return {}
    return {"campaigns_rest_until": until, "campaigns_rest_why": why}


async def _tell(
    tx: AsyncConnection,
    phone: SendingPhone,
    quality: Quality,
    why: str,
    until: datetime | None,
    now: datetime,
) -> None:
    name = _name(phone)
    said = {"RED": LOW, "YELLOW": POOR}.get(quality)
    for kind in (LOW, POOR):
        if kind != said:
            await alerts.resolve(tx, phone.company_id, kind, now, phone_id=phone.id)
    if said == LOW:
        rest = f" Its campaigns rest until {until.day} {until:%b}." if until else ""
        words = f"{name} has a low quality: {why}.{rest} Answers and order news go on."
        await alerts.raise_once(
            tx, phone.company_id, "critical", LOW, words, now, phone_id=phone.id
        )
    elif said == POOR:
        words = f"The quality of {name} fell: {why}."
        await alerts.raise_once(
            tx, phone.company_id, "warning", POOR, words, now, phone_id=phone.id
        )


async def _few_answers(tx: AsyncConnection, phone: SendingPhone, week: Use, now: datetime) -> None:
    """`gateway.pacing.daily_cap` halves what such a phone sends; a person is told why."""
    if has_few_answers(week.sent, week.answered):
        words = f"Only {week.answered} of {week.sent} messages of {_name(phone)} were answered."
        words = f"{words} It sends half as many a day until more people write back."
        await alerts.raise_once(tx, phone.company_id, "warning", FEW, words, now, phone_id=phone.id)
    else:
        await alerts.resolve(tx, phone.company_id, FEW, now, phone_id=phone.id)


def _name(phone: SendingPhone) -> str:
    return phone.name or phone.number or f"Phone {phone.id}"
