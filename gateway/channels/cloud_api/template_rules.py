"""May this template be created? Every problem at once, by the place it is at. Pure.

Rule: Meta is asked only about what is right as far as we know; a refusal of Meta costs a day.
Source: the Cloud API's reference of message templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from gateway.channels.cloud_api.shapes import obj, objects, text

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")
PARTS = ("HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL")
FORMATS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION")
FILES = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}
BUTTONS = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "CATALOG", "MPM")
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TOUCHING = re.compile(r"\}\}\s*\{\{")
BODY, SHORT, LABEL, URL, CODE, MOST_BUTTONS = 1024, 60, 25, 2000, 15, 10
CARDS, CARD_BUTTONS = (2, 10), 2
EDITS_A_DAY, EDITS_A_MONTH = 1, 10
DAY, MONTH = timedelta(days=1), timedelta(days=30)
EDITABLE = ("APPROVED", "REJECTED", "PAUSED")

Json = Mapping[str, Any]
Problems = Iterator[tuple[str, str]]
"""`(JSON pointer, what is wrong and what to do)`"""


def problems(template: Json) -> Problems:
    """What is wrong with the body of `POST /WABA/message_templates`."""
    if not NAME.fullmatch(text(template.get("name"))):
        yield "/name", "A name has 1 to 512 lowercase letters, digits and underscores."
    if not LANGUAGE.fullmatch(text(template.get("language"))):
        yield "/language", "Give a language such as en or pt_BR."
    yield from content_problems(template.get("category"), template.get("components"))


def content_problems(category: Any, components: Any) -> Problems:
    """What is wrong with a template's category and parts."""
    if category not in CATEGORIES:
        yield "/category", f"A category is one of {', '.join(CATEGORIES)}."
    if not isinstance(components, list) or len(objects(components)) != len(components):
        yield "/components", "Give the template's parts as a list of objects."
        return
    kinds = [text(part.get("type")).upper() for part in components]
    if "BODY" not in kinds:
        yield "/components", "A template needs a BODY."
    for place, kind in enumerate(kinds):
        where = f"/components/{place}"
        if kind in kinds[:place]:
            yield where, f"There is a {kind} already; each part stands there once."
        if kind == "CAROUSEL" and category != "MARKETING":
            yield where, "Only MARKETING templates have a carousel."
        yield from _part(kind, components[place], where, PARTS)


def edit_problem(status: str, edits: Sequence[datetime], now: datetime) -> str | None:
    """Why a template cannot be edited now, in words."""
    if status not in EDITABLE:
        return f"WhatsApp lets nobody edit a template that is {status.lower().replace('_', ' ')}."
    if status != "APPROVED":
        return None
    if sum(now - at < DAY for at in edits) >= EDITS_A_DAY:
        return "An approved template can be edited once in 24 hours. Try again tomorrow."
    if sum(now - at < MONTH for at in edits) >= EDITS_A_MONTH:
        return "An approved template can be edited 10 times in 30 days. Make a new one."
    return None


def _part(kind: str, part: Json, where: str, allowed: Sequence[str]) -> Problems:
    match kind:
        case _ if kind not in allowed:
            yield f"{where}/type", f"A part is one of {', '.join(allowed)}."
        case "BODY":
            yield from _text(part, where, BODY, "body_text")
        case "FOOTER":
            yield from _text(part, where, SHORT, "")
        case "HEADER":
            yield from _header(part, where)
        case "BUTTONS":
            yield from _buttons(part.get("buttons"), f"{where}/buttons", MOST_BUTTONS)
        case "CAROUSEL":
            yield from _cards(part.get("cards"), f"{where}/cards")


def _text(part: Json, where: str, limit: int, example: str) -> Problems:
    said = text(part.get("text"))
    if not said.strip():
        yield f"{where}/text", "Write a text."
        return
    if len(said) > limit:
        yield f"{where}/text", f"This is too long: {len(said):,} characters, {limit:,} fit."
    names = list(dict.fromkeys(VARIABLE.findall(said)))
    if not names:
        return
    if not example:
        yield f"{where}/text", "This cannot hold variables."
        return
    yield from _variables(said, names, where)
    given = _examples(part, example)
    if given != len(names):
        yield (
            f"{where}/example",
            f"WhatsApp wants an example for each of the {len(names)} variables, not {given}.",
        )


def _variables(said: str, names: Sequence[str], where: str) -> Problems:
    numbers = [name for name in names if name.isdigit()]
    counted = {str(n) for n in range(1, len(names) + 1)}
    if numbers and (len(numbers) != len(names) or set(numbers) != counted):
        yield f"{where}/text", "Variables are {{1}}, {{2}} … without a gap, or all have names."
    if TOUCHING.search(said):
        yield f"{where}/text", "Two variables stand side by side; put words between them."
    if VARIABLE.match(said.strip()) or re.search(r"\{\{\s*\w+\s*\}\}$", said.strip()):
        yield f"{where}/text", "A text cannot begin or end with a variable; put words around it."


