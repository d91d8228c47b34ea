"""How people take what paired phones write: what arrives, and who writes back. WhatsApp says
nothing about the quality of such numbers, so these counts are all there is to judge them by.

Rule: counted in the transaction that takes the news in; of numbers of the Cloud API, which
WhatsApp itself judges, it is only noted that their webhook works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from gateway.channels import paced_kinds
from gateway.desk import Desk
from gateway.window import zone
from store import chats, companies, phone_use
from store.in_hand import InHand
from store.phone_use import SendingPhone

NOTED_EACH = timedelta(minutes=1)


async def note_receipts(
    desk: Desk, reported: Iterable[SendingPhone], moves: Iterable[tuple[InHand, InHand]]
) -> None:
    """WhatsApp reported on messages of these phones; `moves` are messages before and after."""
    alive = {phone.id: phone for phone in reported if _is_news(phone, desk.now)}
    if not alive:
        return
    paced = {phone.id: phone for phone in alive.values() if phone.kind in paced_kinds()}
    days = await _days(desk, paced.values()) if paced else {}
    delivered: Counter[tuple[int, date]] = Counter()
    for before, after in moves:
        if before.delivered_at is None and after.delivered_at and after.phone_id in paced:
            delivered[after.phone_id, days[after.phone_id]] += 1
    await phone_use.note_reports(desk.tx, dict.fromkeys(alive, desk.now), delivered)


def _is_news(phone: SendingPhone, now: datetime) -> bool:
    """Whether it must be noted that there are reports. Numbers of the Cloud API get hundreds a
    second; that their webhook works need not be written down each time.
    """
    heard = phone.last_receipt_at
    return phone.kind in paced_kinds() or heard is None or now - heard >= NOTED_EACH


async def count_answers(
    desk: Desk, wrote: Mapping[int, chats.Wrote]
) -> Mapping[tuple[int, date], int]:
    """How many of `{contact id: what they wrote}` answered which phone, on which of its days; asked
    before it is noted on them that they wrote.
    """
    phones = {phone.id: phone for phone in desk.by_remote.values()}
    paced = {
        contact_id: one.phone_id
        for contact_id, one in wrote.items()
        if one.phone_id in phones and phones[one.phone_id].kind in paced_kinds()
    }
    if not paced:
        return {}
    days = await _days(desk, [phones[phone_id] for phone_id in paced.values()])
    answered: Counter[tuple[int, date]] = Counter()
    for contact_id in await chats.not_answered_yet(desk.tx, paced):
        answered[paced[contact_id], days[paced[contact_id]]] += 1
    return answered


async def _days(desk: Desk, phones: Iterable[SendingPhone]) -> dict[int, date]:
    """The local day that each phone counts on now."""
    mine = list(phones)
    known = await companies.find_many(desk.tx, {one.company_id for one in mine})
    at: datetime = desk.now
    return {one.id: at.astimezone(zone(known[one.company_id].zone)).date() for one in mine}
