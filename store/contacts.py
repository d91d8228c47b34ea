"""Contacts: the people a company writes to, their addresses and tags.

Rule: verbs change many contacts in one statement; a consent always says when and from where.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import BUILT_IN_FIELDS
from store import bulk
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import insert_rows

HANDED_OVER = sa.text("handed_over_at IS NOT NULL")

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False),
    sa.Column("name", Words, nullable=False, default=""),
    sa.Column("first_name", Words, nullable=False, default=""),
    sa.Column("last_name", Words, nullable=False, default=""),
    sa.Column("language", Words, nullable=False, default=""),
    sa.Column("zone", Words, nullable=False, default=""),
    sa.Column("country", Words, nullable=False, default=""),
    sa.Column("consent", Words, nullable=False, default="unknown"),
    sa.Column("consent_at", Moment),
    sa.Column("consent_source", Words, nullable=False, default=""),
    sa.Column("blocked_at", Moment),
    sa.Column("handed_over_at", Moment),
    sa.Column("handed_over_run_id", BigId),  # the run that did it may still say its word
    sa.Column("assigned_to", BigId),  # a user
    sa.Column("deleted_at", Moment),
    sa.Column("last_inbound_at", Moment),
    sa.Column("last_inbound_text", Words, nullable=False, default=""),
    sa.Column("last_outbound_at", Moment),
    sa.Column("last_phone_id", BigId),
    sa.Column("free_until", Moment),  # they came from an advertisement: messages cost nothing
    sa.Column("referred_at", Moment),  # they came from one, and were not answered yet
    sa.Column("fields", JSON, nullable=False, default=dict),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("ix_contacts_company_id_id", "company_id", "id"),
    sa.Index(
        "ix_contacts_handed_over",
        "company_id",
        sqlite_where=HANDED_OVER,
        postgresql_where=HANDED_OVER,
    ),
)

NOT_EMAIL = sa.text("kind_space <> 'email'")
IS_EMAIL = sa.text("kind_space = 'email'")

contact_addresses = sa.Table(
    "contact_addresses",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column(
        "contact_id", BigId, sa.ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("kind", Words, nullable=False),
    sa.Column("kind_space", Words, nullable=False),
    sa.Column("value", Words, nullable=False),
    sa.Column("key", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_contact_addresses_contact_id", "contact_id"),
    sa.Index(
        "uq_contact_addresses_key",
        "company_id",
        "kind_space",
        "key",
        unique=True,
        sqlite_where=NOT_EMAIL,
        postgresql_where=NOT_EMAIL,
    ),
    sa.Index(
        "ix_contact_addresses_email",
        "company_id",
        "key",
        sqlite_where=IS_EMAIL,
        postgresql_where=IS_EMAIL,
    ),
)

contact_tags = sa.Table(
    "contact_tags",
    metadata,
    sa.Column("company_id", BigId, nullable=False),
    sa.Column(
        "contact_id", BigId, sa.ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("tag", Words, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_contact_tags_company_id_tag", "company_id", "tag", "contact_id"),
)

Consent = Literal["yes", "no", "unknown"]
AddressKind = Literal["phone", "wa_id", "user_id", "lid", "email"]


async def opt_out(
    tx: AsyncConnection, contact_ids: Collection[int], now: datetime, source: str
) -> list[int]:
    """Remember that they want no marketing; the ids of those who had not said so before.

    `source` is kept as proof: what they did, in words (`wrote "stop"`, `WhatsApp preferences`).
    """
    return await _set_consent(tx, contact_ids, "no", now, source)


async def opt_in(
    tx: AsyncConnection, contact_ids: Collection[int], now: datetime, source: str
) -> list[int]:
    """Remember that they want marketing; the ids of those who had not said so before."""
    return await _set_consent(tx, contact_ids, "yes", now, source)


async def opt_in_unknown(
    tx: AsyncConnection, contact_ids: Collection[int], now: datetime, source: str
) -> list[int]:
    """A consent told by a third party: counts only for those who never said anything to us.

    The ids of those it counts for.
    """
    unknown = contacts.c.consent == "unknown"
    return await _set_consent(tx, contact_ids, "yes", now, source, unknown)


async def tag(
    tx: AsyncConnection,
    company_id: int,
    contact_ids: Collection[int],
    tags: Collection[str],
    now: datetime,
) -> None:
    """Put all `tags` on all contacts; a tag that is there already stays as it is."""
    await tag_rows(tx, [(company_id, one, name) for one in contact_ids for name in tags], now)


async def tag_rows(
    tx: AsyncConnection, rows: Collection[tuple[int, int, str]], now: datetime
) -> None:
    """Put tags on contacts: rows of company id, contact id and tag."""
    tagged = [(*row, now) for row in sorted(set(rows))]  # one order: no deadlock
    names = ("company_id", "contact_id", "tag", "at")
    await bulk.insert_new(tx, contact_tags, names, tagged, ("contact_id", "tag"))


async def untag(tx: AsyncConnection, contact_ids: Collection[int], tags: Collection[str]) -> None:
    """Take all `tags` off all contacts."""
    if contact_ids and tags:
        await tx.execute(
            sa.delete(contact_tags).where(
                contact_tags.c.contact_id.in_(contact_ids), contact_tags.c.tag.in_(tags)
            )
        )


async def untag_rows(tx: AsyncConnection, rows: Collection[tuple[int, str]]) -> None:
    """Take tags off contacts: rows of contact id and tag."""
    await bulk.delete(tx, contact_tags, ("contact_id", "tag"), sorted(set(rows)))


async def set_fields(
    tx: AsyncConnection, changes: Mapping[int, Mapping[str, Any]], now: datetime
) -> None:
    """Set fields per contact id; None empties one, fields that are not named stay.

    The names of `flows.contact.BUILT_IN_FIELDS` change the person, all others custom fields.
    """
    if not changes:
        return
    query = (
        sa.select(contacts.c.id, contacts.c.fields)
        .where(contacts.c.id.in_(changes))
        .order_by(contacts.c.id)
        .with_for_update()
    )
    rows: dict[int, dict[str, Any]] = {}
    for contact_id, fields in await tx.execute(query):
        change = changes[contact_id]
        rows[contact_id] = {
            name: "" if value is None else str(value)
            for name, value in change.items()
            if name in BUILT_IN_FIELDS
        }
        if custom := {name: change[name] for name in change.keys() - set(BUILT_IN_FIELDS)}:
            merged = {**fields, **custom}
            rows[contact_id]["fields"] = {k: v for k, v in merged.items() if v is not None}
    await update_rows(tx, rows, now)


async def update_rows(
    tx: AsyncConnection, rows: Mapping[int, Mapping[str, Any]], now: datetime
) -> None:
    """Write columns per contact id; `fields` is the whole new set, `email` replaces theirs."""
    alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for contact_id, row in sorted(rows.items()):  # one order: no two writers deadlock
        names = tuple(sorted(row.keys() - {"email"}))
        values = [row[name] for name in names]
        alike.setdefault(names, []).append((contact_id, now, *values))
    for names, changed in alike.items():
        await bulk.update(tx, contacts, ("id", "updated_at", *names), changed)
    emails = {of: str(row["email"] or "").strip() for of, row in rows.items() if "email" in row}
    if emails:
        await _replace_emails(tx, emails, now)


async def block(tx: AsyncConnection, contact_ids: Collection[int], now: datetime) -> None:
    """Send nothing at all to these contacts any more."""
    await _stamp(tx, contact_ids, "blocked_at", now, now)


async def unblock(tx: AsyncConnection, contact_ids: Collection[int], now: datetime) -> None:
    """Let these contacts be written to again."""
    await _stamp(tx, contact_ids, "blocked_at", None, now)


async def assign(
    tx: AsyncConnection, contact_ids: Collection[int], user_id: int | None, now: datetime
) -> None:
    """Give these chats to a colleague (a user's id), or to nobody in particular."""
    if contact_ids:
        await tx.execute(
            sa.update(contacts)
            .where(contacts.c.id.in_(contact_ids))
            .values(assigned_to=user_id, updated_at=now)
        )


async def hand_over(tx: AsyncConnection, contact_ids: Collection[int], now: datetime) -> None:
    """A person takes these chats: automations keep silent, also a run that had called for one."""
    if not contact_ids:
        return
    news = sa.or_(contacts.c.handed_over_at.is_(None), contacts.c.handed_over_run_id.is_not(None))
    since = sa.func.coalesce(contacts.c.handed_over_at, sa.literal(now, contacts.c.updated_at.type))
    await tx.execute(
        sa.update(contacts)
        .where(contacts.c.id.in_(contact_ids), news)
        .values(handed_over_at=since, handed_over_run_id=None, updated_at=now)
    )


async def give_back(tx: AsyncConnection, contact_ids: Collection[int], now: datetime) -> list[int]:
    """Automations may speak to these contacts again; the ids of those a person had taken over."""
    return await _give_back(tx, contacts.c.id.in_(contact_ids), now) if contact_ids else []


async def give_back_silent(
    tx: AsyncConnection, company_id: int, since: datetime, now: datetime
) -> list[int]:
    """Give back the chats of a company in which nothing was said after `since`; their ids."""
    spoken = (contacts.c.last_inbound_at, contacts.c.last_outbound_at)
    silent = [sa.or_(column.is_(None), column < since) for column in spoken]
    mine = sa.and_(contacts.c.company_id == company_id, contacts.c.handed_over_at < since, *silent)
    return await _give_back(tx, mine, now)


async def with_handed_over(tx: AsyncConnection) -> set[int]:
    """The companies with chats that a person has taken over."""
    query = sa.select(contacts.c.company_id).where(HANDED_OVER).distinct()
    return set((await tx.execute(query)).scalars())


async def _replace_emails(tx: AsyncConnection, emails: Mapping[int, str], now: datetime) -> None:
    await tx.execute(
        sa.delete(contact_addresses).where(
            contact_addresses.c.contact_id.in_(emails), contact_addresses.c.kind == "email"
        )
    )
    owners = sa.select(contacts.c.id, contacts.c.company_id).where(contacts.c.id.in_(emails))
    rows = [
        {
            "company_id": company_id,
            "contact_id": contact_id,
            "kind": "email",
            "kind_space": "email",
            "value": emails[contact_id],
            "key": emails[contact_id].lower(),
            "created_at": now,
        }
        for contact_id, company_id in await tx.execute(owners)
        if emails[contact_id]
    ]
    await insert_rows(tx, contact_addresses, rows)


async def _set_consent(
    tx: AsyncConnection,
    contact_ids: Collection[int],
    to: Consent,
    now: datetime,
    source: str,
    only: sa.ColumnElement[bool] | None = None,
) -> list[int]:
    if not contact_ids:
        return []
    result = await tx.execute(
        sa.update(contacts)
        .where(contacts.c.id.in_(contact_ids), contacts.c.consent != to)
        .where(sa.true() if only is None else only)
        .values(consent=to, consent_at=now, consent_source=source, updated_at=now)
        .returning(contacts.c.id)
    )
    return sorted(result.scalars())


async def erased(tx: AsyncConnection, contact_ids: Collection[int]) -> set[int]:
    """Those of these contacts that were erased."""
    query = sa.select(contacts.c.id).where(
        contacts.c.id.in_(contact_ids), contacts.c.deleted_at.is_not(None)
    )
    return set((await tx.execute(query)).scalars())


async def _give_back(
    tx: AsyncConnection, which: sa.ColumnElement[bool], now: datetime
) -> list[int]:
    result = await tx.execute(
        sa.update(contacts)
        .where(which, contacts.c.handed_over_at.is_not(None))
        .values(handed_over_at=None, handed_over_run_id=None, updated_at=now)
        .returning(contacts.c.id)
    )
    return sorted(result.scalars())


async def _stamp(
    tx: AsyncConnection,
    contact_ids: Collection[int],
    column: str,
    at: datetime | None,
    now: datetime,
) -> None:
    stamped = contacts.c[column]
    if contact_ids:
        await tx.execute(
            sa.update(contacts)
            .where(contacts.c.id.in_(contact_ids))
            .where(stamped.is_not(None) if at is None else stamped.is_(None))
            .values({column: at, "updated_at": now})
        )
