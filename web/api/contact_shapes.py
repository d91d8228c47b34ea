"""What the API takes and gives about changing contacts, their notes and their lists.

Rule: as in `web.api.shapes`: what is here is a promise.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from web.api.shapes import Fields, Id, Tags

ListName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Lists = Annotated[list[ListName], Meta(max_length=50)]
MOST_MEMBERS = 5_000


class TagsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Tags to put on and to take off; one named in both is taken off."""

    add: Tags = []
    remove: Tags = []


class ListsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Lists to join and to leave, by name; a new name makes a new list."""

    join: Lists = []
    leave: Lists = []


class FieldsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Fields to set; null empties one, fields that are not named stay."""

    fields: Fields


class ConsentIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether WhatsApp marketing is wanted, and where that was said: it is kept as proof."""

    consent: Literal["yes", "no"]
    source: Annotated[str, Meta(min_length=1, max_length=200)] = "API"


class AssignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """The colleague who looks after the chat, by e-mail."""

    to: Annotated[str, Meta(min_length=3, max_length=320)]


class NoteIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A note for colleagues; customers never see it."""

    text: Annotated[str, Meta(min_length=1, max_length=5_000, pattern=r"\S")]


class NoteOut(Struct, frozen=True):
    """A note; `author` is a colleague's name or the automation's, empty for a program's."""

    id: str
    text: str
    author: str
    run_id: str | None
    created_at: datetime


class ListIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A list to make."""

    name: ListName


class ListOut(Struct, frozen=True):
    """A list and how many contacts are on it."""

    id: str
    name: str
    contacts: int
    created_at: datetime


class MembersIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Contacts to put on a list: by id, by phone number (unknown ones become contacts), or both."""

    ids: Annotated[list[Id], Meta(max_length=MOST_MEMBERS)] = []
    phones: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=40)]], Meta(max_length=MOST_MEMBERS)
    ] = []


class MembersChanged(Struct, frozen=True):
    """How many were named, how many of them are new on the list (or left it), how many are new
    contacts.
    """

    named: int
    changed: int
    created: int = 0
