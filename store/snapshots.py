"""Contacts as flows see them: many at once, in three statements.

Rule: read-only; what a run changes is written by the engine's batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import Company, Contact, FieldKind
from store import fields, lists
from store.companies import CompanySettings, companies, read_settings
from store.contacts import contact_addresses, contact_tags, contacts
from store.numbers import zones_for


class Snapshot(msgspec.Struct, frozen=True):
    """A contact, and what its company decided."""

    contact: Contact
    company_id: int
    settings: CompanySettings


async def snapshots(tx: AsyncConnection, contact_ids: Sequence[int]) -> dict[int, Snapshot]:
    """`{contact id: snapshot}`; ids that do not exist are missing. Deleted contacts are blocked."""
    query = (
        sa.select(
            contacts,
            companies.c.name.label("company_name"),
            companies.c.zone.label("company_zone"),
            companies.c.language.label("company_language"),
            companies.c.country.label("company_country"),
            companies.c.settings.label("company_settings"),
        )
        .join(companies, companies.c.id == contacts.c.company_id)
        .where(contacts.c.id.in_(contact_ids))
    )
    rows = (await tx.execute(query)).all()
    tags: dict[int, set[str]] = {}
    for contact_id, tag in await tx.execute(
        sa.select(contact_tags.c.contact_id, contact_tags.c.tag).where(
            contact_tags.c.contact_id.in_(contact_ids)
        )
    ):
        tags.setdefault(contact_id, set()).add(tag)
    addresses: dict[int, dict[str, str]] = {}
    for contact_id, kind, value in await tx.execute(
        sa.select(
            contact_addresses.c.contact_id, contact_addresses.c.kind, contact_addresses.c.value
        )
        .where(contact_addresses.c.contact_id.in_(contact_ids))
        .order_by(contact_addresses.c.id.desc())
    ):
        addresses.setdefault(contact_id, {})[kind] = value
    on_lists = await lists.names_of(tx, contact_ids)
    settings: dict[int, CompanySettings] = {}
    known: dict[int, Company] = {}
    kinds = await fields.kinds_of(tx, {row.company_id for row in rows})
    for row in rows:
        company_id = row.company_id
        if company_id not in settings:
            settings[company_id] = read_settings(row.company_settings)
            known[company_id] = _company(row, settings[company_id], kinds.get(company_id, {}))
    return {
        row.id: Snapshot(
            _contact(
                row,
                known[row.company_id],
                frozenset(tags.get(row.id, ())),
                frozenset(on_lists.get(row.id, ())),
                addresses.get(row.id, {}),
            ),
            row.company_id,
            settings[row.company_id],
        )
        for row in rows
    }


def _company(row: Any, settings: CompanySettings, kinds: dict[str, FieldKind]) -> Company:
    return Company(
        id=row.company_id,
        name=row.company_name,
        zone=row.company_zone,
        language=row.company_language,
        country=row.company_country,
        hours={day: hours for day, hours in settings.working_hours.items() if hours},
        holidays_of=row.company_country if settings.public_holidays else "",
        holidays=tuple(day.isoformat() for day in settings.holidays),
        fields=kinds,
    )


def _contact(
    row: Any,
    company: Company,
    tags: frozenset[str],
    on_lists: frozenset[str],
    addresses: dict[str, str],
) -> Contact:
    phone = addresses.get("phone") or addresses.get("wa_id", "")
    return Contact(
        id=row.id,
        name=row.name or f"{row.first_name} {row.last_name}".strip(),
        first_name=row.first_name or row.name.split(" ", 1)[0],
        last_name=row.last_name,
        phone=phone,
        email=addresses.get("email", ""),
        language=row.language,
        country=row.country,
        zone=zones_for(row.zone, phone, row.company_zone)[0],
        consent=row.consent,
        blocked=row.blocked_at is not None or row.deleted_at is not None,
        handed_over=row.handed_over_at is not None,
        last_inbound_at=row.last_inbound_at,
        last_outbound_at=row.last_outbound_at,
        last_message=row.last_inbound_text,
        created_at=row.created_at,
        tags=tags,
        lists=on_lists,
        fields=row.fields or {},
        company=company,
    )
