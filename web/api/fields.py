"""The company's own fields of contacts by API: define, rename, change options, delete.

Rule: a key is for ever; what people read (label, options) may change at any time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from flows.contact import FieldKind
from store import fields
from store.errors import InvalidError
from web.api.shapes import Page
from web.given import Asker, Web
from web.shell.errors import Detail, RefusedError

TAGS = ["Fields"]
FIELDS = {"role": "agent", "change_role": "editor"}
Label = Annotated[
    str,
    Meta(min_length=1, max_length=fields.LABEL_LIMIT, description="What people call it"),
]
Options = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=fields.LABEL_LIMIT)]],
    Meta(max_length=fields.OPTIONS_LIMIT, description="What a choice offers"),
]
Key = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$",
        description="What flows and the API call it: letters, digits and _, such as shoe_size; "
        "made of the label when it is left out",
    ),
]


class FieldIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A new field. Its key and kind can never be changed."""

    label: Label
    kind: Annotated[FieldKind, Meta(description="What it holds")] = "text"
    key: Key | None = None
    options: Options = []


class FieldChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    label: Label | None = None
    options: Options | None = None


class FieldOut(Struct, frozen=True):
    """A field of contacts."""

    key: str
    label: str
    kind: FieldKind
    options: list[str]
    created_at: datetime


@get("/fields", summary="List fields", tags=TAGS, opt=FIELDS)
async def list_fields(who: Asker, web: Web) -> Page[FieldOut]:
    """All of them, oldest first; there are at most 200."""
    async with web.database.read() as tx:
        found = await fields.of_company(tx, who.company_id)
    return Page([_out(one) for one in found], None)


@post("/fields", summary="Define a field", tags=TAGS, opt={"body": FieldIn, **FIELDS})
async def define_field(data: JSONBody[FieldIn], who: Asker, web: Web) -> FieldOut:
    """From now on what automations write into it must fit its kind."""
    key = data.key or fields.key_for(data.label)
    if not key:
        raise InvalidError("No key can be made of this label; give one.")
    async with web.database.write() as tx:
        made = await fields.define(
            tx, who.company_id, key, data.label, data.kind, web.clock(), options=data.options
        )
    return _out(made)


@patch(
    "/fields/{key:str}",
    summary="Rename a field or change its options",
    tags=TAGS,
    opt={"body": FieldChange, **FIELDS},
)
async def change_field(
    data: JSONBody[FieldChange], who: Asker, web: Web, key: FromPath[str]
) -> FieldOut:
    """Flows and contacts keep its key, so nobody who is inside an automation is disturbed."""
    async with web.database.write() as tx:
        if data.label is not None:
            await fields.rename(tx, who.company_id, key, data.label)
        if data.options is not None:
            await fields.set_options(tx, who.company_id, key, data.options)
        return _out(await fields.get(tx, who.company_id, key))


@delete("/fields/{key:str}", summary="Delete a field", tags=TAGS, opt=FIELDS)
async def delete_field(who: Asker, web: Web, key: FromPath[str]) -> None:
    """Refused (409) while an automation that is not archived names it. What contacts have in it
    stays.
    """
    async with web.database.write() as tx:
        users = await fields.remove(tx, who.company_id, key)
    if users:
        said = "Automations use this field; take it out of them first."
        details = [Detail(f"/automations/{one.id}", f"“{one.name}” uses it.") for one in users]
        raise RefusedError(409, said, details=details)


def _out(field: fields.Field) -> FieldOut:
    return FieldOut(field.key, field.label, field.kind, field.options, field.created_at)


HANDLERS = (list_fields, define_field, change_field, delete_field)
