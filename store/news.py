"""News told to people's own programs: who wants to hear what, and the calls that tell them.

Rule: a call is a row like any other and leaves with the transaction that made the news; the
company's address goes before the house's for replies, alerts go to both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.effects import CallWebhook
from store import companies, house
from store.http_calls import NewCall, Purpose
from store.ids import new_id

TIMEOUT_S = 10
BY_HOUSE: frozenset[Purpose] = frozenset({"house_reply", "house_alert"})
"""Told to the operator's address, signed with the house's secret."""


class Hearer(Struct, frozen=True):
    """An address that wants to hear of a company. `statuses`: also what becomes of messages."""

    url: str
    purpose: Purpose
    company: str
    statuses: bool = False


async def of_replies(tx: AsyncConnection, company_ids: Collection[int]) -> dict[int, Hearer]:
    """Who hears what is written to these companies; those nobody listens to are left out."""
    if not company_ids:
        return {}
    house_says = await house.settings(tx)
    found: dict[int, Hearer] = {}
    for one in (await companies.find_many(tx, company_ids)).values():
        own = one.settings
        if own.reply_webhook_url:
            statuses = own.reply_webhook_statuses
            found[one.id] = Hearer(own.reply_webhook_url, "reply", one.name, statuses)
        elif house_says.reply_webhook_url:
            url, statuses = house_says.reply_webhook_url, house_says.reply_webhook_statuses
            found[one.id] = Hearer(url, "house_reply", one.name, statuses)
    return found


async def statuses_are_heard(tx: AsyncConnection, company_ids: Collection[int]) -> bool:
    """Whether anybody may want to hear what becomes of these companies' messages: one quick look,
    for it is asked with every batch that is sent.
    """
    own = companies.companies.c.settings["reply_webhook_statuses"].as_boolean()
    houses = house.house.c.settings["reply_webhook_statuses"].as_boolean()
    theirs = sa.exists().where(companies.companies.c.id.in_(company_ids), own)
    query = sa.select(sa.or_(theirs, sa.exists().where(houses)))
    return bool(await tx.scalar(query))


def call(
    hearer: Hearer,
    company_id: int,
    told: Mapping[str, Any],
    now: datetime,
    *,
    key: str,
    contact_id: int = 0,
) -> NewCall:
    """The row that tells `told`; a receiver knows it again by `key`."""
    request = CallWebhook(
        step="",
        seq=0,
        method="POST",
        url=hearer.url,
        headers={"Idempotency-Key": key},
        body=msgspec.json.encode(told).decode(),
        timeout_s=TIMEOUT_S,
        sign=True,
    )
    return NewCall(
        id=new_id(now),
        company_id=company_id,
        contact_id=contact_id,
        run_id=0,
        seq=0,
        request=request,
        due_at=now,
        created_at=now,
        purpose=hearer.purpose,
        host=host_of(hearer.url),
    )


def mail(to: str, company_id: int, subject: str, text: str, now: datetime, *, key: str) -> NewCall:
    """The row that sends an e-mail; two with the same `key` are one."""
    return NewCall(
        id=new_id(now),
        company_id=company_id,
        contact_id=0,
        run_id=0,
        seq=0,
        request={"to": to, "subject": subject, "text": text, "key": key},
        due_at=now,
        created_at=now,
        purpose="mail",
        host="mail",
    )


def host_of(url: str) -> str:
    """Who is called: the host and its port, in small letters."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()
