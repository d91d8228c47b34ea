"""Changes of a draft by API: the list the builder sends, from a program.

Rule: all or nothing, and one entry of the history, so that people can undo what a program did.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from flows.editing import EditRefused
from flows.editing.changes import Changes
from store import automations
from web.api.shapes import Problem
from web.automations.check import DOCUMENT_LIMIT, check, known_of
from web.builder.draft.commit import commit
from web.given import Asker, Web
from web.shell.errors import Detail, RefusedError


class DraftChanges(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be changed; each change says what it does under `do`."""

    changes: Annotated[
        Changes,
        Meta(
            description="One after the other; `do` is add (kind, after or onto), connect (step, "
            "exit, to), disconnect, edit (place, value), delete (steps, join), insert, move, "
            "duplicate, paste, add_trigger, delete_trigger or tidy. The start is the step "
            "“@start” with the exit “start”; a place is a JSON pointer into the document"
        ),
    ]
    version: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The version of the draft you looked at; empty: whatever is there now"),
    ] = None
    key: Annotated[
        str,
        Meta(max_length=80, description="A name of your own: sent again at once, it is done once"),
    ] = ""


class DraftChanged(Struct, frozen=True):
    """The draft afterwards: its `version` and its place in the history, what was done in words, the
    ids of new steps and triggers, and all problems. `overwrote` says what of it somebody else had
    set after the version you looked at; empty for nothing.
    """

    version: int
    seq: int
    label: str
    made: list[str]
    overwrote: str
    problems: list[Problem]


@post(
    "/automations/{automation_id:int}/draft/changes",
    summary="Change parts of the draft",
    tags=["Automations"],
    opt={"body": DraftChanges, "change_role": "editor"},
    status_code=200,
    request_max_body_size=DOCUMENT_LIMIT,
)
async def change_draft(
    data: JSONBody[DraftChanges],
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
) -> DraftChanged:
    """Adds, connects, edits, moves or deletes steps, as the builder does: all of it or nothing.
    409 when it names a step or an exit that is not there (any more), 422 when it makes no sense.
    What others changed in other steps meanwhile stays as it is.
    """
    try:
        done = await commit(
            *(request, who, web, automation_id, data.changes), version=data.version, key=data.key
        )
    except EditRefused as refused:
        details = [Detail(refused.place, refused.sentence)] if refused.place else None
        status = 409 if refused.gone else 422
        raise RefusedError(status, refused.sentence, details=details) from refused
    async with web.database.read() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        known = await known_of(tx, who.company_id)
    _, problems = check(found.draft, known)
    return DraftChanged(
        version=done.version,
        seq=done.seq,
        label=done.label,
        made=done.made,
        overwrote=done.overwrote,
        problems=[
            Problem(one.severity, one.sentence, one.field, one.step, one.todo) for one in problems
        ],
    )


HANDLERS = (change_draft,)
