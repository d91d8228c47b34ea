"""Who is this? From addresses (phone, WhatsApp id, user id, LID, e-mail) to contacts.

Rule: an address that is known always leads to the same contact, also when several processes
meet a new one at the same moment; a WhatsApp id is never rewritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import addresses as book
from store.addresses import Address, Key
from store.contacts import contact_addresses, contacts
from store.database import in_chunks
from store.errors import InvalidError
from store.numbers import region_of

log = structlog.get_logger(__name__)
AT_ONCE = 1_000  # people per round of statements


class Person(Struct, frozen=True):
    """Somebody told of from outside. Names fill what is empty and never overwrite."""

    addresses: Sequence[Address]
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    language: str = ""
    country: str = ""


FILLED = ("name", "first_name", "last_name", "language", "country")


class Resolved(Struct, frozen=True):
    """The contact somebody is, and whether they were unknown until now."""

    id: int
    created: bool


async def resolve(
    tx: AsyncConnection,
    company_id: int,
    addresses: Sequence[Address],
    *,
    now: datetime,
    **names: str,
) -> int:
    """The contact with any of these addresses, made when there is none; `names` as in `Person`."""
    [found] = await resolve_many(tx, company_id, [Person(addresses, **names)], now=now)
    return found.id


async def resolve_many(
    tx: AsyncConnection, company_id: int, people: Sequence[Person], *, now: datetime
) -> list[Resolved]:
    """`resolve` for many, in the order given; people who share an address are one contact.

    Of two addresses that belong to different contacts the first one wins and the matter is noted
    in the log. Raises InvalidError for somebody without any address but e-mail.
    """
    resolved: list[Resolved] = []
    for chunk in in_chunks(people, AT_ONCE):
        resolved += await _resolve_chunk(tx, company_id, chunk, now)
    return resolved


class _Found:
    """One contact of the batch: known by id, or still to be made."""

    def __init__(self, contact_id: int, created: bool) -> None:  # noqa: FBT001 - two facts
        self.id = contact_id
        self.created = created
        self.keys: list[Key] = []
        self.values: dict[str, str] = {}

    def learn(self, person: Person, keys: Sequence[Key]) -> None:
        self.keys += keys
        for name in FILLED:
            if value := getattr(person, name):
                self.values.setdefault(name, value)


async def _resolve_chunk(
    tx: AsyncConnection, company_id: int, people: Sequence[Person], now: datetime
) -> list[Resolved]:
    wanted = [{(one.space, one.key): one for one in p.addresses if one.key} for p in people]
    numbers = [[key for key in keys if key[0] != "email"] for keys in wanted]
    if not all(numbers):
        message = "a contact needs a phone number, a WhatsApp id, a user id or a LID"
        raise InvalidError(message)
    known = await book.owners(tx, company_id, {key for keys in numbers for key in keys})
    by_id = {owner: _Found(owner, created=False) for owner, _ in known.values()}
    found_by = {key: by_id[owner] for key, (owner, _) in known.items()}
    answers: list[_Found] = []
    for person, keys in zip(people, numbers, strict=True):
        owners = [found_by[key] for key in keys if key in found_by]
        found = owners[0] if owners else _Found(0, created=True)
        if any(owner is not found for owner in owners):
            log.info("addresses_of_two_contacts", company=company_id, contact=found.id)
        found.learn(person, keys)
        for key in keys:
            found_by.setdefault(key, found)
        answers.append(found)

    unique = list(dict.fromkeys(answers))
    await _create(tx, company_id, [found for found in unique if found.created], now)
    verbatim = {key: one for keys in wanted for key, one in reversed(keys.items())}
    # Somebody's WhatsApp id is worth more than the number they typed: it is what we send to.
    verbatim |= {k: a for keys in wanted for k, a in keys.items() if a.kind == "wa_id"}
    missing = {key: found.id for key, found in found_by.items() if key not in known}
    lost = await book.add(tx, company_id, missing, verbatim, now)
    if lost:
        await _yield_to_others(tx, company_id, unique, lost)
    await book.upgrade_to_wa_id(tx, company_id, known, verbatim)
    emails = {
        (found.id, key[1]): address
        for found, keys in zip(answers, wanted, strict=True)
        for key, address in keys.items()
        if key[0] == "email"
    }
    await book.add_emails(tx, company_id, emails, now)
    await _fill_names(tx, [found for found in unique if not found.created], now)
    return [Resolved(found.id, found.created) for found in answers]


async def _create(
    tx: AsyncConnection, company_id: int, new: Sequence[_Found], now: datetime
) -> None:
    if not new:
        return
    rows = [
        {
            "company_id": company_id,
            "created_at": now,
            "updated_at": now,
            **{name: found.values.get(name, "") for name in FILLED},
            "country": found.values.get("country") or _country_of(found.keys),
        }
        for found in new
    ]
    made = await tx.execute(
        sa.insert(contacts).returning(contacts.c.id, sort_by_parameter_order=True), rows
    )
    for found, contact_id in zip(new, made.scalars(), strict=True):
        found.id = contact_id


def _country_of(keys: Sequence[Key]) -> str:
    return next((region_of(key) for space, key in keys if space == "number"), "")


async def _yield_to_others(
    tx: AsyncConnection, company_id: int, found: Sequence[_Found], lost: set[Key]
) -> None:
    """Give contacts up that another process made first: theirs is the one that stays."""
    losers = [one for one in found if one.created and lost.intersection(one.keys)]
    owners = await book.owners(tx, company_id, {key for one in losers for key in one.keys})
    for one in losers:  # a race between processes over the same new person: rare and few
        winner = next(owners[key][0] for key in one.keys if key in owners)
        if winner == one.id:
            continue
        table = contact_addresses
        await tx.execute(
            sa.update(table).where(table.c.contact_id == one.id).values(contact_id=winner)
        )
        await tx.execute(sa.delete(contacts).where(contacts.c.id == one.id))
        one.id, one.created = winner, False


async def _fill_names(tx: AsyncConnection, found: Sequence[_Found], now: datetime) -> None:
    told = {one.id: one.values for one in found if one.values}
    if not told:
        return
    columns = [contacts.c[name] for name in FILLED]
    query = sa.select(contacts.c.id, *columns).where(contacts.c.id.in_(told))
    rows = []
    for row in (await tx.execute(query)).mappings():
        filled = {name: row[name] or told[row["id"]].get(name, "") for name in FILLED}
        if any(filled[name] != row[name] for name in FILLED):
            rows.append({"of": row["id"], **{f"new_{name}": filled[name] for name in FILLED}})
    if rows:
        await tx.execute(
            sa.update(contacts)
            .where(contacts.c.id == sa.bindparam("of"))
            .values({name: sa.bindparam(f"new_{name}") for name in FILLED})
            .values(updated_at=now),
            rows,
        )
