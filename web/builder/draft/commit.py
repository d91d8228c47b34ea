"""Changes become the draft: one transaction that holds it, makes them and writes the entry.

Rule: whoever changes a draft from a page goes through here. Nothing is drawn while the draft is
held, so that others wait no longer than the writing takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from flows.editing import Change, EditRefused, apply
from flows.editing.changes import Add, Duplicate, Move, Paste
from flows.editing.places import snapped
from flows.editing.working import steps_of
from flows.parts import differing
from flows.pointers import parts_of
from store import drafts, visits
from web.automations.check import DOCUMENT_LIMIT
from web.automations.levers import ARCHIVED
from web.builder.draft import told
from web.config import WebConfig
from web.security.who import Who

CUT_LATELY = 20  # changes ago
ONE_STEP = {"undo": -1, "redo": 1}
UNSEEN = (
    "Not undone: somebody else changed the draft a moment ago. Here it is as it is now; undo once "
    "more to take back what they did."
)


class Committed(Struct, frozen=True):
    """What became of a draft. `based` is the version the page showed that asked, `prior` the one
    just before; `said` is to be announced, `overwrote` says what somebody else had set meanwhile.
    """

    automation_id: int
    before: dict[str, Any]
    after: dict[str, Any]
    based: int
    prior: int
    version: int
    seq: int
    label: str = ""
    touched: list[str] = []
    made: list[str] = []
    said: str = ""
    overwrote: str = ""
    only_moved: bool = False


async def commit(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    automation_id: int,
    changes: Sequence[Change],
    *,
    version: int | None,
    merge: str = "",
    key: str = "",
) -> Committed:
    """Make `changes` to the draft, which the page that asks shows as of `version`.

    Changes with the same `merge` by the same person within seconds are undone together; `key` is
    that of the request, so that one which is sent again is not done again. Raises NotFoundError,
    and EditRefused when nothing was changed.
    """
    del request
    async with web.database.write("draft") as tx:
        held = await hold(tx, who, automation_id)
        based = min(held.draft_version if version is None else version, held.draft_version)
        if key and (last := await _done_before(tx, held, key, who)):
            made = [steps_of([one])[0] for one in last.after if _is_new_step(one, last)]
            return structs.replace(unchanged(held, based), label=last.label, made=made)
        taken = await _ids_of_the_past(tx, held, changes)
        cut = await _cut_lately(tx, held, changes)
        edited = apply(held.draft, changes, catalog(), taken=taken, cut=cut)
        _refuse_too_large(edited.document, held.draft)
        mine = {**(parts := differing(held.draft, edited.document))[0], **parts[1]}
        theirs = await drafts.since(tx, held, based) if based < held.draft_version else []
        kept = await drafts.record(
            *(tx, held, edited.document, web.clock()),
            label=edited.label,
            by=who.user_id,
            merge=merge,
            mark=key,
        )
    overwrote = told.overwritten(mine, theirs, who.user_id, web.clock(), held.draft)
    return Committed(
        automation_id=automation_id,
        before=held.draft,
        after=kept.draft,
        based=based,
        prior=held.draft_version,
        version=kept.draft_version,
        seq=kept.draft_seq,
        label=edited.label,
        touched=edited.touched,
        made=edited.made,
        said=told.done(changes, edited),
        overwrote=overwrote,
        only_moved=all(_is_plain_move(one) for one in changes),
    )


async def go_to(
    who: Who,
    web: WebConfig,
    automation_id: int,
    wanted: str,
    version: int | None,
    stood: int | None = None,
) -> Committed:
    """Undo or redo: `undo` and `redo` are one step, a number is a place in the history. `stood` is
    where the draft stood for the page that asks: a step that comes twice is done once.

    Raises NotFoundError, and EditRefused also when what would be undone is not what was meant.
    """
    async with web.database.write("draft") as tx:
        held = await hold(tx, who, automation_id)
        based = min(held.draft_version if version is None else version, held.draft_version)
        standing = await drafts.standing(tx, who.company_id, automation_id)
        target = _target(held, wanted)
        step = ONE_STEP.get(wanted)
        if step is not None and stood is not None and held.draft_seq == stood + step:
            return unchanged(held, based)  # done already; its answer was lost
        if wanted == "undo" and based < held.draft_version:
            await _refuse_unseen(tx, held, based, who)
        moved = await drafts.go_to(tx, held, target, web.clock())
    if moved is held:
        what = "undo" if target < held.draft_seq else "redo"
        said = f"There is nothing to {what}" if target != held.draft_seq else ""
        return structs.replace(unchanged(held, based), said=said)
    was, now = differing(held.draft, moved.draft)
    steps = abs(moved.draft_seq - held.draft_seq)
    back = moved.draft_seq < held.draft_seq
    label = (standing.undo if back else standing.redo) if steps == 1 else f"{steps} changes"
    return Committed(
        automation_id=automation_id,
        before=held.draft,
        after=moved.draft,
        based=based,
        prior=held.draft_version,
        version=moved.draft_version,
        seq=moved.draft_seq,
        label=label,
        touched=steps_of({**was, **now}),
        said=f"{'Undone' if back else 'Done again'}: {label}",
    )


async def hold(tx: AsyncConnection, who: Who, automation_id: int) -> drafts.Draft:
    """The draft to be changed. Raises NotFoundError, and EditRefused when it is archived."""
    held = await drafts.hold(tx, who.company_id, automation_id)
    if held.status == "archived":
        raise EditRefused(ARCHIVED, gone=True)
    return held


def unchanged(held: drafts.Draft, based: int) -> Committed:
    """A draft that stays as it is; its page may still have to learn of others' changes."""
    return Committed(
        automation_id=held.id,
        before=held.draft,
        after=held.draft,
        based=based,
        prior=held.draft_version,
        version=held.draft_version,
        seq=held.draft_seq,
    )


