"""What every page says beside its own: phones whose campaigns rest, how many alerts are critical.

Rule: two indexed reads in the transaction that finds out who asks; only for those who can act.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import alerts, phone_care
from store.phone_care import PhoneCard
from web.security.who import Who


class Notice(Struct, frozen=True):
    """A sentence on top of the page: `kind` is ok, info, warn or danger; `link` and its `word` say
    where to go on.
    """

    text: str
    kind: str = "ok"
    link: str = ""
    word: str = ""


class Frame(Struct, frozen=True):
    """Banners, and how many critical alerts are open."""

    banners: tuple[Notice, ...] = ()
    critical: int = 0


async def load(tx: AsyncConnection, who: Who, now: datetime) -> Frame:
    """The frame for whoever asks."""
    if not who.may("editor"):
        return Frame()
    resting = await phone_care.resting(tx, who.company_id, now)
    critical = await alerts.count_loud(tx, who.company_id, now)
    return Frame(tuple(resting_banner(card, who) for card in resting), critical)


def resting_banner(card: PhoneCard, who: Who) -> Notice:
    """That a phone sends no campaigns, until when and why."""
    until = ""
    if card.campaigns_rest_until is not None:
        local = card.campaigns_rest_until.astimezone(who.zone)
        until = f" until {local:%a} {local.day} {local:%b}"
    why = card.campaigns_rest_why.rstrip(".")
    because = f", because {why}" if why else ""
    said = f"{card.called}: campaigns rest{until}{because}. Answers and order news go on."
    if not who.may("admin"):
        return Notice(said, "warn")
    return Notice(said, "warn", f"/phones/{card.id}", "See the phone")
