"""What the API takes and gives. Ids are strings of digits; times are ISO 8601 in UTC.

Rule: what is here is a promise; fields are added, never renamed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct, field

T = TypeVar("T")
Id = Annotated[str, Meta(pattern=r"^[0-9]{1,19}$", description="An id: a string of digits")]
Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(max_length=200)]
Fields = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=100)], Any], Meta(max_length=200)
]
Tag = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Tags = Annotated[list[Tag], Meta(max_length=50)]
MOST_STARTS = 1000


class Page(Struct, Generic[T], frozen=True):
    """One page of a list; `next` is the cursor for `?after=`, null on the last page."""

    items: list[T]
    next: str | None


class Problem(Struct, frozen=True):
    """One problem of a document; errors keep it from being published."""

    severity: Literal["error", "warning", "hint"]
    message: str
    pointer: str = ""
    step: str = ""
    todo: str = ""


class AutomationShort(Struct, frozen=True):
    """An automation in a list."""

    id: str
    name: str
    status: str
    revision: int | None
    draft_has_changes: bool
    inside_now: int
    started_30_days: int
    finished_30_days: int
    updated_at: datetime


class AutomationFull(Struct, frozen=True):
    """An automation with its draft document and everything that is wrong with it.

    `draft_mark` says which draft this is: give it back as `expected` when publishing. `paused_by`
    is a person's name, empty for a machine. While there are `test_contacts`, only they may enter.
    Of several automations that may start, those with the higher `priority` go first (0 is usual).
    """

    id: str
    name: str
    status: str
    revision: int | None
    draft_has_changes: bool
    updated_at: datetime
    draft: dict[str, Any]
    problems: list[Problem]
    draft_mark: str = ""
    priority: int = 0
    paused_at: datetime | None = None
    paused_by: str = ""
    test_contacts: list[str] | None = None


class ContactIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody: known by `id`, or by an address; unknown addresses make a new contact.

    What is given is written over what is there; what is left out stays.
    """

    id: Id | None = None
    phone: (
        Annotated[
            str, Meta(max_length=40, description="With +, or national of the company's country")
        ]
        | None
    ) = None
    wa_id: Annotated[str, Meta(pattern=r"^[0-9]{5,20}$")] | None = None
    user_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    email: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)] | None = None
    name: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")] | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    fields: Fields = {}
    tags: Tags = []


class ContactUpsert(ContactIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A contact to make or change. `consent` is about WhatsApp marketing."""

    consent: Literal["yes", "no"] | None = None
    consent_source: Annotated[
        str, Meta(max_length=200, description="Where the consent comes from, kept as proof")
    ] = "API"


class StartRuns(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to start, and what texts find under `data`."""

    contacts: Annotated[list[ContactIn], Meta(min_length=1, max_length=MOST_STARTS)]
    data: dict[str, Any] = {}


class Started(Struct, frozen=True):
    """One contact that was asked to start; the entry rules decide a moment later."""

    contact_id: str
    contact_created: bool


class StartedRuns(Struct, frozen=True):
    """In the order of the request."""

    automation_id: str
    accepted: int
    contacts: list[Started]


class AddressOut(Struct, frozen=True):
    """One way to reach somebody."""

    kind: str
    value: str


class ContactOut(Struct, frozen=True):
    """A contact with all addresses, tags, lists and fields; `assigned_to` is a user's e-mail.
    `free_until`: messages cost nothing until then, because they came by an advertisement.
    """

    id: str
    name: str
    first_name: str
    last_name: str
    language: str
    country: str
    consent: str
    consent_at: datetime | None
    consent_source: str
    blocked: bool
    handed_over: bool
    last_inbound_at: datetime | None
    addresses: list[AddressOut]
    tags: list[str]
    fields: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    lists: list[str] = []
    assigned_to: str | None = None
    last_outbound_at: datetime | None = None
    free_until: datetime | None = None


class RunShort(Struct, frozen=True):
    """A run in a list."""

    id: str
    automation_id: str
    contact_id: str
    revision: int | None
    trigger: str
    status: str
    step: str | None
    wait_until: datetime | None
    started_at: datetime
    ended_at: datetime | None
    reason: str


class TraceLine(Struct, frozen=True):
    """What a run did at a step, and why; `saw` are the values the decision looked at, by name."""

    step: str
    kind: str
    at: datetime
    did: str
    exit: str | None
    why: str
    saw: dict[str, Any] = {}


class MessageOut(Struct, frozen=True):
    """A message in or out; `content` as in the flow format, `why` in words. `held` says why a
    queued one is not even tried. `terms` are the figures behind the choice of the phone, `billed`
    what WhatsApp says it costs; `reference` was given when it was sent by API.
    """

    id: str
    contact_id: str
    run_id: str | None
    step: str | None
    direction: str
    state: str
    kind: str
    preview: str
    content: dict[str, Any]
    template: str | None
    phone_id: str | None
    due_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None
    error_code: str | None
    error: str | None
    why: list[Any]
    created_at: datetime
    held: str = ""
    automation_id: str | None = None
    category: str = "service"
    priority: str = "transactional"
    source: str = ""
    expires_at: datetime | None = None
    reference: str = ""
    terms: Any = None
    billed: Any = None


class RunFull(Struct, frozen=True):
    """A run with its trace and what it sent."""

    run: RunShort
    trace: list[TraceLine] = field(default_factory=list)
    messages: list[MessageOut] = field(default_factory=list)


Document = dict[str, Any]
