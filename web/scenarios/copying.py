"""What pages and API do alike with saved tests: make one of a past run, find what to test."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engine import saved
from engine.copies import CannotCopyError
from store import automations, revisions, scenarios
from web.automations import reads
from web.config import WebConfig
from web.security.who import Who
from web.shell.errors import RefusedError

LONGEST_NAME = 120


async def save_copy(who: Who, web: WebConfig, run_id: int, name: str = "") -> scenarios.Saved:
    """Make a saved test of a past run. Raises RefusedError (409), NotFoundError, InvalidError."""
    async with web.database.write() as tx:
        run = await reads.get_run(tx, who.company_id, run_id)
        name = name or f"Like run {run_id} of {run.started_at:%Y-%m-%d %H:%M}"
        try:
            scenario = await saved.copy_of_run(tx, run_id, name[:LONGEST_NAME])
        except CannotCopyError as error:
            raise RefusedError(409, str(error), code="cannot_copy") from error
        document = saved.plain(scenario)
        made = await scenarios.create(tx, who.company_id, run.automation_id, document, web.clock())
        return await scenarios.get(tx, who.company_id, made)


async def document_of(
    tx: AsyncConnection, company_id: int, automation_id: int, number: int | None
) -> dict[str, Any]:
    """The draft, or what revision `number` says. Raises NotFoundError."""
    found = await automations.get(tx, company_id, automation_id)
    if number is None:
        return found.draft
    return (await revisions.get(tx, company_id, automation_id, number)).flow
