"""Saved tests of stored automations: run before a change goes live, or made of a past run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.copies import copy
from engine.kinds import catalog
from engine.past import replay_run
from engine.scenarios import Result, run
from flows.scenario import Scenario, read_scenario
from store import scenarios
from store.scenarios import Saved


async def failing(
    tx: AsyncConnection, company_id: int, automation_id: int, document: dict[str, Any]
) -> list[Result]:
    """The saved tests of this automation that `document` does not pass."""
    results = await run_all(tx, company_id, automation_id, document)
    return [one for one in results if not one.passed]


async def run_all(
    tx: AsyncConnection, company_id: int, automation_id: int, document: dict[str, Any]
) -> list[Result]:
    """All saved tests of this automation against `document`, in their order."""
    return await run_saved(await scenarios.of_automation(tx, company_id, automation_id), document)


async def run_saved(saved: Sequence[Saved], document: dict[str, Any]) -> list[Result]:
    """These tests against `document`. They run beside the event loop: it has others to serve."""
    if not saved:
        return []
    return await asyncio.to_thread(_run_saved, saved, document)


async def copy_of_run(tx: AsyncConnection, run_id: int, name: str) -> Scenario:
    """A past run as a scenario. Raises CannotCopyError. The caller knows that it may be read."""
    return copy(await replay_run(tx, run_id), name)


def plain(scenario: Scenario) -> dict[str, Any]:
    """A scenario as it is stored and shown."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(scenario))
    return found


def _run_saved(saved: Sequence[Saved], document: dict[str, Any]) -> list[Result]:
    try:
        flow = catalog().decode(document)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        why = f"the document cannot be read: {error}"
        return [Result(one.name, [why], id=one.id) for one in saved]
    results = []
    for one in saved:
        scenario, wrong = read_scenario(one.document)
        if scenario is None:
            result = Result(one.name, [f"this test cannot be read: {said}" for said in wrong])
        else:
            result = run(flow, scenario, catalog().decode, one.automation_id)
        results.append(msgspec.structs.replace(result, id=one.id, name=one.name))
    return results
