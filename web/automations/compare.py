"""Two versions of an automation side by side, and who waits where: what pages and API share.

Rule: a version that cannot be read any more is said to be so, never guessed at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from flows.diff import changed_steps, changes
from flows.diff_steps import Change
from flows.document import AnyFlow
from flows.travel import in_order
from store import automations, revisions
from store.revisions import WaitingAt
from web.automations.exported import shown_to
from web.automations.outline import title
from web.security.who import Who
from web.shell.errors import RefusedError

DRAFT = "draft"
LARGEST_NUMBER = 2**31 - 1
Fate = Literal["same", "changed", "removed"]


class Side(Struct, frozen=True):
    """One of the two: `key` is `draft` or the revision's number in digits."""

    key: str
    words: str
    document: dict[str, Any]
    flow: AnyFlow | None

    @property
    def number(self) -> int | None:
        """The revision's number; None for the draft."""
        return None if self.key == DRAFT else int(self.key)


class Inside(Struct, frozen=True):
    """Contacts who wait in a step, and what becomes of the step in the new version."""

    step: str
    title: str
    kind: str
    contacts: int
    revisions: dict[int, int]
    fate: Fate


def told_to(who: Who, one: Side) -> Side:
    """A side as `who` may read it."""
    document = shown_to(who, one.document)
    if document is one.document:
        return one
    return structs.replace(one, document=document, flow=decoded(document))


async def side(tx: AsyncConnection, company_id: int, automation_id: int, key: str) -> Side:
    """The draft or a revision by its number. Raises NotFoundError and RefusedError (400)."""
    if key == DRAFT:
        found = await automations.get(tx, company_id, automation_id)
        return Side(DRAFT, "the draft", found.draft, decoded(found.draft))
    if not (key.isascii() and key.isdigit()) or int(key) > LARGEST_NUMBER:
        raise RefusedError(400, f"“{key}” must be “draft” or the number of a revision.")
    revision = await revisions.get(tx, company_id, automation_id, int(key))
    words = f"revision {revision.number}"
    return Side(str(revision.number), words, revision.flow, decoded(revision.flow))


def between(before: Side, after: Side) -> list[Change]:
    """What changed. Raises RefusedError (409) when one of them cannot be read."""
    for one in (before, after):
        if one.flow is None:
            said = f"{one.words[:1].upper()}{one.words[1:]} cannot be read, so it is not compared."
            raise RefusedError(409, said, code="unreadable")
    assert before.flow is not None  # noqa: S101  told just now
    assert after.flow is not None  # noqa: S101
    return changes(before.flow, after.flow)


async def inside(
    tx: AsyncConnection, company_id: int, automation_id: int, new: AnyFlow | None
) -> list[Inside]:
    """Who waits where: first in what is gone from `new`, then in what it changes."""
    found = await revisions.waiting(tx, company_id, automation_id)
    numbers = {number for one in found for number in one.revisions}
    flows = {
        number: (await side(tx, company_id, automation_id, str(number))).flow
        for number in sorted(numbers)
    }
    other = {
        number: changed_steps(flow, new) if flow is not None and new is not None else set()
        for number, flow in flows.items()
    }
    order: tuple[Fate, ...] = ("removed", "changed", "same")
    rows = [_inside(one, new, flows, other) for one in found]
    return sorted(rows, key=lambda row: order.index(row.fate))


def choices(flow: AnyFlow | None) -> list[tuple[str, str]]:
    """`(id, name)` of the steps somebody can be put on; a name that stands twice says its id."""
    if flow is None:
        return []
    names = [(step_id, title(flow.steps[step_id])) for step_id in in_order(flow)]
    count = Counter(name for _, name in names)
    return [
        (step_id, f"{name} ({step_id})" if count[name] > 1 else name) for step_id, name in names
    ]


def without(one: Inside, number: int) -> Inside | None:
    """The same without those of one revision; None when nobody is left."""
    rest = {other: n for other, n in one.revisions.items() if other != number}
    if not rest:
        return None
    return structs.replace(one, revisions=rest, contacts=sum(rest.values()))


def decoded(document: Any) -> AnyFlow | None:
    """A stored document as a flow; None for one whose form or kinds nobody knows."""
    try:
        return catalog().decode(document)
    except (msgspec.ValidationError, TypeError, AttributeError):
        return None


def _inside(
    one: WaitingAt,
    new: AnyFlow | None,
    flows: Mapping[int, AnyFlow | None],
    other: Mapping[int, Collection[str]],
) -> Inside:
    there = None if new is None else new.steps.get(one.step)
    known = there
    for number in sorted(one.revisions, reverse=True):
        flow = flows.get(number)
        if known is None and flow is not None:
            known = flow.steps.get(one.step)
    fate: Fate = "same"
    if there is None:
        fate = "removed"
    elif any(one.step in other[number] for number in one.revisions):
        fate = "changed"
    return Inside(
        step=one.step,
        title=title(known) if known else one.step,
        kind=known.label if known else "",
        contacts=one.contacts,
        revisions=one.revisions,
        fate=fate,
    )