async def _refuse_unseen(tx: AsyncConnection, held: drafts.Draft, based: int, who: Who) -> None:
    """Nobody undoes by accident what somebody else did a moment ago."""
    last = await drafts.find(tx, held.id, held.draft_seq)
    if last is not None and last.version > based and last.user_id != who.user_id:
        raise EditRefused(UNSEEN, gone=True)


async def _done_before(
    tx: AsyncConnection, held: drafts.Draft, key: str, who: Who
) -> drafts.Entry | None:
    """The entry that came of this very request, whose answer was lost on the way."""
    found = await drafts.find(tx, held.id, mark=key)
    return found if found is not None and found.user_id == who.user_id else None


def _is_new_step(part: str, entry: drafts.Entry) -> bool:
    return part not in entry.before and len(parts_of(part)) == 2 and part.startswith("/steps/")  # noqa: PLR2004


async def _ids_of_the_past(
    tx: AsyncConnection, held: drafts.Draft, changes: Sequence[Change]
) -> frozenset[str]:
    """Steps that contacts have been to: their numbers must not become those of a new step."""
    if not any(isinstance(one, Add | Duplicate | Paste) for one in changes):
        return frozenset()
    return frozenset(step for step, _ in await visits.counts_of(tx, held.id))


async def _cut_lately(
    tx: AsyncConnection, held: drafts.Draft, changes: Sequence[Change]
) -> dict[str, Any]:
    """Steps that were taken away by one of the last changes, as they were."""
    found: dict[str, Any] = {}
    if any(isinstance(one, Paste) for one in changes):
        for entry, _ in await drafts.since(tx, held, held.draft_version - CUT_LATELY):
            for where, step in entry.before.items():
                path = parts_of(where)
                if path[0] == "steps" and len(path) == 2 and where not in entry.after:  # noqa: PLR2004
                    found.setdefault(path[1], step)
    return found


def _is_plain_move(change: Change) -> bool:
    """Whether cards stand exactly where the page has put them already."""
    return isinstance(change, Move) and all(
        snapped(spot) == tuple(spot) for spot in change.steps.values()
    )


def _refuse_too_large(document: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """What is too large already may still become smaller."""
    size = len(msgspec.json.encode(document))
    if size > DOCUMENT_LIMIT and size > len(msgspec.json.encode(before)):
        said = f"An automation can have {DOCUMENT_LIMIT:,} characters at most; this has {size:,}."
        raise EditRefused(said)


def _target(held: drafts.Draft, wanted: str) -> int:
    match wanted:
        case "undo":
            return held.draft_seq - 1
        case "redo":
            return held.draft_seq + 1
        case _ if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:  # noqa: PLR2004
            return int(wanted)
        case _:
            raise EditRefused(f"“{wanted[:40]}” is no place in the history.")
