"""What people do by hand to automations and runs: the rules that pages and API share.

Rule: every lever may be pulled twice and works once; what cannot be done is refused in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from engine import saved
from engine.scenarios import Result
from flows.events import MovedTo
from flows.problems import Problem
from store import automations, campaigns, contact_list, moves, publishing, retention, revisions
from store.contacts import contacts
from store.publishing import Plan, Published, Unpublished
from web.automations.check import check, errors_in, known_of
from web.automations.compare import decoded
from web.automations.outline import title
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

ARCHIVED = publishing.ARCHIVED
MOST_TESTERS = 50
LEAST_PRIORITY, MOST_PRIORITY = -1000, 1000
_OVER = {
    "done": "it has come to its end",
    "stopped": "it was stopped",
    "failed": "it failed; let it try again instead",
}


async def publish(
    tx: AsyncConnection,
    who: Who,
    automation_id: int,
    now: datetime,
    *,
    comment: str = "",
    plan: Plan | None = None,
    expected: str = "",
    anyway: bool = False,
) -> Published:
    """Make the draft live. Raises NotFoundError, and RefusedError: 422 with every problem of the
    draft or the plan, or every saved test it fails (unless `anyway`), 409 when it is archived or
    changed since somebody looked.
    """
    found = await automations.hold(tx, who.company_id, automation_id)
    if found.status == "archived":
        raise RefusedError(409, ARCHIVED)
    _, problems = check(found.draft, await known_of(tx, who.company_id))
    wrong = errors_in(problems)
    if wrong:
        raise unfit("The draft has errors, so it was not published.", wrong)
    if not anyway:
        _refuse_failing(await saved.failing(tx, who.company_id, automation_id, found.draft))
    made = await publishing.publish(
        *(tx, who.company_id, automation_id, who.user_id, comment, now),
        plan=plan,
        expected=expected,
    )
    return _published(made)


async def go_back(
    tx: AsyncConnection,
    who: Who,
    automation_id: int,
    number: int,
    now: datetime,
    *,
    comment: str = "",
    plan: Plan | None = None,
    anyway: bool = False,
) -> Published:
    """Make what a revision says live again, as a new one. Raises as `publish` does: what it needs
    may be gone by now.
    """
    revision = await revisions.get(tx, who.company_id, automation_id, number)
    _, problems = check(revision.flow, await known_of(tx, who.company_id))
    wrong = errors_in(problems)
    if wrong:
        raise unfit(f"Revision {number} has errors by now, so it was not published.", wrong)
    if not anyway:
        _refuse_failing(await saved.failing(tx, who.company_id, automation_id, revision.flow))
    made = await publishing.go_back(
        *(tx, who.company_id, automation_id, number, who.user_id, comment, now), plan=plan
    )
    return _published(made)


async def restore(
    tx: AsyncConnection, who: Who, automation_id: int, number: int, now: datetime, *, force: bool
) -> None:
    """Make a revision's document the draft. Raises NotFoundError, and RefusedError (409) when the
    draft holds what no revision does: unless `force`d, nothing of anybody's is lost.
    """
    found = await automations.hold(tx, who.company_id, automation_id)
    if found.status == "archived":
        raise RefusedError(409, ARCHIVED)
    revision = await revisions.get(tx, who.company_id, automation_id, number)
    if found.draft == revision.flow:
        return
    if not force and not await revisions.holds(tx, who.company_id, automation_id, found.draft):
        raise RefusedError(
            409,
            "The draft has changes that were never published; restoring would lose them. Publish "
            "or export it first, or say that they may be lost.",
            code="draft_has_changes",
        )
    await automations.save_draft(
        *(tx, who.company_id, automation_id, revision.flow, now),
        by=who.user_id,
        label=f"Restore revision {number}",
    )


async def pause(tx: AsyncConnection, who: Who, automation_id: int, now: datetime) -> None:
    """Start nobody any more. Raises NotFoundError and RefusedError (409)."""
    found = await automations.get(tx, who.company_id, automation_id)
    if found.status not in ("live", "paused"):
        raise RefusedError(409, f"Only live automations can be paused; this is {found.status}.")
    await automations.pause(tx, who.company_id, automation_id, now, by=who.user_id)
    await campaigns.take_back(tx, who.company_id, automation_id)


async def resume(tx: AsyncConnection, who: Who, automation_id: int, now: datetime) -> None:
    """Let people in again. Raises NotFoundError and RefusedError (409)."""
    found = await automations.get(tx, who.company_id, automation_id)
    if found.status not in ("live", "paused"):
        raise RefusedError(409, f"Only paused ones can be resumed; this is {found.status}.")
    await automations.resume(tx, who.company_id, automation_id, now)


async def archive(tx: AsyncConnection, who: Who, automation_id: int, now: datetime) -> int:
    """Put it out of sight and end the runs of those inside; how many. Raises NotFoundError."""
    await automations.archive(tx, who.company_id, automation_id, now)
    why = f"the automation was archived by {who.name}"
    return await moves.end_of_automation(tx, who.company_id, automation_id, why, now)


async def test_with(
    tx: AsyncConnection, who: Who, automation_id: int, contact_ids: Sequence[int], now: datetime
) -> None:
    """Let only these contacts in. Raises NotFoundError and RefusedError (409, 422)."""
    found = await automations.get(tx, who.company_id, automation_id)
    if found.status == "archived":
        raise RefusedError(409, ARCHIVED)
    query = sa.select(contacts.c.id).where(
        contacts.c.company_id == who.company_id,
        contacts.c.id.in_(contact_ids),
        contacts.c.deleted_at.is_(None),
    )
    known = set((await tx.execute(query)).scalars())
    wrong = [
        Detail(f"/contacts/{place}", f"There is no contact {one}.")
        for place, one in enumerate(contact_ids)
        if one not in known
    ]
    if wrong:
        raise RefusedError(422, "Some contacts cannot be used.", details=wrong)
    await automations.test_with(tx, who.company_id, automation_id, contact_ids, now)


async def end_run(tx: AsyncConnection, who: Who, run_id: int, now: datetime) -> bool:
    """Ask the engine to end a run; False when it is over already. Raises NotFoundError."""
    run = await moves.place(tx, who.company_id, run_id)
    await moves.end_run(tx, who.company_id, run_id, _ended_by(who), now)
    return run.status == "waiting"


async def end_of_contact(tx: AsyncConnection, who: Who, contact_id: int, now: datetime) -> int:
    """Ask the engine to end all runs of a contact; how many. Raises NotFoundError."""
    await contact_list.get(tx, who.company_id, contact_id)
    return await moves.end_of_contact(tx, who.company_id, contact_id, _ended_by(who), now)


async def end_of_automation(
    tx: AsyncConnection, who: Who, automation_id: int, step: str, now: datetime
) -> int:
    """Ask the engine to end everybody's run, or theirs who wait at `step`; how many.

    Raises NotFoundError.
    """
    await automations.get(tx, who.company_id, automation_id)
    why = _ended_by(who)
    return await moves.end_of_automation(tx, who.company_id, automation_id, why, now, step=step)


async def move_run(
    tx: AsyncConnection,
    who: Who,
    run_id: int,
    to: str,
    now: datetime,
    *,
    seen_at: str = "",
    revision: int | None = None,
    again: bool = False,
) -> None:
    """Ask the engine to put a run on the step `to` of its own revision, or of the one numbered.

    `seen_at`: where the run was when somebody looked. `again`: what has been sent there may be sent
    once more. Raises NotFoundError, and RefusedError: 409 when the run is over or elsewhere by now,
    422 for a step or revision that is not there.
    """
    run = await moves.place(tx, who.company_id, run_id)
    if run.status != "waiting":
        raise RefusedError(409, f"This run cannot be moved: {_OVER[run.status]}.")
    if seen_at and seen_at != run.step:
        raise RefusedError(409, f"The contact has moved on and is at “{run.step}” now. Look again.")
    number, revision_id, document = await _target(tx, who, run, revision)
    flow = decoded(document)
    if flow is None or to not in flow.steps:
        said = f"Revision {number} has no step “{to}”." if flow else "It cannot be read."
        details = [Detail("/to", said)]
        raise RefusedError(422, "Nobody can be moved there.", details=details)
    other = 0 if revision_id == run.revision_id else revision_id
    why = f"moved to “{title(flow.steps[to])}” by {who.name}"
    event = MovedTo(to, from_step=run.step or "", revision_id=other, why=why, again=again)
    await moves.move(tx, run, event, now)


async def retry_run(tx: AsyncConnection, who: Who, run_id: int, now: datetime) -> bool:
    """Let a failed run try its step again; False when it is going on already.

    Raises NotFoundError, and RefusedError (409) when it did not fail, the automation is archived,
    or the contact came in again meanwhile and may be in only once at a time.
    """
    run = await moves.place(tx, who.company_id, run_id)
    if run.status == "waiting":
        return False
    if run.status != "failed":
        raise RefusedError(409, f"Only failed runs can try again: {_OVER[run.status]}.")
    found = await automations.get(tx, who.company_id, run.automation_id)
    if found.status == "archived":
        raise RefusedError(409, ARCHIVED)
    if await retention.is_forgotten(tx, run_id):
        raise RefusedError(409, "What this run knew is not kept any more, so it cannot try again.")
    gone = await tx.scalar(sa.select(contacts.c.deleted_at).where(contacts.c.id == run.contact_id))
    if gone is not None:
        raise RefusedError(409, "The contact was deleted, so nothing goes on for them.")
    flow = decoded(await moves.document_of(tx, run.revision_id))
    together = flow is not None and flow.entry.policy == "parallel"
    if not together and await moves.others_inside(tx, run):
        raise RefusedError(
            409,
            "The contact is in this automation again and may be in it once at a time. End the "
            "other run first.",
        )
    return await moves.retry(tx, run, f"tried again by {who.name}", now)


def unfit(sentence: str, problems: Sequence[Problem]) -> RefusedError:
    """The refusal (422) of a document or plan, naming each problem by its JSON pointer."""
    details = [
        Detail(one.field or "/", " ".join(filter(None, (one.sentence, one.todo))))
        for one in problems
    ]
    return RefusedError(422, sentence, code="invalid_document", details=details)


def _refuse_failing(failing: Sequence[Result]) -> None:
    if failing:
        details = [
            Detail(f"/scenarios/{one.id}", f"“{one.name}”: {'; '.join(one.differences)}")
            for one in failing
        ]
        said = "1 saved test fails" if len(failing) == 1 else f"{len(failing)} saved tests fail"
        raise RefusedError(
            422, f"{said}, so it was not published.", code="tests_failed", details=details
        )


async def _target(
    tx: AsyncConnection, who: Who, run: moves.Place, number: int | None
) -> tuple[int, int, dict[str, object]]:
    """`(number, id, document)` of the revision a run is moved to."""
    if number is None:
        query = sa.select(automations.revisions.c.number).where(
            automations.revisions.c.id == run.revision_id
        )
        own = int(await tx.scalar(query) or 0)
        return own, run.revision_id, await moves.document_of(tx, run.revision_id)
    found = await revisions.find(tx, who.company_id, run.automation_id, number)
    if found is None:
        details = [Detail("/revision", f"There is no revision {number}.")]
        raise RefusedError(422, "Nobody can be moved there.", details=details)
    return found.number, found.id, found.flow


def _published(made: Published | Unpublished) -> Published:
    if isinstance(made, Published):
        return made
    if made.why == "plan":
        raise unfit(made.sentence, made.problems)
    code = {"changed": "draft_changed", "archived": "conflict"}[made.why]
    raise RefusedError(409, made.sentence, code=code)


def _ended_by(who: Who) -> str:
    return f"ended by {who.name}"
