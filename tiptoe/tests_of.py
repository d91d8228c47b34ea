"""Saved tests as the command line runs them: from files, or of a stored automation."""

import os
from typing import TYPE_CHECKING

from engine import saved, scenarios
from engine.kinds import catalog
from engine.scenarios import Result
from flows.catalog import Refused
from store import automations, revisions
from store import scenarios as stored
from tiptoe.flow_files import FileError, read_json, read_tests
from tiptoe.memory import change, company_of
from tiptoe.settings import load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


def of_file(file: str, tests_file: str) -> list[Result]:
    """Run the tests of one file against the document of another. Raises FileError."""
    try:
        flow = catalog().read(read_json(file))
    except Refused as refused:
        raise FileError(f"{file} has errors; see `tiptoe flow check`:\n{refused}") from refused
    return [scenarios.run(flow, one, catalog().decode) for one in read_tests(tests_file)]


def of_automation(automation_id: int, revision: int | None, company: int | None) -> list[Result]:
    """Run an automation's saved tests against its draft, or the revision with that number.

    Raises NotPossibleError when the database or one of these is not there.
    """

    async def work(tx: "AsyncConnection", _: "datetime") -> list[Result]:
        owner = await company_of(tx, company)
        found = await automations.get(tx, owner.id, automation_id)
        document = found.draft
        if revision is not None:
            document = (await revisions.get(tx, owner.id, automation_id, revision)).flow
        tests = await stored.of_automation(tx, owner.id, automation_id)
        return await saved.run_saved(tests, document)

    return change(load_settings(os.environ), work)
