"""Folders of automations: plain names under which people find them again.

Rule: a folder is there as long as something is in it; nobody makes or deletes one.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automation_tables import automations
from store.errors import InvalidError, NotFoundError

LONGEST = 60


async def put_in(
    tx: AsyncConnection, company_id: int, automation_id: int, folder: str, now: datetime
) -> None:
    """Put an automation into a folder, "" takes it out. Raises NotFoundError and InvalidError."""
    name = " ".join(folder.split())
    if len(name) > LONGEST:
        message = f"a folder's name has at most {LONGEST} letters"
        raise InvalidError(message)
    changed = await tx.execute(
        sa.update(automations)
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
        .values(folder=name, updated_at=now)
    )
    if changed.rowcount == 0:
        message = f"automation {automation_id} does not exist"
        raise NotFoundError(message)


async def of_company(tx: AsyncConnection, company_id: int) -> list[str]:
    """The folders that somebody uses, in the order of the alphabet."""
    query = (
        sa.select(automations.c.folder)
        .where(automations.c.company_id == company_id, automations.c.folder != "")
        .where(automations.c.status != "archived")
        .distinct()
    )
    return sorted((await tx.execute(query)).scalars(), key=str.casefold)


async def names_taken(tx: AsyncConnection, company_id: int, beginning: str) -> set[str]:
    """The names of a company's automations that begin like this, so that a new one differs."""
    query = sa.select(automations.c.name).where(
        automations.c.company_id == company_id,
        automations.c.name.startswith(beginning, autoescape=True),
    )
    return set((await tx.execute(query)).scalars())
