"""Drafts: the document that is edited, and what was changed in it, so that it can be undone.

Rule: every change of a draft goes through here. It makes one entry and raises the version, whoever
makes it (builder, API, an older revision restored), so that whoever looks at the draft learns of it
and the entries always lead from one document to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.parts import differing, with_parts
from store.automation_tables import Status, automations
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of
from store.errors import NotFoundError
from store.users import users

KEPT = 200  # entries of an automation; older ones cannot be undone any more
MERGED_WITHIN = timedelta(seconds=5)  # a form says both `input` and `change`, and every pause
REPLACED = "Replace the draft"

draft_entries = sa.Table(
    "draft_entries",
    metadata,
    sa.Column("automation_id", BigId, sa.ForeignKey("automations.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("label", Words, nullable=False),
    sa.Column("user_id", BigId),  # NULL: a program
    sa.Column("at", Moment, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the draft, when it was last done
    sa.Column("before", JSON, nullable=False),  # the parts concerned, see flows/parts.py
    sa.Column("after", JSON, nullable=False),
    sa.Column("merge", Words, nullable=False, default=""),  # changes of one field share a word
    sa.Column("mark", Words, nullable=False, default=""),  # of the request that asked for it
)


class Draft(Struct, frozen=True):
    """A draft that nobody else can change until the transaction ends. `draft_seq` is the entry it
    stands at: later ones were undone.
    """

    id: int
    company_id: int
    status: Status
    draft: dict[str, Any]
    draft_version: int
    draft_seq: int
    live_revision_id: int | None


class Entry(Struct, frozen=True):
    """One change: the parts of the document concerned, as they were and as they became."""

    seq: int
    label: str
    user_id: int | None
    at: datetime
    version: int
    before: dict[str, Any]
    after: dict[str, Any]
    merge: str
    mark: str


class Listed(Struct, frozen=True):
    """One line of the history; `author` is a person's name, "" for a program. `done` unless it was
    undone.
    """

    seq: int
    label: str
    at: datetime
    author: str
    done: bool


class Standing(Struct, frozen=True):
    """Where a draft stands: what undoing and redoing would do, "" for nothing."""

    version: int
    seq: int
    undo: str = ""
    redo: str = ""


async def hold(tx: AsyncConnection, company_id: int, automation_id: int) -> Draft:
    """The draft as it is now, and nobody else's to change until `tx` ends. Raises NotFoundError."""
    locked = (
        sa.select(*columns_of(Draft, automations))
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
        .with_for_update()
    )
    if (row := (await tx.execute(locked)).one_or_none()) is None:
        message = f"automation {automation_id} does not exist"
        raise NotFoundError(message)
    return as_kind(Draft, row)


async def save_draft(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    document: dict[str, Any],
    now: datetime,
    *,
    by: int | None = None,
    label: str = REPLACED,
) -> Draft:
    """Keep a whole document; its name becomes the automation's. Raises NotFoundError."""
    held = await hold(tx, company_id, automation_id)
    return await record(tx, held, document, now, label=label, by=by)


async def record(
    tx: AsyncConnection,
    held: Draft,
    document: dict[str, Any],
    now: datetime,
    *,
    label: str,
    by: int | None,
    merge: str = "",
    mark: str = "",
) -> Draft:
    """Keep `document` as the draft, with an entry that can be undone. What was undone before can
    not be redone any more. Nothing happens when nothing changed.

    The next change with the same `merge` by the same user within seconds becomes the same entry.
    """
    before, after = differing(held.draft, document)
    if not before and not after:
        return held
    version = held.draft_version + 1
    last = await find(tx, held.id, held.draft_seq)
    undone = await find(tx, held.id, held.draft_seq + 1)
    if last is not None and undone is None and _continues(last, by, merge, now):
        first = with_parts(held.draft, last.after, last.before)
        before, after = differing(first, document)
        seq = last.seq
    else:
        seq = held.draft_seq + 1
    await tx.execute(
        sa.delete(draft_entries).where(
            draft_entries.c.automation_id == held.id,
            sa.or_(draft_entries.c.seq >= seq, draft_entries.c.seq <= seq - KEPT),
        )
    )
    if before or after:
        await tx.execute(
            sa.insert(draft_entries).values(
                automation_id=held.id,
                seq=seq,
                company_id=held.company_id,
                label=label,
                user_id=by,
                at=now,
                version=version,
                before=before,
                after=after,
                merge=merge,
                mark=mark,
            )
        )
    else:  # the field is what it was before the first of these changes
        seq -= 1
    return await _keep(tx, held, document, version, seq, now)


