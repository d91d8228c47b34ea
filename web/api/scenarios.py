"""Saved tests by API: kept, run against the draft or a revision, or made of a past run."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct, field

from engine import saved
from engine.past import replay_run
from engine.scenarios import Result
from flows.scenario import Scenario, read_scenario
from store import automations, scenarios
from web.api.shapes import Document
from web.automations import reads
from web.automations.check import DOCUMENT_LIMIT
from web.given import Asker, Web
from web.scenarios.copying import document_of, save_copy
from web.shell.errors import Detail, RefusedError

EDITOR = {"change_role": "editor"}
TAGS = ["Saved tests"]
Against = Annotated[
    int | None, QueryParameter(name="revision", ge=1, description="Left out: the draft")
]


class ScenarioOut(Struct, frozen=True):
    """A saved test. `scenario` is its document: who, what happens, what must come of it."""

    id: str
    automation_id: str
    name: str
    scenario: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class ResultOut(Struct, frozen=True):
    """How a test went. `differences` says in words what came out differently; empty: passed."""

    scenario_id: str
    name: str
    passed: bool
    differences: list[str]
    lines: list[str] = field(default_factory=list)


class ReplayOut(Struct, frozen=True):
    """Whether the run's trace holds: every decision taken again as it was. `difference` is the
    first one in words. Not `possible`: nothing could be compared, for that reason.
    """

    possible: bool
    same: bool
    difference: str
    events: int
    lines: int


@get("/automations/{automation_id:int}/scenarios", summary="List saved tests", tags=TAGS)
async def list_scenarios(who: Asker, web: Web, automation_id: FromPath[int]) -> list[ScenarioOut]:
    """All of them, oldest first; there are at most a hundred."""
    async with web.database.read() as tx:
        await automations.get(tx, who.company_id, automation_id)
        found = await scenarios.of_automation(tx, who.company_id, automation_id)
    return [_out(one) for one in found]


@post(
    "/automations/{automation_id:int}/scenarios",
    summary="Save a test",
    tags=TAGS,
    opt={"body": dict, **EDITOR},
    request_max_body_size=DOCUMENT_LIMIT,
)
async def save_scenario(
    data: JSONBody[Document], who: Asker, web: Web, automation_id: FromPath[int]
) -> ScenarioOut:
    """Keeps a test, whether it passes or not."""
    document = saved.plain(_read(data))
    async with web.database.write() as tx:
        await automations.get(tx, who.company_id, automation_id)
        made = await scenarios.create(tx, who.company_id, automation_id, document, web.clock())
        return _out(await scenarios.get(tx, who.company_id, made))


@get("/scenarios/{scenario_id:int}", summary="Read a saved test", tags=TAGS)
async def get_scenario(who: Asker, web: Web, scenario_id: FromPath[int]) -> ScenarioOut:
    """Its document as it was saved."""
    async with web.database.read() as tx:
        return _out(await scenarios.get(tx, who.company_id, scenario_id))


@put(
    "/scenarios/{scenario_id:int}",
    summary="Change a saved test",
    tags=TAGS,
    opt={"body": dict, **EDITOR},
    request_max_body_size=DOCUMENT_LIMIT,
)
async def change_scenario(
    data: JSONBody[Document], who: Asker, web: Web, scenario_id: FromPath[int]
) -> ScenarioOut:
    """Replaces the document."""
    document = saved.plain(_read(data))
    async with web.database.write() as tx:
        await scenarios.change(tx, who.company_id, scenario_id, document, web.clock())
        return _out(await scenarios.get(tx, who.company_id, scenario_id))


@delete("/scenarios/{scenario_id:int}", summary="Delete a saved test", tags=TAGS, opt=EDITOR)
async def delete_scenario(who: Asker, web: Web, scenario_id: FromPath[int]) -> None:
    """It is gone for good."""
    async with web.database.write() as tx:
        await scenarios.delete(tx, who.company_id, scenario_id)


@post(
    "/automations/{automation_id:int}/scenarios/results",
    summary="Run all saved tests",
    tags=TAGS,
    status_code=200,
)
async def run_scenarios(
    who: Asker, web: Web, automation_id: FromPath[int], revision: Against = None
) -> list[ResultOut]:
    """Against the draft, or a revision by its number. Nothing is sent and nothing is stored."""
    async with web.database.read() as tx:
        found = await scenarios.of_automation(tx, who.company_id, automation_id)
        document = await document_of(tx, who.company_id, automation_id, revision)
    return [_result(one) for one in await saved.run_saved(found, document)]


@post("/scenarios/{scenario_id:int}/result", summary="Run a saved test", tags=TAGS, status_code=200)
async def run_scenario(
    who: Asker, web: Web, scenario_id: FromPath[int], revision: Against = None
) -> ResultOut:
    """As for all of them, with the lines of what happened."""
    async with web.database.read() as tx:
        found = await scenarios.get(tx, who.company_id, scenario_id)
        document = await document_of(tx, who.company_id, found.automation_id, revision)
    [result] = await saved.run_saved([found], document)
    return _result(result, told=True)


@post("/runs/{run_id:int}/scenario", summary="Copy a run to a saved test", tags=TAGS, opt=EDITOR)
async def copy_run(
    who: Asker,
    web: Web,
    run_id: FromPath[int],
    name: Annotated[str | None, QueryParameter(min_length=1, max_length=120)] = None,
) -> ScenarioOut:
    """What happened to the run becomes a test of its automation, with what came of it as what is
    expected. 409 when its trace is not kept any more, or when it changed its revision on the way.
    """
    return _out(await save_copy(who, web, run_id, name or ""))


@get("/runs/{run_id:int}/replay", summary="Replay a run", tags=["Runs"])
async def replay(who: Asker, web: Web, run_id: FromPath[int]) -> ReplayOut:
    """Takes every decision of the run again from its trace and compares, line by line."""
    async with web.database.read() as tx:
        await reads.get_run(tx, who.company_id, run_id)
        found = await replay_run(tx, run_id)
    return ReplayOut(found.possible, found.same, found.difference, found.events, found.lines)


def _read(data: Document) -> Scenario:
    scenario, wrong = read_scenario(data)
    if scenario is None:
        raise RefusedError(422, "This is not right yet.", details=[Detail("/", x) for x in wrong])
    return scenario


def _out(one: scenarios.Saved) -> ScenarioOut:
    return ScenarioOut(
        id=str(one.id),
        automation_id=str(one.automation_id),
        name=one.name,
        scenario=one.document,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _result(one: Result, *, told: bool = False) -> ResultOut:
    lines = one.transcript.lines if told and one.transcript else []
    return ResultOut(
        scenario_id=str(one.id),
        name=one.name,
        passed=one.passed,
        differences=one.differences,
        lines=[
            f"{line.at:%Y-%m-%d %H:%M:%S} {line.who}{f' ({line.step})' if line.step else ''}: "
            f"{line.text}"
            for line in lines
        ],
    )


HANDLERS = (
    *(list_scenarios, save_scenario, get_scenario, change_scenario, delete_scenario),
    *(run_scenarios, run_scenario, copy_run, replay),
)
