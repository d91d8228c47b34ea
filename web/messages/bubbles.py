"""One message as a bubble: its text, what became of it, and why so late or through this phone.

Rule: pure words about rows that were read elsewhere; a state always has a word, never only a mark.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import Buttons, Choices, Content, LinkButton, Location, Media, Template, plain
from store.messages import IS_HELD, messages
from store.phones import phones
from web.messages.story import sentences

LISTED = 50

SAID = {
    "queued": "waiting to be sent",
    "sending": "being sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "suppressed": "not sent",
    "cancelled": "recalled before it was sent",
    "expired": "too late, so not sent",
    "unconfirmed": "not confirmed by WhatsApp yet",
    "received": "received",
}
HELD = "held: the automation is paused"
BAD = frozenset(("failed", "suppressed", "expired"))


class Bubble(Struct, frozen=True):
    """What the page shows of one message."""

    id: int
    out: bool
    text: str
    note: str
    options: tuple[str, ...]
    state: str
    said: str
    bad: bool
    at: datetime
    due_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    phone: str
    run_id: int | None
    step: str
    seq: int
    source: str
    reasons: tuple[str, ...]


_COLUMNS = (
    *(messages.c[name] for name in ("id", "run_id", "step", "seq", "direction", "state", "kind")),
    *(messages.c[name] for name in ("content", "preview", "template", "source", "error")),
    *(messages.c[name] for name in ("due_at", "sent_at", "delivered_at", "read_at", "failed_at")),
    *(messages.c.why, messages.c.created_at, IS_HELD.label("held")),
    phones.c.name.label("phone_name"),
    phones.c.number.label("phone_number"),
)


async def of_contact(
    tx: AsyncConnection,
    company_id: int,
    contact_id: int,
    *,
    before: int | None,
    limit: int = LISTED,
) -> list[Bubble]:
    """The contact's messages, newest first, one more than `limit` when there are older ones."""
    query = _select(company_id).where(messages.c.contact_id == contact_id)
    if before is not None:
        query = query.where(messages.c.id < before)
    rows = await tx.execute(query.order_by(messages.c.id.desc()).limit(limit + 1))
    return [bubble(row) for row in rows]


async def of_run(tx: AsyncConnection, company_id: int, run_id: int) -> list[Bubble]:
    """What a run sent, oldest first."""
    query = _select(company_id).where(messages.c.run_id == run_id).order_by(messages.c.id)
    return [bubble(row) for row in await tx.execute(query)]


async def find(tx: AsyncConnection, company_id: int, message_id: int) -> Bubble | None:
    """One message, or None."""
    row = (await tx.execute(_select(company_id).where(messages.c.id == message_id))).one_or_none()
    return None if row is None else bubble(row)


def bubble(row: sa.Row[Any]) -> Bubble:
    """A row of `_COLUMNS` in words."""
    text, note, options = _shown(row.content, row.preview)
    said = HELD if row.held else SAID.get(row.state, row.state)
    if row.error and row.state in (*BAD, "received"):  # of a file that did not come
        said = f"{said}: {row.error}"
    return Bubble(
        id=row.id,
        out=row.direction == "out",
        text=text,
        note=note,
        options=options,
        state=row.state,
        said=said,
        bad=row.state in BAD,
        at=row.sent_at or row.failed_at or row.created_at,
        due_at=row.due_at if row.state == "queued" and not row.held else None,
        delivered_at=row.delivered_at,
        read_at=row.read_at,
        phone=row.phone_name or row.phone_number or "",
        run_id=row.run_id,
        step=row.step or "",
        seq=row.seq,
        source=row.source,
        reasons=sentences(row.why),
    )


def _select(company_id: int) -> sa.Select[Any]:
    joined = messages.outerjoin(phones, phones.c.id == messages.c.phone_id)
    return sa.select(*_COLUMNS).select_from(joined).where(messages.c.company_id == company_id)


def _shown(raw: Any, preview: str) -> tuple[str, str, tuple[str, ...]]:
    try:
        content = msgspec.convert(raw, Content)
    except msgspec.ValidationError:
        return preview, "", ()
    match content:
        case Buttons(options=options, body=body):
            return body, "", tuple(one.label for one in options)
        case Choices(options=options, body=body, button=button):
            return body, f"List “{button}”", tuple(one.label for one in options)
        case LinkButton(body=body, label=label, url=url):
            return body, f"Link to {url}", (label,)
        case Media(media=media, caption=caption, filename=filename):
            return caption or filename, media.capitalize(), ()
        case Template(name=name, body=body):
            return preview or " · ".join(body), f"Template {name}", ()
        case Location(latitude=latitude, longitude=longitude):
            return plain(content), f"Location {latitude:.5f}, {longitude:.5f}", ()
        case _:
            return plain(content), "", ()
