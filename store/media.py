"""Files that customers sent or we send: what is known of each; `store.files` has the bytes.

Rule: a file is known by the hash of its content, so the same one is kept and uploaded once, and is
only ever found through the company whose file it is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into
from store.files import Kept

media_files = sa.Table(
    "media_files",
    metadata,
    sa.Column("company_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("sha256", Words, primary_key=True),
    sa.Column("mime_type", Words, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("filename", Words, nullable=False, default=""),
    sa.Column("uploaded", sa.Boolean, nullable=False, default=False),  # by the company itself
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("erased_at", Moment, index=True),  # its bytes go soon, see `unused`
)

media_uploads = sa.Table(
    "media_uploads",
    metadata,
    sa.Column("phone_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("sha256", Words, primary_key=True),
    sa.Column("remote_id", Words, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)

media_senders = sa.Table(
    "media_senders",
    metadata,
    sa.Column("contact_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("sha256", Words, primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Index("ix_media_senders_company_id_sha256", "company_id", "sha256"),
)
"""Which contacts sent us which files."""


class MediaFile(Struct, frozen=True):
    """What is known of a file."""

    company_id: int
    sha256: str
    mime_type: str
    size: int
    filename: str
    created_at: datetime


async def keep(
    tx: AsyncConnection,
    company_id: int,
    file: Kept,
    now: datetime,
    *,
    filename: str = "",
    contact_id: int | None = None,
) -> None:
    """Note a file that is on the disk: sent by a contact, or, without one, the company's own."""
    query = insert_into(tx, media_files)
    row = {
        "company_id": company_id,
        "sha256": file.sha256,
        "mime_type": file.mime_type,
        "size": file.size,
        "filename": filename,
        "uploaded": contact_id is None,
        "created_at": now,
    }
    changed: dict[str, Any] = {"erased_at": None}
    if contact_id is None:
        changed |= {"uploaded": True, "filename": query.excluded.filename}
    known = ["company_id", "sha256"]
    await tx.execute(query.values(row).on_conflict_do_update(index_elements=known, set_=changed))
    if contact_id is not None:
        sent = {"contact_id": contact_id, "sha256": file.sha256, "company_id": company_id}
        await tx.execute(insert_into(tx, media_senders).values(sent).on_conflict_do_nothing())


async def keep_for_nobody(tx: AsyncConnection, company_id: int, file: Kept, now: datetime) -> None:
    """Note a file that is on the disk and was erased before it got there; its bytes go again."""
    row = {
        "company_id": company_id,
        "sha256": file.sha256,
        "mime_type": file.mime_type,
        "size": file.size,
        "filename": "",
        "uploaded": False,
        "created_at": now,
        "erased_at": now,
    }
    await tx.execute(insert_into(tx, media_files).values(row).on_conflict_do_nothing())


async def find(tx: AsyncConnection, company_id: int, sha256: str) -> MediaFile | None:
    """A file of a company, or None."""
    return (await find_many(tx, company_id, [sha256])).get(sha256)


async def find_many(
    tx: AsyncConnection, company_id: int, hashes: Collection[str]
) -> dict[str, MediaFile]:
    """Files of a company by their hash; unknown ones are left out."""
    if not hashes:
        return {}
    query = sa.select(*columns_of(MediaFile, media_files)).where(
        media_files.c.company_id == company_id,
        media_files.c.sha256.in_(hashes),
        media_files.c.erased_at.is_(None),
    )
    return {row.sha256: as_kind(MediaFile, row) for row in await tx.execute(query)}


async def uploads(
    tx: AsyncConnection, phone_id: int, hashes: Collection[str], now: datetime
) -> dict[str, str]:
    """`{hash: the channel's id}` of files that were uploaded for a phone and are still there."""
    query = sa.select(media_uploads.c.sha256, media_uploads.c.remote_id).where(
        media_uploads.c.phone_id == phone_id,
        media_uploads.c.sha256.in_(hashes),
        media_uploads.c.expires_at > now,
    )
    return {row.sha256: row.remote_id for row in await tx.execute(query)}


async def note_upload(
    tx: AsyncConnection, phone_id: int, sha256: str, remote_id: str, expires_at: datetime
) -> None:
    """A file has this id at the channel now, until then."""
    query = insert_into(tx, media_uploads)
    row = {"phone_id": phone_id, "sha256": sha256, "remote_id": remote_id, "expires_at": expires_at}
    told = {"remote_id": remote_id, "expires_at": expires_at}
    known = ["phone_id", "sha256"]
    await tx.execute(query.values(row).on_conflict_do_update(index_elements=known, set_=told))


async def forget_uploads(tx: AsyncConnection, phone_id: int, hashes: Collection[str]) -> None:
    """The channel does not know these any more."""
    await tx.execute(
        sa.delete(media_uploads).where(
            media_uploads.c.phone_id == phone_id, media_uploads.c.sha256.in_(hashes)
        )
    )


async def forget_senders(tx: AsyncConnection, contact_ids: Collection[int], now: datetime) -> None:
    """Erase the files that only these contacts sent, and that are not the company's own."""
    theirs = media_senders.c.contact_id.in_(contact_ids)
    query = sa.select(media_senders.c.company_id, media_senders.c.sha256).where(theirs).distinct()
    found = [(company_id, sha256) for company_id, sha256 in await tx.execute(query)]
    await tx.execute(sa.delete(media_senders).where(theirs))
    others = sa.exists().where(
        media_senders.c.company_id == media_files.c.company_id,
        media_senders.c.sha256 == media_files.c.sha256,
    )
    by_company: dict[int, list[str]] = {}
    for company_id, sha256 in found:
        by_company.setdefault(company_id, []).append(sha256)
    for company_id, hashes in sorted(by_company.items()):
        mine = sa.and_(media_files.c.company_id == company_id, media_files.c.sha256.in_(hashes))
        await tx.execute(
            sa.update(media_files)
            .where(mine, ~others, media_files.c.uploaded.is_(False))
            .values(erased_at=now, filename="")
        )


async def erased(tx: AsyncConnection, limit: int) -> list[tuple[int, str]]:
    """`(company id, hash)` of files that were erased and whose bytes may still lie there."""
    query = (
        sa.select(media_files.c.company_id, media_files.c.sha256)
        .where(media_files.c.erased_at.is_not(None))
        .order_by(media_files.c.erased_at)
        .limit(limit)
    )
    return [(company_id, sha256) for company_id, sha256 in await tx.execute(query)]


async def is_used(tx: AsyncConnection, sha256: str) -> bool:
    """Whether any company still has this file; held until the transaction ends."""
    query = sa.select(media_files.c.erased_at).where(media_files.c.sha256 == sha256)
    return any(at is None for (at,) in await tx.execute(query.with_for_update()))


async def forget(tx: AsyncConnection, company_id: int, sha256: str) -> None:
    """An erased file is gone for good."""
    await tx.execute(
        sa.delete(media_files).where(
            media_files.c.company_id == company_id,
            media_files.c.sha256 == sha256,
            media_files.c.erased_at.is_not(None),
        )
    )
