"""Whom the send API writes to: contacts by id or address, found all at once.

Rule: one recipient that cannot be used keeps nobody else from getting their message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from store import contact_list
from store.addresses import Address
from store.numbers import parse_phone
from store.resolve import Person, resolve_many
from web.api.message_shapes import To
from web.paging import parse_id
from web.security.who import Who
from web.shell.errors import Detail

WAYS = ("phone", "wa_id", "user_id", "contact_id")


async def find_contacts(
    tx: AsyncConnection, who: Who, people: Sequence[tuple[To | None, str]], now: datetime
) -> list[int | Detail]:
    """The contact of each `(to, where it stands)`, or what is wrong with it."""
    asked = {parse_id(to.contact_id) for to, _ in people if to is not None and to.contact_id}
    ids = await contact_list.existing(tx, who.company_id, [one for one in asked if one is not None])
    found: list[int | Detail] = []
    new: dict[int, Address] = {}
    for place, (to, where) in enumerate(people):
        way = _way(to, where, who.country, ids)
        if isinstance(way, Address):
            new[place] = way
            found.append(0)
        else:
            found.append(way)
    made = await resolve_many(tx, who.company_id, [Person([one]) for one in new.values()], now=now)
    for place, contact in zip(new, made, strict=True):
        found[place] = contact.id
    return found


def _way(to: To | None, where: str, country: str, ids: set[int]) -> Address | int | Detail:
    """An address to look up, a contact that is there, or what is wrong."""
    given = [name for name in WAYS if to is not None and getattr(to, name) is not None]
    if to is None or len(given) != 1:
        said = f"Say whom to write to, by exactly one of {', '.join(WAYS)}."
        return Detail(f"{where}/to", said)
    if to.contact_id is not None:
        contact_id = parse_id(to.contact_id)
        if contact_id is None or contact_id not in ids:
            return Detail(f"{where}/to/contact_id", f"There is no contact {to.contact_id}.")
        return contact_id
    if to.phone is not None:
        phone = parse_phone(to.phone, country)
        if phone is None:
            said = f"“{to.phone}” is not a phone number; write it as +391234567890."
            return Detail(f"{where}/to/phone", said)
        return Address("phone", phone)
    if to.wa_id is not None:
        return Address("wa_id", to.wa_id)
    return Address("user_id", to.user_id or "")
