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
    sa.UniqueConstraint("company_id", "account_id", "name", "language"),
    sa.Index("ix_templates_remote_id", "remote_id"),
)

TOLD = ("category", "status", "quality", "components", "remote_id", "rejected_because")
APPROVED = "APPROVED"
GONE = "DELETED"
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
    edits: list[str] = []

    @property
    def edited_at(self) -> list[datetime]:
        """When it was edited, oldest first; WhatsApp allows so many edits of approved ones."""
        return [datetime.fromisoformat(at) for at in self.edits]

    @property
    def body(self) -> str:
        """The text with its variables, empty when there is none."""
        for component in self.components:
            if str(component.get("type", "")).upper() == "BODY":
                return str(component.get("text") or "")
        return ""

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """Its buttons in WhatsApp's words, in the order they are counted in."""
        for component in self.components:
            if str(component.get("type", "")).upper() == "BUTTONS":
                return list(component.get("buttons") or [])
        return []

    def filled(self, values: Sequence[str], named: Mapping[str, str] | None = None) -> str:
        """The text as the recipient reads it; variables without a value stay as they are."""
        known = {str(place): value for place, value in enumerate(values, 1)} | dict(named or {})
        return _VARIABLE.sub(lambda found: known.get(found[1], found[0]), self.body)


async def upsert(
    tx: AsyncConnection, company_id: int, rows: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Remember what the account says now.

    Rows hold `name`, `language`, `category`, `status`, `components` and, where known,
    `account_id`, `quality`, `remote_id` and `rejected_because`. One that was kept without its
    account becomes that account's.
    """
    if not rows:
        return
    newest = {(row.get("account_id", ""), row["name"], row["language"]): row for row in rows}
    owned = [key[1:] for key in newest if key[0]]
    if owned:
        name = sa.tuple_(templates.c.name, templates.c.language)
        homeless = sa.and_(templates.c.company_id == company_id, templates.c.account_id == "")
        await tx.execute(sa.delete(templates).where(homeless, name.in_(owned)))
    query = insert_into(tx, templates)
    unknown = {"account_id": "", "quality": "UNKNOWN", "remote_id": None, "rejected_because": ""}
    await tx.execute(
        query.on_conflict_do_update(
            index_elements=["company_id", "account_id", "name", "language"],
            set_={"updated_at": now, **{name: query.excluded[name] for name in TOLD}},
        ),
        [
            unknown | dict(row) | {"company_id": company_id, "created_at": now, "updated_at": now}
            for _, row in sorted(newest.items())
        ],
    )


async def find(tx: AsyncConnection, company_id: int, template_id: int) -> Template | None:
    """One template of a company, or None."""
    query = sa.select(*columns_of(Template, templates)).where(
        templates.c.company_id == company_id, templates.c.id == template_id
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Template, row)


async def find_remote(tx: AsyncConnection, company_id: int, remote_id: str) -> Template | None:
    """The template of a company that WhatsApp calls so, or None."""
    query = sa.select(*columns_of(Template, templates)).where(
        templates.c.company_id == company_id, templates.c.remote_id == remote_id
    )
    row = (await tx.execute(query)).first()
    return None if row is None else as_kind(Template, row)


async def find_many(
    tx: AsyncConnection, keys: Collection[tuple[int, str, str]]
) -> dict[tuple[int, str, str], Template]:
    """Templates by `(company id, name, language)`; unknown ones are left out. Of several accounts'
    the approved one.
    """
    found = await _named(tx, keys)
    # Approved ones come last, and stay.
    best = sorted(found, key=lambda one: one.status.upper() == APPROVED)
    return {(one.company_id, one.name, one.language): one for one in best}


async def status_by_account(
    tx: AsyncConnection, keys: Collection[tuple[int, str, str]]
) -> dict[tuple[int, str, str], dict[str, str]]:
    """`{(company id, name, language): {account id: status}}`. A template of the account "" is
    everybody's.
    """
    found: dict[tuple[int, str, str], dict[str, str]] = {}
    for one in await _named(tx, keys):
        of = found.setdefault((one.company_id, one.name, one.language), {})
        of[one.account_id] = one.status.upper()
    return found


async def _named(tx: AsyncConnection, keys: Collection[tuple[int, str, str]]) -> list[Template]:
    if not keys:
        return []
    key = sa.tuple_(templates.c.company_id, templates.c.name, templates.c.language)
    query = sa.select(*columns_of(Template, templates)).where(key.in_(list(keys)))
    rows = await tx.execute(query.order_by(templates.c.id))
    return [as_kind(Template, row) for row in rows]


async def page(tx: AsyncConnection, company_id: int, *, after: int, limit: int) -> list[Template]:
    """Templates of a company that are still there, with ids above `after`, in that order."""
    query = (
        sa.select(*columns_of(Template, templates))
        .where(templates.c.company_id == company_id, templates.c.status != GONE)
        .where(templates.c.id > after)
        .order_by(templates.c.id)
        .limit(limit)
    )
    return [as_kind(Template, row) for row in await tx.execute(query)]


async def of_company(tx: AsyncConnection, company_id: int) -> list[Template]:
    """All templates of a company that are still there, by name and language; of several accounts'
    with one name the approved one is the last.
    """
    approved = sa.case((templates.c.status == APPROVED, 1), else_=0)
    query = (
        sa.select(*columns_of(Template, templates))
        .where(templates.c.company_id == company_id, templates.c.status != GONE)
        .order_by(templates.c.name, templates.c.language, approved, templates.c.id)
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
    """Note a webhook's news (`status`, `quality`, `category`, `rejected_because`); the ids of what
    it was about.
    """
    result = await tx.execute(
        sa.update(templates)
        .where(templates.c.account_id == account_id)
        .where(templates.c.name == name, templates.c.language == language)
        .values(updated_at=now, **told)
        .returning(templates.c.id)
    )
    return sorted(result.scalars())


async def note_edit(tx: AsyncConnection, template: Template, now: datetime, **told: Any) -> None:
    """It was edited: WhatsApp looks at it again. `told`: its new `components` and `category`."""
    await tx.execute(
        sa.update(templates)
        .where(templates.c.id == template.id)
        .values(edits=[*template.edits, now.isoformat()], updated_at=now, **told)
    )


async def forget(tx: AsyncConnection, template_id: int, now: datetime) -> None:
    """It was deleted. The row stays, because messages and flows speak of it."""
    which = templates.c.id == template_id
    await tx.execute(sa.update(templates).where(which).values(status=GONE, updated_at=now))


async def forget_others(
    tx: AsyncConnection,
    company_id: int,
    account_id: str,
    listed: Collection[tuple[str, str]],
    now: datetime,
) -> int:
    """Templates of an account that it did not list are deleted; how many there were."""
    query = sa.select(templates.c.id, templates.c.name, templates.c.language).where(
        templates.c.company_id == company_id,
        templates.c.account_id == account_id,
        templates.c.status != GONE,
    )
    known = set(listed)
    gone = [one for one, name, language in await tx.execute(query) if (name, language) not in known]
    which = templates.c.id.in_(gone)
    await tx.execute(sa.update(templates).where(which).values(status=GONE, updated_at=now))
    return len(gone)
