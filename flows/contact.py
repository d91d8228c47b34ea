"""The read-only snapshot of a person that steps, conditions and texts see."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, structs

SERVICE_WINDOW = timedelta(hours=24)  # WhatsApp: free-form messages after a customer's message

Consent = Literal["yes", "no", "unknown"]


FieldKind = Literal["text", "number", "yes_no", "date", "moment", "choice"]
Hours = tuple[str, str]


class Company(Struct, frozen=True, omit_defaults=True):
    """What a flow may know of the company it belongs to.

    `hours`: when it is open by weekday (`mon` … `sun`), local, end excluded; a missing day is
    closed. `holidays_of`: ISO country (`IT`, `DE-BY`) whose public holidays are kept, or empty;
    `holidays`: further days, ISO dates. `fields`: the kinds of its contacts' own fields.
    """

    id: int = 0
    name: str = ""
    zone: str = "UTC"
    language: str = "en"
    country: str = ""
    hours: dict[str, Hours] = {}
    holidays_of: str = ""
    holidays: tuple[str, ...] = ()
    fields: dict[str, FieldKind] = {}


class Contact(Struct, frozen=True, omit_defaults=True):
    """One person. `zone` is an IANA name, already resolved (their own, their number's, ours).

    `last_inbound_at`: their last message to us, `last_outbound_at`: ours that last left;
    `last_message`: the words of theirs. `lists` are named as people see them.
    """

    id: int = 0
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""
    country: str = ""
    zone: str = "UTC"
    consent: Consent = "unknown"
    blocked: bool = False
    handed_over: bool = False
    last_inbound_at: datetime | None = None
    last_outbound_at: datetime | None = None
    last_message: str = ""
    created_at: datetime | None = None
    tags: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    fields: dict[str, Any] = {}
    company: Company = Company()

    def window_open(self, now: datetime) -> bool:
        """Whether free-form messages are allowed at `now` (24 h after their last message)."""
        return self.last_inbound_at is not None and now - self.last_inbound_at < SERVICE_WINDOW

    def words(self) -> dict[str, Any]:
        """The same as plain values, for Liquid and conditions."""
        return {
            "id": str(self.id),
            "name": self.name,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "phone": self.phone,
            "email": self.email,
            "language": self.language,
            "country": self.country,
            "consent": self.consent,
            "tags": sorted(self.tags),
            "lists": sorted(self.lists),
            "fields": self.fields,
            "zone": self.zone,
            "blocked": self.blocked,
            "handed_over": self.handed_over,
            "last_seen": _iso(self.last_inbound_at),
            "last_written_to": _iso(self.last_outbound_at),
            "last_message": self.last_message,
            "created": _iso(self.created_at),
        }

    def with_tags(self, add: frozenset[str], remove: frozenset[str]) -> Contact:
        """A copy wearing other tags."""
        return structs.replace(self, tags=(self.tags | add) - remove)

    def on_lists(self, add: frozenset[str], remove: frozenset[str]) -> Contact:
        """A copy on other lists."""
        return structs.replace(self, lists=(self.lists | add) - remove)

    def with_field(self, name: str, value: object) -> Contact:
        """A copy with one field set; built-in names change the person, others the custom fields."""
        if name in BUILT_IN_FIELDS:
            return structs.replace(self, **{name: "" if value is None else str(value)})
        fields = {key: old for key, old in self.fields.items() if key != name}
        if value is not None:
            fields[name] = value
        return structs.replace(self, fields=fields)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


BUILT_IN_FIELDS = ("name", "first_name", "last_name", "email", "language")
