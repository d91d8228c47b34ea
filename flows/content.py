"""What a message holds, out or in: one closed union for flows, queue, channels and pages.

Limits are WhatsApp's own; a channel that cannot show buttons renders the same content as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct, structs

MediaKind = Literal["image", "video", "audio", "document", "sticker"]
BODY_LIMIT = 4096
BODY_LIMIT_WITH_OPTIONS = 1024
CAPTION_LIMIT = 1024
URL_LIMIT = 2000
BUTTONS_LIMIT = 3
LIST_LIMIT = 10


class Option(Struct, frozen=True, omit_defaults=True):
    """One thing to tap: `payload` comes back when it is tapped, `label` is what people see. In a
    list, options that stand together may have a heading over them: their `section`.
    """

    payload: str
    label: str
    description: str = ""
    section: str = ""


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
    """A text with one to three reply buttons, under a line or a file if there is one."""

    body: str
    options: tuple[Option, ...]
    footer: str = ""
    header: str = ""
    header_media: Media | None = None


class Choices(Struct, frozen=True, tag="list", omit_defaults=True):
    """A text with one button that opens a list of up to ten rows."""

    body: str
    button: str
    options: tuple[Option, ...]
    footer: str = ""
    header: str = ""


class LinkButton(Struct, frozen=True, tag="link_button", omit_defaults=True):
    """A text with one button that opens a web page."""

    body: str
    label: str
    url: str
    footer: str = ""
    header: str = ""
    header_media: Media | None = None


class TemplateButton(Struct, frozen=True, omit_defaults=True):
    """A parameter of a template's button: a quick reply's payload, the end of a link, a code, a
    form's token, the product whose picture stands for a catalogue. `data`: what a form is filled in
    with, or the `sections` of several products.
    """

    index: int
    kind: Literal["quick_reply", "url", "copy_code", "flow", "catalog", "mpm"]
    value: str
    data: dict[str, object] = {}


class Amount(Struct, frozen=True, tag="currency"):
    """A value that phones write in their own way: `amount_1000` thousandths of `code`."""

    code: str
    amount_1000: int


class Day(Struct, frozen=True, tag="date_time", omit_defaults=True):
    """A date, and a time if there is one, that phones write in their own way."""

    year: int
    month: int
    day_of_month: int
    day_of_week: int | None = None  # 1 is Monday
    hour: int | None = None
    minute: int | None = None


class Card(Struct, frozen=True, omit_defaults=True):
    """One card of a template's carousel: its picture or video, text values and buttons."""

    media: Media
    body: tuple[str, ...] = ()
    buttons: tuple[TemplateButton, ...] = ()


class Template(Struct, frozen=True, tag="template", omit_defaults=True):
    """A WhatsApp template, by name and language, with everything that is filled in. `typed`: by
    number or name, those of the body's values that are amounts or dates; their text is what a phone
    shows that cannot write them itself.
    """

    name: str
    language: str
    body: tuple[str, ...] = ()
    header: str = ""
    header_media: Media | None = None
    buttons: tuple[TemplateButton, ...] = ()
    named: dict[str, str] = {}
    cards: tuple[Card, ...] = ()
    header_location: Location | None = None
    typed: dict[str, Amount | Day] = {}


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


Content = (
    Text | Media | Buttons | Choices | LinkButton | Template | Tap | Location | Reaction | Other
)

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
        case Text(body=body) | Buttons(body=body) | Choices(body=body) | LinkButton(body=body):
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
    lines: list[str] = []
    section = ""
    for number, one in enumerate(content.options, 1):
        if one.section != section:
            section = one.section
            lines.append(f"*{section}*")
        lines.append(f"{number}. {one.label}{f': {one.description}' if one.description else ''}")
    return _in_plain_text(content, "\n".join(lines))


def as_written_link(content: LinkButton) -> Text:
    """The same for a phone without buttons: the address stands under the text."""
    return _in_plain_text(content, f"{content.label}: {content.url}")


def _in_plain_text(content: Buttons | Choices | LinkButton, instead: str) -> Text:
    header = f"*{content.header}*" if content.header else ""
    footer = f"_{content.footer}_" if content.footer else ""
    return Text("\n\n".join(filter(None, (header, content.body, instead, footer))))


def files_of(content: Content) -> tuple[Media, ...]:
    """Every file that belongs to a message, in its order."""
    match content:
        case Media():
            return (content,)
        case Buttons(header_media=Media() as header) | LinkButton(header_media=Media() as header):
            return (header,)
        case Template(header_media=over, cards=cards):
            return (*([] if over is None else [over]), *(card.media for card in cards))
        case _:
            return ()


def with_files(content: Content, change: Callable[[Media], Media]) -> Content:
    """The same message with each of its files changed."""
    match content:
        case Media():
            return change(content)
        case Buttons(header_media=Media() as header) | LinkButton(header_media=Media() as header):
            return structs.replace(content, header_media=change(header))
        case Template(header_media=over, cards=cards):
            changed = tuple(structs.replace(card, media=change(card.media)) for card in cards)
            over = None if over is None else change(over)
            return structs.replace(content, header_media=over, cards=changed)
        case _:
            return content
