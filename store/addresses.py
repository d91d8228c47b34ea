"""Addresses: the ways to reach a contact (phone, WhatsApp id, user id, LID, e-mail).

Rule: an address but e-mail belongs to one contact of a company; a WhatsApp id is never rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import clean_text
from store.contacts import NOT_EMAIL, AddressKind, contact_addresses
from store.database import insert_into, insert_rows
from store.numbers import number_key

Key = tuple[str, str]  # kind space and key, as the unique index has them


class Address(Struct, frozen=True):
    """One way to reach somebody. `value` stays as it came."""

    kind: AddressKind
    value: str

    @property
    def space(self) -> str:
        """What it is compared with: phones and WhatsApp ids are both numbers."""
        return "number" if self.kind in ("phone", "wa_id") else self.kind

    @property
    def key(self) -> str:
        """The normalised form it is found by; empty when there is nothing in it."""
        match self.space:
            case "number":
                return number_key(self.value)
            case "email":
                return clean_text(self.value).strip().lower()
            case _:
                return clean_text(self.value).strip()


async def owners(
    tx: AsyncConnection, company_id: int, keys: set[Key]
) -> dict[Key, tuple[int, AddressKind]]:
    """Whose these addresses are, as contact id and kind; unknown ones are left out."""
    if not keys:
        return {}
    table = contact_addresses.c
    spaces = [
        sa.and_(table.kind_space == space, table.key.in_(sorted(k for s, k in keys if s == space)))
        for space in sorted({space for space, _ in keys})
    ]
    query = sa.select(table.kind_space, table.key, table.contact_id, table.kind).where(
        table.company_id == company_id, NOT_EMAIL, sa.or_(*spaces)
    )
    return {(space, key): (owner, kind) for space, key, owner, kind in await tx.execute(query)}


async def add(
    tx: AsyncConnection,
    company_id: int,
    missing: Mapping[Key, int],
    verbatim: Mapping[Key, Address],
    now: datetime,
) -> set[Key]:
    """Add addresses; those that another process added in the meantime are returned."""
    if not missing:
        return set()
    query = (
        insert_into(tx, contact_addresses)
        .on_conflict_do_nothing(
            index_elements=["company_id", "kind_space", "key"], index_where=NOT_EMAIL
        )
        .returning(contact_addresses.c.kind_space, contact_addresses.c.key)
    )
    # One order for everybody: two processes adding the same addresses wait, but never in a circle.
    rows = [_row(company_id, missing[key], verbatim[key], now) for key in sorted(missing)]
    added = {(space, key) for space, key in await tx.execute(query, rows)}
    return missing.keys() - added


async def upgrade_to_wa_id(
    tx: AsyncConnection,
    company_id: int,
    known: Mapping[Key, tuple[int, AddressKind]],
    verbatim: Mapping[Key, Address],
) -> None:
    """Put the WhatsApp id in place of a number that somebody typed: it is what we send to."""
    typed = [
        {"of_space": key[0], "of_key": key[1], "new_value": verbatim[key].value}
        for key, (_, kind) in known.items()
        if kind == "phone" and verbatim[key].kind == "wa_id"
    ]
    if typed:
        table = contact_addresses
        await tx.execute(
            sa.update(table)
            .where(table.c.company_id == company_id, table.c.kind == "phone")
            .where(table.c.kind_space == sa.bindparam("of_space"))
            .where(table.c.key == sa.bindparam("of_key"))
            .values(kind="wa_id", value=sa.bindparam("new_value")),
            typed,
        )


async def add_emails(
    tx: AsyncConnection, company_id: int, emails: Mapping[tuple[int, str], Address], now: datetime
) -> None:
    """Add e-mail addresses by contact id and key; those a contact has already stay as they are."""
    if not emails:
        return
    table = contact_addresses.c
    query = sa.select(table.contact_id, table.key).where(
        table.contact_id.in_({owner for owner, _ in emails}), table.kind_space == "email"
    )
    present = {(owner, key) for owner, key in await tx.execute(query)}
    rows = [_row(company_id, of[0], one, now) for of, one in emails.items() if of not in present]
    await insert_rows(tx, contact_addresses, rows)


def _row(company_id: int, contact_id: int, address: Address, now: datetime) -> dict[str, Any]:
    return {
        "company_id": company_id,
        "contact_id": contact_id,
        "kind": address.kind,
        "kind_space": address.space,
        "value": address.value.strip(),
        "key": address.key,
        "created_at": now,
    }
