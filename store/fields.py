"""The company's own fields of contacts: what each is called and which kind of value it holds.

Rule: flows name a field by its `key`, which never changes; renaming changes the label only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import get_args

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import BUILT_IN_FIELDS, Contact, FieldKind
from flows.naming import uses_field
from flows.words import normal
from store.automations import automations, revisions
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into
from store.errors import InvalidError, NotFoundError
from store.query import Query, among

contact_fields = sa.Table(
    "contact_fields",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("key", Words, nullable=False),
    sa.Column("label", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),  # flows.contact.FieldKind
    sa.Column("options", JSON, nullable=False, default=list),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("company_id", "key"),
)

FIELDS_LIMIT = 200  # of one company: a form longer than that is filled in by nobody
OPTIONS_LIMIT = 100
LABEL_LIMIT = 80  # characters, of a label and of an option
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_TAKEN = frozenset((*Contact().words(), *BUILT_IN_FIELDS))
_KINDS_OF = Query(
    sa.select(contact_fields.c.company_id, contact_fields.c.key, contact_fields.c.kind)
    .where(among(contact_fields.c.company_id, "companies"))
    .order_by(contact_fields.c.id)
)


class Field(Struct, frozen=True):
    """A field: `key` in flows and the API, `label` for people; `options` of a choice."""

    id: int
    key: str
    label: str
    kind: FieldKind
    options: list[str]
    created_at: datetime


class User(Struct, frozen=True):
    """An automation that names a field, in its draft or in what is live."""

    id: int
    name: str


def key_for(label: str) -> str:
    """A key made of a label: `"T-shirt size"` -> `"t_shirt_size"`; empty when nothing is left."""
    key = re.sub(r"[^a-z0-9]+", "_", normal(label)).strip("_")[:64].rstrip("_")
    return key if _KEY.fullmatch(key) else f"field_{key}"[:64] if key else ""


async def define(
    tx: AsyncConnection,
    company_id: int,
    key: str,
    label: str,
    kind: FieldKind,
    now: datetime,
    *,
    options: Sequence[str] = (),
) -> Field:
    """Define a field. Raises InvalidError for a key that cannot be one or is taken, a label that
    another field has, a choice without options, and beyond FIELDS_LIMIT fields.
    """
    there = await of_company(tx, company_id)
    if not _KEY.fullmatch(key):
        raise InvalidError("A key is a letter, then up to 63 letters, digits and _.")
    if key in _TAKEN:
        raise InvalidError(f"Every contact has a “{key}” already; choose another key.")
    if kind not in get_args(FieldKind):
        raise InvalidError(f"“{kind}” is no kind of field.")
    if len(there) >= FIELDS_LIMIT:
        raise InvalidError(f"There are {FIELDS_LIMIT} fields; delete one that nobody uses.")
    values = {
        "company_id": company_id,
        "key": key,
        "label": _fresh_label(label, there),
        "kind": kind,
        "options": _options(kind, options),
        "created_at": now,
    }
    made = await tx.execute(
        insert_into(tx, contact_fields)
        .values(values)
        .on_conflict_do_nothing(index_elements=["company_id", "key"])
        .returning(*columns_of(Field, contact_fields))
    )
    row = made.first()
    if row is None:
        raise InvalidError(f"There is a field “{key}” already.")
    return as_kind(Field, row)


async def of_company(tx: AsyncConnection, company_id: int) -> list[Field]:
    """Its fields, oldest first."""
    query = (
        sa.select(*columns_of(Field, contact_fields))
        .where(contact_fields.c.company_id == company_id)
        .order_by(contact_fields.c.id)
    )
    return [as_kind(Field, row) for row in await tx.execute(query)]


async def get(tx: AsyncConnection, company_id: int, key: str) -> Field:
    """One field. Raises NotFoundError."""
    query = sa.select(*columns_of(Field, contact_fields)).where(_is(company_id, key))
    row = (await tx.execute(query)).first()
    if row is None:
        raise NotFoundError(f"field “{key}” does not exist")
    return as_kind(Field, row)


async def kinds_of(
    tx: AsyncConnection, company_ids: Collection[int]
) -> dict[int, dict[str, FieldKind]]:
    """`{company id: {key: kind}}` of the fields these companies have defined."""
    found: dict[int, dict[str, FieldKind]] = {}
    for company_id, key, kind in await _KINDS_OF.rows(tx, companies=company_ids):
        found.setdefault(company_id, {})[key] = kind
    return found


async def rename(tx: AsyncConnection, company_id: int, key: str, label: str) -> None:
    """Call it something else: flows and contacts keep its key. Raises NotFoundError, and
    InvalidError for a label that another field has.
    """
    await get(tx, company_id, key)
    others = [one for one in await of_company(tx, company_id) if one.key != key]
    fresh = _fresh_label(label, others)
    await tx.execute(sa.update(contact_fields).where(_is(company_id, key)).values(label=fresh))


async def set_options(
    tx: AsyncConnection, company_id: int, key: str, options: Sequence[str]
) -> None:
    """Change what a choice offers; contacts keep what they have. Raises NotFoundError, and
    InvalidError for a field of another kind.
    """
    field = await get(tx, company_id, key)
    kept = _options(field.kind, options)
    await tx.execute(sa.update(contact_fields).where(_is(company_id, key)).values(options=kept))


async def users_of(tx: AsyncConnection, company_id: int, key: str) -> list[User]:
    """The automations, archived ones aside, whose draft or live flow names the field."""
    query = (
        sa.select(automations.c.id, automations.c.name, automations.c.draft, revisions.c.flow)
        .outerjoin(revisions, revisions.c.id == automations.c.live_revision_id)
        .where(automations.c.company_id == company_id, automations.c.status != "archived")
        .order_by(automations.c.id)
    )
    return [
        User(row.id, row.name)
        for row in await tx.execute(query)
        if uses_field(row.draft, key) or (row.flow is not None and uses_field(row.flow, key))
    ]


async def remove(tx: AsyncConnection, company_id: int, key: str) -> list[User]:
    """Forget a field that no automation names; the automations that do, when there are some:
    nothing is done then. What contacts have in it stays, as values of no kind.
    Raises NotFoundError.
    """
    await get(tx, company_id, key)
    users = await users_of(tx, company_id, key)
    if not users:
        await tx.execute(sa.delete(contact_fields).where(_is(company_id, key)))
    return users


def _is(company_id: int, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(contact_fields.c.company_id == company_id, contact_fields.c.key == key)


def _fresh_label(label: str, others: Sequence[Field]) -> str:
    said = " ".join(label.split())
    if not said or len(said) > LABEL_LIMIT:
        raise InvalidError(f"A label has 1 to {LABEL_LIMIT} characters.")
    if any(one.label.casefold() == said.casefold() for one in others):
        raise InvalidError(f"Another field is called “{said}” already.")
    return said


def _options(kind: FieldKind, options: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(said for one in options if (said := " ".join(one.split()))))
    if kind != "choice" and kept:
        raise InvalidError("Only a choice has options.")
    if kind == "choice" and not 1 <= len(kept) <= OPTIONS_LIMIT:
        raise InvalidError(f"A choice needs 1 to {OPTIONS_LIMIT} options.")
    if any(len(one) > LABEL_LIMIT for one in kept):
        raise InvalidError(f"An option has at most {LABEL_LIMIT} characters.")
    return kept
