"""The kind `webhook`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from flows.conditions import Condition, holds, in_words, look_up, paths_in, problems_in
from flows.contact import Contact
from flows.events import Event, Occasion
from flows.step import Reference
from flows.trigger import Match, Trigger

_Path = Annotated[str, Meta(max_length=200, description="Where in the JSON: customer.phone")]
_Key = Annotated[str, Meta(min_length=1, max_length=100)]
_LONGEST_ID = 200
_DIALLED = (("dial_code", "phone_no"), ("country_code", "number"), ("prefix", "number"))


class Told(Struct, frozen=True):
    """What a payload says of whom it is about; empty is not said. `id` is the sender's own."""

    phone: str = ""
    email: str = ""
    name: str = ""
    id: str = ""
    fields: dict[str, Any] = {}


class Webhook(Trigger, frozen=True, kw_only=True, tag="webhook"):
    """Starts when another program posts JSON or a form to this automation's own address. Say where
    in it the contact's number is; all of it is found under `webhook`.
    """

    label: ClassVar[str] = "Webhook"
    hears: ClassVar[tuple[type, ...]] = (Occasion,)
    example: ClassVar[Mapping[str, Any]] = {
        "phone": "customer.phone",
        "name": "customer.name",
        "external_id": "id",
        "fields": {"city": "customer.address.city"},
        "condition": {"type": "is", "value": "webhook.status", "op": "is", "to": "booked"},
    }

    phone: Annotated[
        _Path, Meta(title="Phone number", description="Where the phone number is: customer.phone")
    ] = ""
    email: Annotated[
        _Path, Meta(title="E-mail address", description="Where the e-mail address is")
    ] = ""
    name: Annotated[_Path, Meta(title="Name", description="Where the name is")] = ""
    external_id: Annotated[
        _Path,
        Meta(
            title="The sender's own id",
            description="Where the sender's own id is: what comes twice starts once",
            extra_json_schema={"x-more": True},
        ),
    ] = ""
    fields: Annotated[
        dict[_Key, _Path],
        Meta(
            max_length=50,
            title="Fields of the contact",
            description="The contact's field → where it is",
            extra_json_schema={"x-key": "Field", "x-value": "Where it is", "x-key-input": "field"},
        ),
    ] = {}
    condition: Annotated[
        Condition | None,
        Meta(title="Only if", description="Only if this holds, such as webhook.status is paid"),
    ] = None

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Occasion) or event.kind != "webhook":
            return None
        wanted, _ = self.wants(event.data.get("webhook"))
        return Match(event.why or "its webhook was called", event.data) if wanted else None

    def sample(self, automation_id: int, name: str) -> Event:
        sender = {"name": "Ada Byron", "phone": "+447700900123", "email": "ada@example.com"}
        payload = {"id": "1001", "status": "booked", "customer": sender}
        return Occasion("webhook", automation_id, name, {"webhook": payload})

    def wants(self, payload: Any) -> tuple[bool, str]:
        """Whether this payload is one that starts, and why (not), in words."""
        if self.condition is None:
            return True, "there is no condition"
        return holds(self.condition, {"webhook": payload})

    def read(self, payload: Any) -> Told:
        """Whom `payload` is about, as the paths say. Numbers are written out."""
        return Told(
            phone=_number(_at(payload, self.phone)),
            email=_text(_at(payload, self.email)).strip(),
            name=_text(_at(payload, self.name)).strip(),
            id=_text(_at(payload, self.external_id)).strip()[:_LONGEST_ID],
            fields={
                key: value
                for key, path in self.fields.items()
                if (value := _at(payload, path)) is not None
            },
        )

    def summary(self) -> str:
        return f"Webhook, if {in_words(self.condition)}" if self.condition else self.label

    def references(self) -> Iterator[Reference]:
        for name in self.fields:
            yield Reference("field", name, f"/fields/{name}")

    def looks_at(self) -> Iterator[tuple[str, str]]:
        if self.condition is not None:
            yield from paths_in(self.condition, "/condition")

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.phone.strip() and not self.email.strip():
            yield "/phone", "Say where the contact's phone number is."
        for key, path in self.fields.items():
            if not path.strip():
                yield f"/fields/{key}", "Say where its value is."
        if self.condition is not None:
            yield from problems_in(self.condition, "/condition")


def _at(payload: Any, path: str) -> Any:
    """The value at a path, which may begin with `webhook.` as texts write it."""
    path = path.strip()
    if not path:
        return None
    found = look_up(payload, path)
    if found is None and path.startswith("webhook."):
        return look_up({"webhook": payload}, path)
    return found


def _number(value: Any) -> str:
    """A number as senders write it: text, digits, or code and number apart."""
    if isinstance(value, Mapping):
        for code, rest in _DIALLED:
            if value.get(code) and value.get(rest):
                digits = _text(value[code]).lstrip("+")
                return f"+{digits}{_text(value[rest]).lstrip('0')}"
        return ""
    return _text(value).strip()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""
