"""From what the send API is given to what a message holds, with everything that is wrong with it.

Rule: pure; what exists outside (templates, files) is told, so a thousand messages ask once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from flows.content import (
    Buttons,
    Card,
    Choices,
    Content,
    Location,
    Media,
    Option,
    Template,
    TemplateButton,
    Text,
    parse_payload,
)
from flows.words import normal
from store import media, templates
from store.file_types import problem
from web.api.message_shapes import (
    ButtonIn,
    ButtonsIn,
    CardIn,
    ListIn,
    LocationIn,
    MediaIn,
    MessageIn,
    RowIn,
    TemplateButtonIn,
    TemplateIn,
)
from web.shell.errors import Detail

KINDS = ("text", "template", "media", "buttons", "list", "location")
UNFIT_VALUE = re.compile(r"[\n\r\t]| {5}")
NO_CAPTION = ("audio", "sticker")
FEWEST_CARDS = 2
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

Known = Mapping[tuple[str, str], templates.Template]
"""The company's templates by name and language."""


class Outside(Struct, frozen=True):
    """What a message may name: templates we were told of, files we keep by their hash."""

    templates: Known
    files: Mapping[str, media.MediaFile]


def content_of(
    message: MessageIn, where: str, outside: Outside
) -> tuple[Content | None, list[Detail]]:
    """What to send, None when something is wrong; and all that is wrong. `where` points to it."""
    given = [name for name in KINDS if getattr(message, name) is not None]
    if len(given) != 1:
        said = f"Give exactly one of {', '.join(KINDS)}; there is {' and '.join(given) or 'none'}."
        return None, [Detail(where or "/", said)]
    at = f"{where}/{given[0]}"
    wrong = list(_wrong(getattr(message, given[0]), at, outside))
    return (None if wrong else _content(message)), wrong


def named_files(messages: Sequence[MessageIn]) -> set[str]:
    """The hashes of all files these messages name."""
    return {one.sha256 for message in messages for one in _files(message) if one.sha256}


def _files(message: MessageIn) -> Iterator[MediaIn]:
    if message.media is not None:
        yield message.media
    if message.template is not None:
        if message.template.header_media is not None:
            yield message.template.header_media
        yield from (card.media for card in message.template.cards)


def _wrong(given: object, at: str, outside: Outside) -> Iterator[Detail]:
    match given:
        case MediaIn():
            yield from _wrong_media(given, at, outside)
        case TemplateIn():
            yield from _wrong_template(given, at, outside)
        case ButtonsIn() | ListIn():
            yield from _wrong_options(given.options, f"{at}/options")
        case _:
            return


def _wrong_media(given: MediaIn, at: str, outside: Outside) -> Iterator[Detail]:
    if (given.link is None) == (given.sha256 is None):
        yield Detail(at, "Give either a link or the sha256 of a file that Tiptoe keeps.")
    elif given.sha256 is not None:
        file = outside.files.get(given.sha256)
        if file is None:
            yield Detail(f"{at}/sha256", "No file with this hash is kept here. Upload it first.")
        elif (said := problem(given.kind, file.mime_type, file.size)) is not None:
            yield Detail(f"{at}/kind", said)
    if given.caption and given.kind in NO_CAPTION:
        said = f"WhatsApp shows no text with {given.kind} files; send two messages."
        yield Detail(f"{at}/caption", said)


