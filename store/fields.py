"""The company's own fields of contacts: what each is called and which kind of value it holds.

Rule: flows name a field by its `key`, which never changes; renaming changes the label only.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import FieldKind
from store.columns import JSON, BigId, Moment, Words, metadata

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


async def kinds_of(
    tx: AsyncConnection, company_ids: Collection[int]
) -> dict[int, dict[str, FieldKind]]:
    """`{company id: {key: kind}}` of the fields these companies have defined."""
    table = contact_fields.c
    query = sa.select(table.company_id, table.key, table.kind).where(
        table.company_id.in_(company_ids)
    )
    found: dict[int, dict[str, FieldKind]] = {}
    for company_id, key, kind in await tx.execute(query.order_by(table.id)):
        found.setdefault(company_id, {})[key] = kind
    return found
