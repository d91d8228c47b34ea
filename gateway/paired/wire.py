"""What a phone's process and its owner say to each other: one JSON object on each line.

Rule: each request has a number `n` and gets one answer with it; reports come by themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from flows.content import Content
from gateway.channel import Address, Meaning
from gateway.news import News

LONGEST_LINE = 4_000_000  # bytes; a customer's longest text is 65 thousand characters


class Quoted(Struct, frozen=True, omit_defaults=True):
    """The message an answer quotes: its id, its words, whether it was ours."""

    id: str
    words: str = ""
    ours: bool = False


class Say(Struct, frozen=True, tag="say", omit_defaults=True):
    """Send one message. `file` is where a media message's bytes lie; `typing_s`: for how long it
    shows that we type; `reference` is our own id of it.
    """

    n: int
    to: Address
    content: Content
    reference: str = ""
    quoted: Quoted | None = None
    file: str = ""
    typing_s: float = 0.0


class Check(Struct, frozen=True, tag="check"):
    """Ask whether a number (digits) is on WhatsApp."""

    n: int
    number: str


class Read(Struct, frozen=True, tag="read"):
    """Put the blue ticks on a customer's message."""

    n: int
    channel_id: str


class LogOut(Struct, frozen=True, tag="log_out"):
    """Take this device off the phone."""

    n: int


class Ping(Struct, frozen=True, tag="ping"):
    """Show that you live."""

    n: int


class Kept(Struct, frozen=True, tag="kept"):
    """All news up to this number are written down; this one has no answer."""

    n: int


Request = Say | Check | Read | LogOut | Ping | Kept


class Said(Struct, frozen=True, tag="said", omit_defaults=True):
    """WhatsApp took the message: its id there, the recipient's number if it told one."""

    n: int
    channel_id: str
    reference: str = ""
    wa_id: str = ""


class Refused(Struct, frozen=True, tag="refused", omit_defaults=True):
    """It was not done; as `gateway.channel.SendError`."""

    n: int
    meaning: Meaning
    code: int = 0
    message: str = ""


class Checked(Struct, frozen=True, tag="checked"):
    """Whether the number is there, and its address."""

    n: int
    there: bool
    jid: str = ""


class Done(Struct, frozen=True, tag="done"):
    """It was done."""

    n: int


Answer = Said | Refused | Checked | Done

LineState = Literal[
    "connected", "offline", "banned", "logged_out", "replaced", "outdated", "unusable"
]
"""`replaced`: another program opened its session; `outdated`: WhatsApp wants a newer library;
`unusable`: the library cannot be loaded on this machine.
"""


class State(Struct, frozen=True, tag="state", omit_defaults=True):
    """How the line is; `jid` is the phone's own address once it is known."""

    state: LineState
    why: str = ""
    until: datetime | None = None
    jid: str = ""


class Pairing(Struct, frozen=True, tag="pairing", omit_defaults=True):
    """How the pairing goes: the code to scan or to type, and until when it is good."""

    state: Literal["waiting_qr", "waiting_code", "scanned", "failed"]
    qr: str = ""
    code: str = ""
    until: datetime | None = None
    why: str = ""


class Told(Struct, frozen=True, tag="told", omit_defaults=True):
    """News of customers; `phone` in them is empty, their owner knows which it is. Those with a
    number come again until they were `Kept`.
    """

    news: tuple[News, ...]
    number: int = 0


Report = State | Pairing | Told

FromPhone = Answer | Report

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reports: msgspec.json.Decoder[FromPhone] = msgspec.json.Decoder(FromPhone)


def line_of(message: Request | FromPhone) -> bytes:
    """`message` as a line."""
    return _encoder.encode(message) + b"\n"


def read_request(line: bytes) -> Request:
    """A line of the owner. Raises msgspec.MsgspecError for anything else."""
    return _requests.decode(line)


def read_report(line: bytes) -> FromPhone | None:
    """A line of the phone's process; None for what is none: libraries print what they like."""
    try:
        return _reports.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
