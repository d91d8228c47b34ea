"""What channels tell: customers who wrote, what became of our messages, and how phones, templates
and accounts fare.

Rule: plain values in the words of this page, whatever the channel calls them; nothing is decided.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from flows.content import Content
from gateway.channel import SendError

ReceiptState = Literal["sent", "delivered", "read", "failed"]


class Sender(Struct, frozen=True):
    """Who wrote: none of the addresses is compulsory, at least one is there. `lid` is WhatsApp's
    anonymous id of a person, as linked devices see it.
    """

    wa_id: str = ""
    user_id: str = ""
    name: str = ""
    lid: str = ""


class Inbound(Struct, frozen=True, tag="inbound"):
    """A customer wrote. `silent`: kept in the chat, but no answer to anything (a reaction, an
    edit, a deletion). `quoted` is the channel's id of the message they answered. `product`: what
    in the company's catalogue they wrote from, by `id` and `catalog_id`. `referral`: the
    advertisement or post they came from (`source_type`, `source_id`, `source_url`, `headline`,
    `ctwa_clid`: the click's own id).
    """

    phone: str
    channel_id: str
    at: datetime
    sender: Sender
    content: Content
    quoted: str = ""
    silent: bool = False
    product: dict[str, str] = {}
    referral: dict[str, str] = {}


class Pricing(Struct, frozen=True, omit_defaults=True):
    """What WhatsApp says a message costs: `model` CBP or PMP, `type` regular,
    free_customer_service or free_entry_point. With CBP, or an entry point, it belongs to a
    conversation: its id, `origin` and end (told with `sent` only).
    """

    category: str
    billable: bool = True
    model: str = ""
    type: str = ""
    conversation: str = ""
    origin: str = ""
    ends_at: datetime | None = None


class Receipt(Struct, frozen=True, tag="receipt"):
    """What became of a message of ours; `reference` is our own id when the channel echoes it."""

    phone: str
    channel_id: str
    state: ReceiptState
    at: datetime
    reference: str = ""
    error: SendError | None = None
    pricing: Pricing | None = None


class NumberChanged(Struct, frozen=True, tag="number_changed"):
    """A customer moved to another number; the old one may soon be somebody else's."""

    phone: str
    channel_id: str
    at: datetime
    old: Sender
    new_wa_id: str


class PreferenceChanged(Struct, frozen=True, tag="preference"):
    """A customer switched our marketing off or on inside WhatsApp."""

    phone: str
    sender: Sender
    wants: bool
    at: datetime


class Echoed(Struct, frozen=True, tag="echoed"):
    """Somebody of the company wrote to a customer in the phone's own app."""

    phone: str
    channel_id: str
    at: datetime
    to: Sender
    content: Content


class TemplateChanged(Struct, frozen=True, tag="template_changed"):
    """Meta changed a template's status, quality or category; empty is unchanged.
    `coming_category`: the one it will get tomorrow.
    """

    account: str
    name: str
    language: str
    remote_id: str = ""
    status: str = ""
    quality: str = ""
    category: str = ""
    reason: str = ""
    coming_category: str = ""


class AccountChanged(Struct, frozen=True, tag="account_changed"):
    """Meta restricted, disabled or restored a business account. `stopped`: no phone may send;
    `stopped` None leaves things as they are. `until`: when a restriction ends by itself.
    `no_campaigns`: only answers to customers may go. `limit`: people a day, -1 is no limit.
    """

    account: str
    event: str
    details: str
    stopped: bool | None = None
    no_campaigns: bool = False
    until: datetime | None = None
    limit: int | None = None


Quality = Literal["GREEN", "YELLOW", "RED", "UNKNOWN"]


class PhoneChanged(Struct, frozen=True, tag="phone_changed"):
    """Meta told us about one number (by its display form): quality or limits moved. `limit`:
    people a day, -1 is no limit; what is None or UNKNOWN did not change.
    """

    account: str
    number: str
    event: str
    details: str = ""
    quality: Quality = "UNKNOWN"
    limit: int | None = None
    throughput_per_s: int | None = None


PhoneState = Literal["connected", "offline", "pairing", "flagged", "banned", "logged_out"]


class StateChanged(Struct, frozen=True, tag="state_changed"):
    """A paired phone came, went or was thrown out; `until`: when a ban ends by itself."""

    phone: str
    state: PhoneState
    why: str
    at: datetime
    until: datetime | None = None


class Trouble(Struct, frozen=True, tag="trouble"):
    """An error that belongs to a phone and to no message."""

    phone: str
    error: SendError


News = (
    Inbound
    | Receipt
    | NumberChanged
    | PreferenceChanged
    | Echoed
    | TemplateChanged
    | AccountChanged
    | PhoneChanged
    | StateChanged
    | Trouble
)