async def go_to(tx: AsyncConnection, held: Draft, seq: int, now: datetime) -> Draft:
    """Undo or redo until the draft stands at `seq`, or as near to it as entries are kept."""
    back, entry = seq < held.draft_seq, draft_entries.c
    low, high = sorted((seq, held.draft_seq))
    query = (
        sa.select(*columns_of(Entry, draft_entries))
        .where(entry.automation_id == held.id, entry.seq > low, entry.seq <= high)
        .order_by(entry.seq.desc() if back else entry.seq)
    )
    moved = [as_kind(Entry, row) for row in await tx.execute(query)]
    if not moved:
        return held
    document = held.draft
    for one in moved:
        was, now_ = (one.after, one.before) if back else (one.before, one.after)
        document = with_parts(document, was, now_)
    version = held.draft_version + 1
    ends = [one.seq for one in moved]
    await tx.execute(
        sa.update(draft_entries)
        .where(entry.automation_id == held.id, entry.seq.between(min(ends), max(ends)))
        .values(version=version, merge="", mark="")
    )
    stands = min(ends) - 1 if back else max(ends)
    return await _keep(tx, held, document, version, stands, now)


async def find(
    tx: AsyncConnection, automation_id: int, seq: int | None = None, *, mark: str = ""
) -> Entry | None:
    """One entry by its place, or by the mark of the request that asked for it; None for none."""
    by = draft_entries.c.seq == seq if seq is not None else draft_entries.c.mark == mark
    query = (
        sa.select(*columns_of(Entry, draft_entries))
        .where(draft_entries.c.automation_id == automation_id, by)
        .order_by(draft_entries.c.seq.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Entry, row)


async def since(tx: AsyncConnection, held: Draft, version: int) -> list[tuple[Entry, str]]:
    """What was done after `version` and still holds, newest first, each with its author's name."""
    query = (
        sa.select(*columns_of(Entry, draft_entries), _AUTHOR)
        .outerjoin(users, users.c.id == draft_entries.c.user_id)
        .where(
            draft_entries.c.automation_id == held.id,
            draft_entries.c.version > version,
            draft_entries.c.seq <= held.draft_seq,
        )
        .order_by(draft_entries.c.seq.desc())
    )
    return [(as_kind(Entry, row), row[-1]) for row in await tx.execute(query)]


async def history(tx: AsyncConnection, company_id: int, automation_id: int) -> list[Listed]:
    """All entries that are kept, newest first, those that were undone included."""
    entry = draft_entries.c
    query = (
        sa.select(entry.seq, entry.label, entry.at, _AUTHOR, entry.seq <= automations.c.draft_seq)
        .join(automations, automations.c.id == entry.automation_id)
        .outerjoin(users, users.c.id == entry.user_id)
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
        .order_by(entry.seq.desc())
    )
    return [
        Listed(seq, label, at, author, bool(done))
        for seq, label, at, author, done in await tx.execute(query)
    ]


async def standing(tx: AsyncConnection, company_id: int, automation_id: int) -> Standing:
    """Where the draft stands. Raises NotFoundError."""
    near = draft_entries.c.seq - automations.c.draft_seq
    query = (
        sa.select(automations.c.draft_version, automations.c.draft_seq, near, draft_entries.c.label)
        .outerjoin(
            draft_entries,
            sa.and_(draft_entries.c.automation_id == automations.c.id, near.in_((0, 1))),
        )
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
    )
    rows = (await tx.execute(query)).all()
    if not rows:
        message = f"automation {automation_id} does not exist"
        raise NotFoundError(message)
    labels: Mapping[int | None, str] = {row[2]: row[3] for row in rows}
    return Standing(rows[0][0], rows[0][1], labels.get(0) or "", labels.get(1) or "")


def name_of(document: Mapping[str, Any]) -> str:
    """What a document calls itself, "" for nothing."""
    return str(document.get("name") or "")


_AUTHOR = sa.func.coalesce(sa.func.nullif(users.c.name, ""), users.c.email, "", type_=Words())


def _continues(last: Entry, by: int | None, merge: str, now: datetime) -> bool:
    same = bool(merge) and (last.merge, last.user_id) == (merge, by)
    return same and now - last.at <= MERGED_WITHIN


async def _keep(
    tx: AsyncConnection,
    held: Draft,
    document: dict[str, Any],
    version: int,
    seq: int,
    now: datetime,
) -> Draft:
    values = {"draft": document, "draft_version": version, "draft_seq": seq}
    await tx.execute(
        sa.update(automations)
        .where(automations.c.id == held.id)
        .values(**values, name=name_of(document), updated_at=now)
    )
    return structs.replace(held, **values)
