"""The company's own fields of contacts: what each is called and which kind of value it holds.

Rule: flows name a field by its `key`, which never changes; renaming changes the label only.
"""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import JSON, BigId, Moment, Words, metadata

contact_fields = sa.Table(
    "contact_fields",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("key", Words, nullable=False),
    sa.Column("label", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),  # flows.contact.FieldKind
    sa.Column("options", JSON, nullable=False, default=list),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("company_id", "key"),
)
