"""Publishing: a document becomes what is live, and whoever waits in older revisions stays, moves
or leaves, as planned.

Rule: one transaction; the automation is held, so that two publishers end one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.events import MovedTo, Stopped
from flows.problems import Problem, pointer
from store import automations, moves
from store.automations import Held, Made, revisions
from store.revisions import mark_of
from store.runs import runs

ARCHIVED = "This automation is archived; take it out of the archive first."
CHANGED = (
    "The draft was changed while you were looking at it. Look at what would be published now, "
    "then publish again."
)


class Planned(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to those who wait in a step: `to` names the step they are moved to."""

    do: Literal["stay", "move", "leave"] = "stay"
    to: str = ""


Plan = Mapping[str, Planned]
"""By the id of the step in which contacts of older revisions wait; who is not named stays."""


class Published(Struct, frozen=True):
    """What came of it: `new` unless it was live already; `moved` and `ended` runs were told so."""

    number: int
    revision_id: int
    new: bool
    moved: int = 0
    ended: int = 0


class Unpublished(Struct, frozen=True):
    """Nothing was done: somebody changed the draft, it is archived, or the plan cannot be."""

    why: Literal["changed", "archived", "plan"]
    sentence: str
    problems: tuple[Problem, ...] = ()


async def publish(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    user_id: int | None,
    comment: str,
    now: datetime,
    *,
    plan: Plan | None = None,
    expected: str = "",
) -> Published | Unpublished:
    """Make the draft the live revision and follow the plan. Raises NotFoundError.

    `expected`: `mark_of` the draft the publisher looked at; another draft is not published.
    Publishing what is live already makes no new revision, but the plan is still followed.
    """
    held = await automations.hold(tx, company_id, automation_id)
    if expected and mark_of(held.draft) != expected:
        return Unpublished("changed", CHANGED)
    return await _publish(tx, held, held.draft, user_id, comment, plan or {}, now)


async def go_back(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    number: int,
    user_id: int | None,
    comment: str,
    now: datetime,
    *,
    plan: Plan | None = None,
) -> Published | Unpublished:
    """Make what an older revision says live again, as a new revision. Raises NotFoundError.

    The draft stays as it is: what was published too early can be corrected there.
    """
    held = await automations.hold(tx, company_id, automation_id)
    query = sa.select(revisions.c.flow).where(
        revisions.c.automation_id == held.id, revisions.c.number == number
    )
    document = await tx.scalar(query)
    if not isinstance(document, dict):
        raise automations.no_revision(automation_id, number)
    said = comment or f"Back to revision {number}"
    return await _publish(tx, held, document, user_id, said, plan or {}, now)


async def _publish(
    tx: AsyncConnection,
    held: Held,
    document: dict[str, Any],
    user_id: int | None,
    comment: str,
    plan: Plan,
    now: datetime,
) -> Published | Unpublished:
    if held.status == "archived":
        return Unpublished("archived", ARCHIVED)
    wrong = await _problems(tx, held, document, plan)
    if wrong:
        return Unpublished("plan", "The plan for those who wait cannot be followed.", wrong)
    made = await automations.revise(tx, held, document, user_id, comment, now)
    moved = ended = 0
    for step, one in plan.items():
        if one.do == "move":
            moved += await _tell(tx, held, made, step, one.to, now)
        elif one.do == "leave":
            ended += await _tell(tx, held, made, step, "", now)
    return Published(made.number, made.revision_id, made.new, moved, ended)


async def _tell(
    tx: AsyncConnection, held: Held, made: Made, step: str, to: str, now: datetime
) -> int:
    """Move (or end) everybody of older revisions who waits in `step`. Who has moved on by the time
    the engine reads it is left alone.
    """
    why = f"revision {made.number} was published"
    event: MovedTo | Stopped = Stopped(why, from_step=step)
    if to:
        event = MovedTo(to, from_step=step, revision_id=made.revision_id, why=why)
    chosen = (
        runs.c.automation_id == held.id,
        runs.c.step == step,
        runs.c.revision_id != made.revision_id,
    )
    return await moves.tell(tx, chosen, event, f"plan:{made.revision_id}", now)


async def _problems(
    tx: AsyncConnection, held: Held, document: dict[str, Any], plan: Plan
) -> tuple[Problem, ...]:
    steps = _steps(document)
    wrong: list[Problem] = []
    unknown: list[str] = [step for step in plan if step not in steps]
    known: set[str] = await _older_steps(tx, held.id) if unknown else set()
    for step, one in plan.items():
        where = pointer("plan", step)
        if step not in steps and step not in known:
            said = f"No revision has a step “{step}”."
            wrong.append(Problem("error", said, where, step, "Take it out of the plan."))
        if one.do == "move" and one.to not in steps:
            said = f"Nobody can be moved to “{one.to}”: the new revision has no such step."
            todo = "Choose a step that is in it."
            wrong.append(Problem("error", said, pointer("plan", step, "to"), step, todo))
        if one.do != "move" and one.to:
            said = f"“to” is only for those who move; “{step}” is to {one.do}."
            wrong.append(Problem("error", said, pointer("plan", step, "to"), step))
    return tuple(wrong)


async def _older_steps(tx: AsyncConnection, automation_id: int) -> set[str]:
    """Every step any revision has: only asked for when a plan names one that is gone."""
    query = sa.select(revisions.c.flow).where(revisions.c.automation_id == automation_id)
    return {step for flow in (await tx.execute(query)).scalars() for step in _steps(flow)}


def _steps(document: Mapping[str, Any]) -> Mapping[str, Any]:
    steps = document.get("steps")
    return steps if isinstance(steps, dict) else {}
