"""The read-only snapshot of a person that steps, conditions and texts see."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, structs

SERVICE_WINDOW = timedelta(hours=24)  # WhatsApp: free-form messages after a customer's message

Consent = Literal["yes", "no", "unknown"]


class Company(Struct, frozen=True):
    """What a flow may know of the company it belongs to."""

    id: int = 0
    name: str = ""
    zone: str = "UTC"
    language: str = "en"


class Contact(Struct, frozen=True):
    """One person. `zone` is an IANA name, already resolved (their own, their number's, ours)."""

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
    tags: frozenset[str] = frozenset()
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
            "fields": self.fields,
        }

    def with_tags(self, add: frozenset[str], remove: frozenset[str]) -> Contact:
        """A copy wearing other tags."""
        return structs.replace(self, tags=(self.tags | add) - remove)

    def with_field(self, name: str, value: object) -> Contact:
        """A copy with one field set; built-in names change the person, others the custom fields."""
        if name in BUILT_IN_FIELDS:
            return structs.replace(self, **{name: "" if value is None else str(value)})
        fields = {key: old for key, old in self.fields.items() if key != name}
        if value is not None:
            fields[name] = value
        return structs.replace(self, fields=fields)


BUILT_IN_FIELDS = ("name", "first_name", "last_name", "email", "language")
