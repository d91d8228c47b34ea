"""Contacts as flows see them: many at once, in a handful of statements.

Rule: read-only; what a run changes is written by the engine's batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import Company, Consent, Contact, FieldKind
from store import fields, lists
from store.companies import CompanySettings, companies, read_settings
from store.contacts import contact_addresses, contact_tags, contacts
from store.numbers import zones_for
from store.query import Query, among

NO_ADDRESSES: Mapping[str, str] = {}


class Row(msgspec.Struct, frozen=True):
    """The columns of a contact that flows may see. `fields` is JSON text."""

    id: int
    company_id: int
    name: str
    first_name: str
    last_name: str
    language: str
    zone: str
    country: str
    consent: Consent
    blocked_at: datetime | None
    handed_over_at: datetime | None
    deleted_at: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    last_inbound_text: str
    fields: str
    created_at: datetime


class Home(msgspec.Struct, frozen=True):
    """The columns of a company that flows may see. `settings` is JSON text."""

    id: int
    name: str
    zone: str
    language: str
    country: str
    settings: str


class Snapshot(msgspec.Struct, frozen=True):
    """A contact, and what its company decided."""

    contact: Contact
    company_id: int
    settings: CompanySettings


_CONTACTS = Query(
    sa.select(
        *(contacts.c[name] for name in Row.__struct_fields__),
    ).where(among(contacts.c.id, "contacts"))
)
_COMPANIES = Query(
    sa.select(*(companies.c[name] for name in Home.__struct_fields__)).where(
        among(companies.c.id, "companies")
    )
)
_TAGS = Query(
    sa.select(contact_tags.c.contact_id, contact_tags.c.tag).where(
        among(contact_tags.c.contact_id, "contacts")
    )
)
_ADDRESSES = Query(
    sa.select(contact_addresses.c.contact_id, contact_addresses.c.kind, contact_addresses.c.value)
    .where(among(contact_addresses.c.contact_id, "contacts"))
    .order_by(contact_addresses.c.id.desc())
)


async def snapshots(tx: AsyncConnection, contact_ids: Collection[int]) -> dict[int, Snapshot]:
    """`{contact id: snapshot}`; ids that do not exist are missing. Deleted contacts are blocked."""
    rows = await _CONTACTS.kinds(tx, Row, contacts=contact_ids)
    tags: dict[int, list[str]] = {}
    for contact_id, tag in await _TAGS.rows(tx, contacts=contact_ids):
        tags.setdefault(contact_id, []).append(tag)
    addresses: dict[int, dict[str, str]] = {}
    for contact_id, kind, value in await _ADDRESSES.rows(tx, contacts=contact_ids):
        addresses.setdefault(contact_id, {})[kind] = value
    on_lists = await lists.names_of(tx, contact_ids)
    known = await homes(tx, {row.company_id for row in rows})
    found: dict[int, Snapshot] = {}
    for row in rows:
        company, settings = known[row.company_id]
        contact = _contact(
            row,
            company,
            frozenset(tags.get(row.id, ())),
            frozenset(on_lists.get(row.id, ())),
            addresses.get(row.id, NO_ADDRESSES),
        )
        found[row.id] = Snapshot(contact, company.id, settings)
    return found


async def homes(
    tx: AsyncConnection, company_ids: Collection[int]
) -> dict[int, tuple[Company, CompanySettings]]:
    """Companies as flows see them, each with all it decided."""
    kinds = await fields.kinds_of(tx, company_ids)
    found: dict[int, tuple[Company, CompanySettings]] = {}
    for home in await _COMPANIES.kinds(tx, Home, companies=company_ids):
        settings = _read(home.settings)
        found[home.id] = _company(home, settings, kinds.get(home.id, {})), settings
    return found


@lru_cache(maxsize=1024)
def _read(settings: str) -> CompanySettings:
    return read_settings(msgspec.json.decode(settings))


def _company(home: Home, settings: CompanySettings, kinds: dict[str, FieldKind]) -> Company:
    return Company(
        id=home.id,
        name=home.name,
        zone=home.zone,
        language=home.language,
        country=home.country,
        hours={day: hours for day, hours in settings.working_hours.items() if hours},
        holidays_of=home.country if settings.public_holidays else "",
        holidays=tuple(day.isoformat() for day in settings.holidays),
        fields=kinds,
    )


def _contact(
    row: Row,
    company: Company,
    tags: frozenset[str],
    on_lists: frozenset[str],
    addresses: Mapping[str, str],
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
        zone=zones_for(row.zone, phone, company.zone)[0],
        consent=row.consent,
        blocked=row.blocked_at is not None or row.deleted_at is not None,
        handed_over=row.handed_over_at is not None,
        last_inbound_at=row.last_inbound_at,
        last_outbound_at=row.last_outbound_at,
        last_message=row.last_inbound_text,
        created_at=row.created_at,
        tags=tags,
        lists=on_lists,
        fields={} if row.fields == "{}" else msgspec.json.decode(row.fields),
        company=company,
    )
