"""What stands around a form: the names its pickers offer, read once for a request."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import Contact
from flows.fields import fit
from flows.issues import Known
from flows.scenario import SOMEBODY
from store import fields, shops, snapshots, templates, users
from store.automations import automations
from store.contacts import contact_tags
from store.lists import contact_lists
from store.templates import Template
from web.automations.check import known_of
from web.builder.forms.variables import Field

OFFERED = 300  # names in one picker; whoever has more can still type the name
_EXAMPLES = {
    "text": "…",
    "number": "42",
    "yes_no": "yes",
    "date": "2026-12-24",
    "moment": "2026-12-24T18:30",
    "choice": "…",
}


class Around(Struct, frozen=True, kw_only=True):
    """The names a company has. `automations` are `(id, name)`, `users` `(e-mail, name)`."""

    known: Known
    fields: tuple[Field, ...] = ()
    tags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    users: tuple[tuple[str, str], ...] = ()
    automations: tuple[tuple[str, str], ...] = ()
    shops: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()
    somebody: Contact = SOMEBODY

    def find_template(self, name: str, language: str) -> Template | None:
        """The template of that name in that language, the approved one of several."""
        found = [one for one in self.templates if (one.name, one.language) == (name, language)]
        found.sort(key=lambda one: one.status.upper() != templates.APPROVED)
        return found[0] if found else None


async def read_around(tx: AsyncConnection, company_id: int, automation_id: int) -> Around:
    """All of it for one company; `automation_id` is not offered to itself."""
    own = await fields.of_company(tx, company_id)
    kept = tuple(Field(one.key, one.label, one.kind, tuple(one.options)) for one in own)
    people = await users.of_company(tx, company_id)
    homes = await snapshots.homes(tx, {company_id})
    home = homes[company_id][0]
    made = {one.key: _example(one, home.zone) for one in kept}
    return Around(
        known=await known_of(tx, company_id),
        fields=kept,
        tags=await _tags(tx, company_id),
        lists=await _lists(tx, company_id),
        users=tuple((one.email, one.name or one.email) for one in people if not one.disabled_at),
        automations=await _automations(tx, company_id, automation_id),
        shops=tuple(one.name for one in await shops.of_company(tx, company_id)),
        templates=tuple(await templates.of_company(tx, company_id)),
        somebody=structs.replace(SOMEBODY, zone=home.zone, company=home, fields=made),
    )


def _example(field: Field, zone: str) -> Any:
    value = field.options[0] if field.options else _EXAMPLES[field.kind]
    return fit(field.kind, value, zone)


async def _tags(tx: AsyncConnection, company_id: int) -> tuple[str, ...]:
    """The tags that are worn, in order: one look into the index for each, however many wear it."""
    mine = contact_tags.c.company_id == company_id
    tag = contact_tags.c.tag
    worn = sa.select(sa.func.min(tag).label("tag")).where(mine).cte("worn", recursive=True)
    following = sa.select(sa.func.min(tag)).where(mine, tag > worn.c.tag).scalar_subquery()
    worn = worn.union_all(sa.select(following).where(worn.c.tag.is_not(None)))
    query = sa.select(worn.c.tag).where(worn.c.tag.is_not(None)).limit(OFFERED)
    return tuple((await tx.execute(query)).scalars())


async def _lists(tx: AsyncConnection, company_id: int) -> tuple[str, ...]:
    query = (
        sa.select(contact_lists.c.name)
        .where(contact_lists.c.company_id == company_id)
        .order_by(contact_lists.c.name)
        .limit(OFFERED)
    )
    return tuple((await tx.execute(query)).scalars())


async def _automations(
    tx: AsyncConnection, company_id: int, automation_id: int
) -> tuple[tuple[str, str], ...]:
    query = (
        sa.select(automations.c.id, automations.c.name)
        .where(
            automations.c.company_id == company_id,
            automations.c.origin == "",
            automations.c.status != "archived",
            automations.c.id != automation_id,
        )
        .order_by(automations.c.name)
        .limit(OFFERED)
    )
    return tuple(
        (str(one.id), one.name or f"Automation {one.id}") for one in await tx.execute(query)
    )