def _examples(part: Json, key: str) -> int:
    example = obj(part.get("example"))
    named = example.get(f"{key}_named_params")
    if isinstance(named, list):
        return len(named)
    given = example.get(key)
    if isinstance(given, list) and given and isinstance(given[0], list):
        given = given[0]
    return len(given) if isinstance(given, list) else int(isinstance(given, str))


def _header(part: Json, where: str) -> Problems:
    kind = text(part.get("format")).upper()
    if kind not in FORMATS:
        yield f"{where}/format", f"A header is one of {', '.join(FORMATS)}."
    elif kind == "TEXT":
        said = text(part.get("text"))
        for place, words in _text(part, where, SHORT, "header_text"):
            if "begin or end" not in words:  # a header may be its variable alone
                yield place, words
        if len(set(VARIABLE.findall(said))) > 1:
            yield f"{where}/text", "A header has at most one variable."
    elif kind in FILES and not part.get("sha256") and not _examples(part, "header_handle"):
        yield f"{where}/example", "WhatsApp wants an example: give the sha256 of an uploaded file."


def _buttons(buttons: Any, where: str, most: int) -> Problems:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= most:
        yield where, f"There are 1 to {most} buttons."
        return
    labels: set[str] = set()
    for place, button in enumerate(map(obj, buttons)):
        at = f"{where}/{place}"
        kind, label = text(button.get("type")).upper(), text(button.get("text"))
        if kind not in BUTTONS:
            yield f"{at}/type", f"A button is one of {', '.join(BUTTONS)}."
            continue
        if kind != "COPY_CODE" and not 1 <= len(label.strip()) <= LABEL:
            yield f"{at}/text", f"A button says 1 to {LABEL} characters."
        if label and label in labels:
            yield f"{at}/text", "Another button says the same."
        labels.add(label)
        yield from _button(kind, button, at)
    kinds = [text(obj(one).get("type")).upper() == "QUICK_REPLY" for one in buttons]
    if sum(one != before for before, one in pairwise(kinds)) > 1:
        yield where, "Quick replies stand together, before or after the other buttons."


def _button(kind: str, button: Json, where: str) -> Problems:
    match kind:
        case "PHONE_NUMBER" if not re.fullmatch(r"\+?\d{5,20}", text(button.get("phone_number"))):
            yield f"{where}/phone_number", "Give the number, with + and its country."
        case "COPY_CODE":
            code = button.get("example")
            code = code[0] if isinstance(code, list) and code else code
            if not 1 <= len(text(code)) <= CODE:
                yield f"{where}/example", f"Give an example of the code, 1 to {CODE} characters."
        case "URL":
            yield from _url(button, where)


def _url(button: Json, where: str) -> Problems:
    url = text(button.get("url"))
    if not url.startswith(("https://", "http://")) or len(url) > URL or " " in url:
        yield f"{where}/url", f"Give a complete address of at most {URL:,} characters."
    names = VARIABLE.findall(url)
    if not names:
        return
    if len(names) > 1 or not url.rstrip().endswith("}}"):
        yield f"{where}/url", "An address has one variable, at its end."
    if not button.get("example"):
        yield f"{where}/example", "WhatsApp wants an example of the whole address."


def _cards(cards: Any, where: str) -> Problems:
    least, most = CARDS
    if not isinstance(cards, list) or not least <= len(cards) <= most:
        yield where, f"A carousel has {least} to {most} cards."
        return
    shapes = []
    for place, card in enumerate(cards):
        at = f"{where}/{place}/components"
        parts = objects(obj(card).get("components"))
        kinds = {text(part.get("type")).upper(): part for part in parts}
        shown = text(kinds.get("HEADER", {}).get("format")).upper()
        if shown not in ("IMAGE", "VIDEO"):
            yield at, "Each card needs a HEADER with an IMAGE or a VIDEO."
        buttons = kinds.get("BUTTONS", {}).get("buttons")
        for number, part in enumerate(parts):
            kind = text(part.get("type")).upper()
            if kind == "BUTTONS":
                yield from _buttons(buttons, f"{at}/{number}/buttons", CARD_BUTTONS)
            else:
                yield from _part(kind, part, f"{at}/{number}", ("HEADER", "BODY", "BUTTONS"))
        shapes.append((shown, "BODY" in kinds, [one.get("type") for one in objects(buttons)]))
    if any(shape != shapes[0] for shape in shapes):
        yield where, "All cards have the same shape: kind of file, text and buttons."
