"""Files of customers that are still at WhatsApp: which, for which message, when to try.

Rule: nothing is fetched here. What could not be fetched says so on its message.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import media
from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_rows
from store.files import Kept
from store.messages import messages

media_wanted = sa.Table(
    "media_wanted",
    metadata,
    sa.Column("message_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("phone_id", BigId, nullable=False),
    sa.Column("remote_id", Words, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", Moment, nullable=False, index=True),
)
"""Files of customers that we have not fetched yet. While one is being fetched, `due_at` is when
somebody else may try.
"""

ON_A_FILE = timedelta(minutes=5)  # longer than a download may take


class Wanted(Struct, frozen=True):
    """A customer's file to be fetched: of which message, through which phone, for which time."""

    message_id: int
    company_id: int
    contact_id: int
    phone_id: int
    remote_id: str
    attempts: int


async def want(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Have the files of these new messages (their rows) fetched; how many there are."""
    wanted = [
        {
            "message_id": row["id"],
            **{name: row[name] for name in ("company_id", "contact_id", "phone_id")},
            "remote_id": row["content"]["remote_id"],
            "attempts": 0,
            "due_at": now,
        }
        for row in rows
        if row["direction"] == "in" and _is_elsewhere(row["content"])
    ]
    await insert_rows(tx, media_wanted, wanted)
    return len(wanted)


def _is_elsewhere(content: Mapping[str, Any]) -> bool:
    return bool(content.get("remote_id")) and not content.get("sha256")


async def is_wanted(tx: AsyncConnection, now: datetime) -> bool:
    """Whether a file is due to be fetched."""
    query = sa.select(media_wanted.c.message_id).where(media_wanted.c.due_at <= now).limit(1)
    return (await tx.execute(query)).first() is not None


async def claim(tx: AsyncConnection, now: datetime, limit: int) -> list[Wanted]:
    """Take files to fetch; nobody else gets them for as long as a download may take."""
    query = (
        sa.select(*columns_of(Wanted, media_wanted))
        .where(media_wanted.c.due_at <= now)
        .order_by(media_wanted.c.due_at, media_wanted.c.message_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [as_kind(Wanted, row) for row in await tx.execute(query)]
    await tx.execute(
        sa.update(media_wanted)
        .where(media_wanted.c.message_id.in_([one.message_id for one in found]))
        .values(due_at=now + ON_A_FILE, attempts=media_wanted.c.attempts + 1)
    )
    return found


async def fetched(tx: AsyncConnection, wanted: Wanted, file: Kept, now: datetime) -> bool:
    """A customer's file is on the disk: note it, and on its message. False when the message was
    erased meanwhile; then its bytes are nobody's and go again.
    """
    query = sa.select(messages.c.content).where(messages.c.id == wanted.message_id)
    content = (await tx.execute(query.with_for_update())).scalar_one_or_none()
    if not isinstance(content, dict) or content.get("remote_id") != wanted.remote_id:
        await _forget_wanted(tx, wanted)
        await media.keep_for_nobody(tx, wanted.company_id, file, now)
        return False
    name = str(content.get("filename", ""))
    await media.keep(tx, wanted.company_id, file, now, filename=name, contact_id=wanted.contact_id)
    told = {"content": content | {"sha256": file.sha256}, "error": None}
    await tx.execute(sa.update(messages).where(messages.c.id == wanted.message_id).values(told))
    await _forget_wanted(tx, wanted)
    return True


async def fetch_later(tx: AsyncConnection, wanted: Wanted, at: datetime, why: str) -> None:
    """It did not work: try again then, and say so on the message until it did."""
    which = media_wanted.c.message_id == wanted.message_id
    await tx.execute(sa.update(media_wanted).where(which).values(due_at=at))
    await _say(tx, wanted, why)


async def give_up(tx: AsyncConnection, wanted: Wanted, why: str) -> None:
    """It will not come: say why on the message."""
    await _forget_wanted(tx, wanted)
    await _say(tx, wanted, why)


async def forget(tx: AsyncConnection, contact_ids: Collection[int]) -> None:
    """Fetch nothing more of these contacts."""
    await tx.execute(sa.delete(media_wanted).where(media_wanted.c.contact_id.in_(contact_ids)))


async def _forget_wanted(tx: AsyncConnection, wanted: Wanted) -> None:
    which = media_wanted.c.message_id == wanted.message_id
    await tx.execute(sa.delete(media_wanted).where(which))


async def _say(tx: AsyncConnection, wanted: Wanted, why: str) -> None:
    of = messages.c.id == wanted.message_id
    received = messages.c.kind == "media"
    await tx.execute(sa.update(messages).where(of, received).values(error=why))
