"""What a message holds, out or in: one closed union for flows, queue, channels and pages.

Limits are WhatsApp's own; a channel that cannot show buttons renders the same content as text.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

MediaKind = Literal["image", "video", "audio", "document", "sticker"]
BODY_LIMIT = 4096
BODY_LIMIT_WITH_OPTIONS = 1024
CAPTION_LIMIT = 1024
BUTTONS_LIMIT = 3
LIST_LIMIT = 10


class Option(Struct, frozen=True, omit_defaults=True):
    """One thing to tap: `payload` comes back when it is tapped, `label` is what people see."""

    payload: str
    label: str
    description: str = ""


class Text(Struct, frozen=True, tag="text", omit_defaults=True):
    """Plain words, with WhatsApp's own *bold* and _italics_."""

    body: str
    preview_url: bool = False


class Media(Struct, frozen=True, tag="media", omit_defaults=True):
    """A file by public link, by the channel's own id once uploaded or received, or by the hash of
    its content once we keep it ourselves.
    """

    media: MediaKind
    link: str = ""
    remote_id: str = ""
    caption: str = ""
    filename: str = ""
    mime_type: str = ""
    sha256: str = ""


class Buttons(Struct, frozen=True, tag="buttons", omit_defaults=True):
    """A text with one to three reply buttons."""

    body: str
    options: tuple[Option, ...]
    footer: str = ""


class Choices(Struct, frozen=True, tag="list", omit_defaults=True):
    """A text with one button that opens a list of up to ten rows."""

    body: str
    button: str
    options: tuple[Option, ...]
    footer: str = ""


class TemplateButton(Struct, frozen=True, omit_defaults=True):
    """A parameter of a template's button: a quick reply's payload or the end of a link."""

    index: int
    kind: Literal["quick_reply", "url", "copy_code"]
    value: str


class Card(Struct, frozen=True, omit_defaults=True):
    """One card of a template's carousel: its picture or video, text values and buttons."""

    media: Media
    body: tuple[str, ...] = ()
    buttons: tuple[TemplateButton, ...] = ()


class Template(Struct, frozen=True, tag="template", omit_defaults=True):
    """A WhatsApp template, by name and language, with everything that is filled in."""

    name: str
    language: str
    body: tuple[str, ...] = ()
    header: str = ""
    header_media: Media | None = None
    buttons: tuple[TemplateButton, ...] = ()
    named: dict[str, str] = {}
    cards: tuple[Card, ...] = ()


class Tap(Struct, frozen=True, tag="tap", omit_defaults=True):
    """The customer tapped a button or a list row."""

    payload: str
    label: str
    of: Literal["button", "list", "template"] = "button"


class Location(Struct, frozen=True, tag="location", omit_defaults=True):
    """A place. Zero is a valid coordinate."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Reaction(Struct, frozen=True, tag="reaction", omit_defaults=True):
    """An emoji put on one of our messages; empty when it was taken back."""

    to: str
    emoji: str = ""


class Other(Struct, frozen=True, tag="other", omit_defaults=True):
    """Anything we keep but do not understand (contact cards, catalogue orders, unsupported)."""

    kind: str
    note: str = ""
    data: dict[str, object] = {}


Content = Text | Media | Buttons | Choices | Template | Tap | Location | Reaction | Other

_PAYLOAD = re.compile(r"^r(\d+)\.([A-Za-z0-9_-]+)\.(.+)$", re.DOTALL)


def payload(run_id: int, step: str, option: str) -> str:
    """The id we put on a button, so that a tap finds its question even days later."""
    return f"r{run_id}.{step}.{option}"


def parse_payload(text: str) -> tuple[int, str, str] | None:
    """`(run id, step id, option id)` of a payload of ours; None for anybody else's."""
    match = _PAYLOAD.match(text)
    return (int(match[1]), match[2], match[3]) if match else None


def plain(content: Content) -> str:
    """One line of words for lists, previews and matching."""
    match content:
        case Text(body=body) | Buttons(body=body) | Choices(body=body):
            return body
        case Media(media=media, caption=caption, filename=filename):
            return caption or filename or f"[{media}]"
        case Template(name=name, body=body):
            return f"[{name}] {' · '.join(body)}" if body else f"[{name}]"
        case Tap(label=label):
            return label
        case Location(name=name, address=address):
            return name or address or "[location]"
        case Reaction(emoji=emoji):
            return emoji or "[reaction removed]"
        case Other(kind=kind, note=note):
            return note or f"[{kind}]"


def as_numbered_text(content: Buttons | Choices) -> Text:
    """The same question for a phone without buttons: `1. Small` … under the text. Whoever answers
    with a number, a label or nearly a label is understood like whoever taps.
    """
    lines = [
        f"{number}. {one.label}{f': {one.description}' if one.description else ''}"
        for number, one in enumerate(content.options, 1)
    ]
    footer = f"\n\n_{content.footer}_" if content.footer else ""
    return Text("{}\n\n{}{}".format(content.body, "\n".join(lines), footer))
