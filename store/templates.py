"""WhatsApp message templates, as the account last told us about them.

Rule: the account is the truth; we only remember its newest answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into

templates = sa.Table(
    "templates",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False),
    sa.Column("account_id", Words, nullable=False, default=""),
    sa.Column("name", Words, nullable=False),
    sa.Column("language", Words, nullable=False),
    sa.Column("category", Words, nullable=False),
    sa.Column("status", Words, nullable=False),
    sa.Column("quality", Words, nullable=False, default="UNKNOWN"),
    sa.Column("components", JSON, nullable=False, default=list),
    sa.Column("remote_id", Words),
    sa.Column("rejected_because", Words, nullable=False, default=""),
    sa.Column("edits", JSON, nullable=False, default=list),  # when; WhatsApp allows so many
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("company_id", "name", "language"),
    sa.Index("ix_templates_remote_id", "remote_id"),
)

TOLD = ("account_id", "category", "status", "quality", "components", "remote_id")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Template(Struct, frozen=True):
    """A template; `components` as in WhatsApp's own API, `category` and `status` in its words."""

    id: int
    company_id: int
    account_id: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    components: list[dict[str, Any]]
    remote_id: str | None
    rejected_because: str
    updated_at: datetime

    @property
    def body(self) -> str:
        """The text with its variables, empty when there is none."""
        for component in self.components:
            if str(component.get("type", "")).upper() == "BODY":
                return str(component.get("text") or "")
        return ""

    def filled(self, values: Sequence[str], named: Mapping[str, str] | None = None) -> str:
        """The text as the recipient reads it; variables without a value stay as they are."""
        known = {str(place): value for place, value in enumerate(values, 1)} | dict(named or {})
        return _VARIABLE.sub(lambda found: known.get(found[1], found[0]), self.body)


async def upsert(
    tx: AsyncConnection, company_id: int, rows: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Remember what the account says now.

    Rows hold `name`, `language`, `category`, `status`, `components` and, where known,
    `account_id`, `quality` and `remote_id`.
    """
    if not rows:
        return
    query = insert_into(tx, templates)
    newest = {(row["name"], row["language"]): row for row in rows}
    await tx.execute(
        query.on_conflict_do_update(
            index_elements=["company_id", "name", "language"],
            set_={"updated_at": now, **{name: query.excluded[name] for name in TOLD}},
        ),
        [
            {"account_id": "", "quality": "UNKNOWN", "remote_id": None, **row}
            | {"company_id": company_id, "created_at": now, "updated_at": now}
            for _, row in sorted(newest.items())
        ],
    )


async def find_many(
    tx: AsyncConnection, keys: Collection[tuple[int, str, str]]
) -> dict[tuple[int, str, str], Template]:
    """Templates by `(company id, name, language)`; unknown ones are left out."""
    if not keys:
        return {}
    key = sa.tuple_(templates.c.company_id, templates.c.name, templates.c.language)
    query = sa.select(*columns_of(Template, templates)).where(key.in_(list(keys)))
    found = [as_kind(Template, row) for row in await tx.execute(query)]
    return {(one.company_id, one.name, one.language): one for one in found}


async def of_company(tx: AsyncConnection, company_id: int) -> list[Template]:
    """All templates of a company, by name and language."""
    query = (
        sa.select(*columns_of(Template, templates))
        .where(templates.c.company_id == company_id)
        .order_by(templates.c.name, templates.c.language)
    )
    return [as_kind(Template, row) for row in await tx.execute(query)]


async def set_status(
    tx: AsyncConnection,
    account_id: str,
    name: str,
    language: str,
    now: datetime,
    **told: str,
) -> list[int]:
    """Note a webhook's news (`status`, `quality` or `category`); the ids of what it was about."""
    result = await tx.execute(
        sa.update(templates)
        .where(templates.c.account_id == account_id)
        .where(templates.c.name == name, templates.c.language == language)
        .values(updated_at=now, **told)
        .returning(templates.c.id)
    )
    return sorted(result.scalars())
