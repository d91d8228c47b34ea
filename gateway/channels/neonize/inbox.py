"""Files that customers sent to a paired phone, from where its program laid them to all others.

Rule: a file is under way until its message is written down; then it is kept like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import Media
from gateway.news import Inbound, News
from store import chats, media
from store.files import Kept, NewFile, TooLargeError

LARGEST_FILE = 100_000_000  # bytes, WhatsApp's own limit for documents
AT_ONCE = 1 << 20


async def place(news: Sequence[News], inbox: Path, folder: Path) -> dict[str, Kept]:
    """Put the files of these news where files are kept; by the id of their message."""
    found = {
        one.channel_id: one.content
        for one in news
        if isinstance(one, Inbound) and isinstance(one.content, Media) and one.content.sha256
    }
    placed = {}
    for channel_id, content in found.items():
        kept = await asyncio.to_thread(_place, inbox / content.sha256, folder, content.mime_type)
        if kept is not None:
            placed[channel_id] = kept
    return placed


async def note(
    tx: AsyncConnection,
    company_id: int,
    phone_id: int,
    placed: Mapping[str, Kept],
    now: datetime,
) -> None:
    """Note whose files they are; their messages are written down by now."""
    writers = await chats.writers(tx, phone_id, placed)
    for channel_id, contact_id in sorted(writers.items()):
        await media.keep(tx, company_id, placed[channel_id], now, contact_id=contact_id)


async def clear(placed: Mapping[str, Kept], inbox: Path) -> None:
    """Take away what is kept elsewhere now."""
    for kept in placed.values():
        await asyncio.to_thread((inbox / kept.sha256).unlink, missing_ok=True)


def _place(source: Path, folder: Path, said: str) -> Kept | None:
    try:
        file = source.open("rb")
    except FileNotFoundError:
        return None  # it is kept since the last time it was told of
    with file, NewFile(folder, LARGEST_FILE) as new:
        try:
            while part := file.read(AT_ONCE):
                new.write(part)
        except TooLargeError:
            return None  # the message stays, without it
        return new.keep(said)
