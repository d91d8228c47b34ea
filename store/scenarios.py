"""Saved tests of an automation: what happens in them and what must come of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into
from store.errors import InvalidError, NotFoundError

scenarios = sa.Table(
    "scenarios",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("document", JSON, nullable=False),  # a flows.scenario.Scenario
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("automation_id", "name"),
)

MOST = 100
"""Saved tests of one automation: all of them are run whenever it is published."""


class Saved(Struct, frozen=True):
    """A saved test. `document` is a `flows.scenario.Scenario` in plain JSON."""

    id: int
    automation_id: int
    name: str
    document: dict[str, Any]
    created_at: datetime
    updated_at: datetime


async def create(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    document: dict[str, Any],
    now: datetime,
) -> int:
    """Keep a test under its name; its id. The caller has seen to it that the automation is theirs.

    Raises InvalidError when the name is taken or there are too many.
    """
    count = sa.select(sa.func.count()).where(scenarios.c.automation_id == automation_id)
    if int(await tx.scalar(count) or 0) >= MOST:
        raise InvalidError(f"an automation has at most {MOST} tests; delete one first")
    made = await tx.scalar(
        insert_into(tx, scenarios)
        .values(
            company_id=company_id,
            automation_id=automation_id,
            name=document["name"],
            document=document,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=["automation_id", "name"])
        .returning(scenarios.c.id)
    )
    if made is None:
        raise _taken(document["name"])
    return int(made)


async def of_automation(tx: AsyncConnection, company_id: int, automation_id: int) -> list[Saved]:
    """All tests of an automation, oldest first."""
    query = (
        sa.select(*columns_of(Saved, scenarios))
        .where(scenarios.c.company_id == company_id, scenarios.c.automation_id == automation_id)
        .order_by(scenarios.c.id)
    )
    return [as_kind(Saved, row) for row in await tx.execute(query)]


async def get(tx: AsyncConnection, company_id: int, scenario_id: int) -> Saved:
    """One test. Raises NotFoundError."""
    query = sa.select(*columns_of(Saved, scenarios)).where(
        scenarios.c.company_id == company_id, scenarios.c.id == scenario_id
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"test {scenario_id} does not exist")
    return as_kind(Saved, row)


async def change(
    tx: AsyncConnection,
    company_id: int,
    scenario_id: int,
    document: dict[str, Any],
    now: datetime,
) -> None:
    """Keep the test's new form. Raises NotFoundError; InvalidError when the name is taken."""
    found = await get(tx, company_id, scenario_id)
    same_name = sa.select(scenarios.c.id).where(
        scenarios.c.automation_id == found.automation_id,
        scenarios.c.name == document["name"],
        scenarios.c.id != scenario_id,
    )
    if await tx.scalar(same_name) is not None:
        raise _taken(document["name"])
    await tx.execute(
        sa.update(scenarios)
        .where(scenarios.c.id == scenario_id)
        .values(name=document["name"], document=document, updated_at=now)
    )


async def delete(tx: AsyncConnection, company_id: int, scenario_id: int) -> int:
    """Forget a test; the id of its automation. Raises NotFoundError."""
    found = await get(tx, company_id, scenario_id)
    await tx.execute(sa.delete(scenarios).where(scenarios.c.id == scenario_id))
    return found.automation_id


def _taken(name: str) -> InvalidError:
    return InvalidError(f"there is a test named “{name}” already; choose another name")
