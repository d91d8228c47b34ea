"""Files that customers sent or we send: what is known of each; the bytes lie beside the database.

Rule: a file is known by the hash of its content, so the same one is kept and uploaded once.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata

media_files = sa.Table(
    "media_files",
    metadata,
    sa.Column("company_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("sha256", Words, primary_key=True),
    sa.Column("mime_type", Words, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("filename", Words, nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
)

media_uploads = sa.Table(
    "media_uploads",
    metadata,
    sa.Column("phone_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("sha256", Words, primary_key=True),
    sa.Column("remote_id", Words, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)


async def kept(tx: AsyncConnection, company_id: int, hashes: Collection[str]) -> set[str]:
    """Those of the hashes that are files of this company."""
    if not hashes:
        return set()
    query = sa.select(media_files.c.sha256).where(
        media_files.c.company_id == company_id, media_files.c.sha256.in_(hashes)
    )
    return set((await tx.execute(query)).scalars())