def _wrong_template(template: TemplateIn, at: str, outside: Outside) -> Iterator[Detail]:
    if template.body and template.named:
        yield Detail(f"{at}/named", "Variables have numbers or names; give body or named.")
    for place, value in enumerate(template.body):
        yield from _wrong_value(value, f"{at}/body/{place}")
    for name, value in template.named.items():
        yield from _wrong_value(value, f"{at}/named/{name}")
    if template.header_media is not None:
        yield from _wrong_media(template.header_media, f"{at}/header_media", outside)
    if len(template.cards) == 1:
        yield Detail(f"{at}/cards", f"A carousel has at least {FEWEST_CARDS} cards.")
    for number, card in enumerate(template.cards):
        yield from _wrong_media(card.media, f"{at}/cards/{number}/media", outside)
        for place, value in enumerate(card.body):
            yield from _wrong_value(value, f"{at}/cards/{number}/body/{place}")
    known = outside.templates.get((template.name, template.language))
    if known is not None:
        yield from _wrong_variables(template, known, at)
        yield from _wrong_places(template, known, at)


def _wrong_variables(template: TemplateIn, known: templates.Template, at: str) -> Iterator[Detail]:
    wanted = list(dict.fromkeys(_VARIABLE.findall(known.body)))
    if all(name.isdigit() for name in wanted) and not template.named:
        if len(template.body) != len(wanted):
            said = f"This template has {len(wanted)} variables; {len(template.body)} were given."
            yield Detail(f"{at}/body", said)
    elif missing := [name for name in wanted if name not in template.named]:
        yield Detail(f"{at}/named", f"These variables have no value: {', '.join(missing)}.")


def _wrong_places(template: TemplateIn, known: templates.Template, at: str) -> Iterator[Detail]:
    count = len(known.buttons)
    has = f"{count or 'no'} button{'' if count == 1 else 's'}"
    for number, button in enumerate(template.buttons):
        if button.index >= count:
            said = f"This template has {has}; they are counted from 0."
            yield Detail(f"{at}/buttons/{number}/index", said)


def _wrong_value(value: str, at: str) -> Iterator[Detail]:
    if UNFIT_VALUE.search(value):
        yield Detail(at, "WhatsApp takes no line break, tab or five spaces in a variable.")


def _wrong_options(options: Sequence[ButtonIn | RowIn], at: str) -> Iterator[Detail]:
    labels: set[str] = set()
    payloads: set[str] = set()
    for place, one in enumerate(options):
        if parse_payload(one.payload):
            said = "It looks like the payloads of automations; use another one."
            yield Detail(f"{at}/{place}/payload", said)
        if one.payload in payloads:
            yield Detail(f"{at}/{place}/payload", "Another option has this payload.")
        if normal(one.label) in labels:
            yield Detail(f"{at}/{place}/label", "Another option has this label.")
        payloads.add(one.payload)
        labels.add(normal(one.label))


def _content(message: MessageIn) -> Content:
    if message.text is not None:
        return Text(message.text)
    if message.media is not None:
        return _media(message.media)
    if message.template is not None:
        return _template(message.template)
    if message.buttons is not None:
        made = tuple(Option(one.payload, one.label) for one in message.buttons.options)
        return Buttons(message.buttons.body, made, message.buttons.footer)
    if message.list is not None:
        given = message.list
        rows = tuple(Option(one.payload, one.label, one.description) for one in given.options)
        return Choices(given.body, given.button, rows, given.footer)
    place = message.location or LocationIn(0, 0)
    return Location(place.latitude, place.longitude, place.name, place.address)


def _template(given: TemplateIn) -> Template:
    return Template(
        given.name,
        given.language,
        body=tuple(given.body),
        header=given.header,
        header_media=None if given.header_media is None else _media(given.header_media),
        buttons=_buttons(given.buttons),
        named=given.named,
        cards=tuple(_card(one) for one in given.cards),
    )


def _card(card: CardIn) -> Card:
    return Card(_media(card.media), tuple(card.body), _buttons(card.buttons))


def _buttons(given: Sequence[TemplateButtonIn]) -> tuple[TemplateButton, ...]:
    return tuple(TemplateButton(one.index, one.kind, one.value) for one in given)


def _media(given: MediaIn) -> Media:
    return Media(
        given.kind,
        link=given.link or "",
        caption=given.caption,
        filename=given.filename,
        sha256=given.sha256 or "",
    )
