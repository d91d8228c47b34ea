"""Files that customers sent or we send: what is known of each; the bytes lie beside the database.

Rule: a file is known by the hash of its content, so the same one is kept and uploaded once.
"""

from __future__ import annotations

import sqlalchemy as sa

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
