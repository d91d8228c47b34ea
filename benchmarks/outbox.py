"""The world around the gateway: companies with phones, people, and messages that wait for them.

Rule: everything here happens in bulk and outside the measured time. Rows are those that engine and
API write.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.filling import fill, numbers
from flows.content import Content, Template, Text, plain
from store import companies, phones
from store.companies import CompanySettings, Day, Hours
from store.contacts import contact_addresses, contacts
from store.ids import first_id_at
from store.messages import messages

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday, noon in Rome
FIRST_NUMBER = 393300000000  # of the people, by their id
OLD = timedelta(days=400)  # no phone of the house is careful because it is new
OFFER = Template("offer", "en", body=("Ada", "49,90 €"))
ANSWER = Text("Your order is on its way.")
ALL_DAY: Hours = ("00:00", "24:00")
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


async def company(tx: AsyncConnection, name: str) -> int:
    """A company that may send at any hour, as often as it likes."""
    settings = CompanySettings(
        sending_hours=dict.fromkeys(DAYS, ALL_DAY),
        quiet_on_holidays=False,
        gap_minutes=0,
        marketing_per_day=None,
        marketing_per_week=None,
    )
    return await companies.create(tx, name, now=NOW, settings=settings)


async def phone(tx: AsyncConnection, company_id: int, remote_id: str, **told: Any) -> int:
    """One more number of a company at WhatsApp, connected long ago; `told` are columns."""
    values: dict[str, Any] = {
        "remote_id": remote_id,
        "account_id": f"account-{company_id}",
        "name": f"Phone {remote_id}",
        "number": f"+{remote_id}",
        "credentials": {"token": "token", "app_secret": "secret"},
        "quality": "GREEN",
    }
    return await phones.create(tx, company_id, "cloud_api", NOW - OLD, **values | told)


async def people(
    tx: AsyncConnection, company_id: int, first: int, last: int, **values: Any
) -> None:
    """Contacts with these ids, both ends included, and their WhatsApp ids; `values` are columns."""
    n = numbers(first, last)
    row = {
        "id": n,
        "company_id": company_id,
        "first_name": "Ada",
        "zone": "Europe/Rome",
        "consent": "yes",
        "created_at": NOW,
        "updated_at": NOW,
    }
    await fill(tx, contacts, row | values)
    n = numbers(first, last)
    wa_id = sa.cast(n + FIRST_NUMBER, sa.Text)
    row = {
        "company_id": company_id,
        "contact_id": n,
        "kind": "wa_id",
        "kind_space": "number",
        "value": wa_id,
        "key": wa_id,
        "created_at": NOW,
    }
    await fill(tx, contact_addresses, row)


def wa_id_of(contact_id: int) -> str:
    """The WhatsApp id that `people` gives a contact."""
    return str(FIRST_NUMBER + contact_id)


async def queue(
    tx: AsyncConnection,
    company_id: int,
    ids: range,
    contact_ids: range,
    content: Content = OFFER,
    *,
    now: datetime = NOW,
    **values: Any,
) -> None:
    """Queue as many messages as there are `ids` (places in the queue, from 0) for as many contacts
    in turn, due `now` unless `values` (columns) say otherwise.
    """
    if not ids:
        return
    assert len(ids) == len(contact_ids)
    n = numbers(0, len(ids) - 1)
    is_template = isinstance(content, Template)
    row: Mapping[str, Any] = {
        "id": n + first_id_at(now - timedelta(hours=1)) + ids.start,
        "company_id": company_id,
        "contact_id": n * contact_ids.step + contact_ids.start,
        "direction": "out",
        "state": "queued",
        "kind": str(content.__struct_config__.tag),
        "content": msgspec.to_builtins(content),
        "preview": plain(content),
        "template": OFFER.name if is_template else None,
        "category": "marketing" if is_template else "service",
        "priority": 2,
        "source": "automation",
        "due_at": now,
        "created_at": now,
    }
    await fill(tx, messages, dict(row) | values)


async def put_back(tx: AsyncConnection, worker: str, now: datetime) -> None:
    """Whatever this worker has in hand waits again, behind all that is due."""
    mine = sa.and_(messages.c.state == "sending", messages.c.claimed_by == worker)
    await tx.execute(
        sa.update(messages)
        .where(sa.text("messages.state IN ('sending', 'unconfirmed')"), mine)
        .values(
            state="queued",
            due_at=now,
            attempts=0,
            phone_id=None,
            claimed_by=None,
            claimed_at=None,
            why=[],
            terms=None,
        )
    )
