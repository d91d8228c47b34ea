"""May this template be created, as asked? The limits of a template's parts. Pure.

Source: the Cloud API's template reference.
"""

import re
from collections.abc import Iterator

from sandbox.memory import Json
from sandbox.refusals import Refusal
from sandbox.shape import is_web_address

NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
HEADER_FORMATS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION")
MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT")
BUTTON_TYPES = (
    "QUICK_REPLY",
    "URL",
    "PHONE_NUMBER",
    "COPY_CODE",
    "FLOW",
    "CATALOG",
    "MPM",
)
HANDLE = re.compile(r"\d+::.+", re.DOTALL)
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

BODY_LIMIT = 1024
SHORT_LIMIT = 60
MAX_BUTTONS = 10
LABEL_LIMIT = 25
URL_LIMIT = 2000
CODE_LIMIT = 15
MIN_CARDS = 2
MAX_CARDS = 10
MAX_CARD_BUTTONS = 2


def variables_of(text: str) -> list[str]:
    """Return the names of a text's variables in order of first use, each once."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def by_type(components: list[Json]) -> dict[str, Json]:
    """Return the components of a template or a card by their type, such as BODY."""
    return {str(one.get("type", "")).upper(): one for one in reversed(components)}


def component(components: list[Json], kind: str) -> Json | None:
    """Return the component of a type, such as BODY, if the template has one."""
    return next((one for one in components if str(one.get("type", "")).upper() == kind), None)


def buttons_of(components: list[Json]) -> list[Json]:
    """Return the buttons of a template or a card, in order."""
    holder = component(components, "BUTTONS")
    return list(holder.get("buttons", [])) if holder else []


def check_template(body: Json) -> Refusal | None:
    """Check the body of `POST /WABA/message_templates`."""
    return next(_problems(body), None)


def _wrong(details: str) -> Refusal:
    return Refusal(100, details)


def _problems(body: Json) -> Iterator[Refusal]:
    name, language, category = (body.get(key) for key in ("name", "language", "category"))
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield _wrong("Param name must be 1 to 512 lowercase letters, digits and underscores.")
    if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
        yield _wrong("Param language must be a language code such as en or en_US.")
    if category not in CATEGORIES:
        yield _wrong(f"Param category must be one of {', '.join(CATEGORIES)}.")
    components = body.get("components")
    if not isinstance(components, list) or not all(isinstance(one, dict) for one in components):
        yield _wrong("Param components must be an array of objects.")
        return
    kinds = [str(one.get("type", "")).upper() for one in components]
    if "BODY" not in kinds:
        yield _wrong("A template needs a component of type BODY.")
    if len(set(kinds)) != len(kinds):
        yield _wrong("Each component type is allowed once.")
    for part in components:
        yield from _part_problems(part, marketing=category == "MARKETING")


def _part_problems(part: Json, *, marketing: bool) -> Iterator[Refusal]:
    kind = str(part.get("type", "")).upper()
    if kind == "BODY":
        yield from _text_problems(part, "body", BODY_LIMIT, "body_text")
    elif kind == "HEADER":
        yield from _header_problems(part)
    elif kind == "FOOTER":
        yield from _text_problems(part, "footer", SHORT_LIMIT, "")
    elif kind == "BUTTONS":
        yield from _buttons_problems(part.get("buttons"), MAX_BUTTONS)
    elif kind == "CAROUSEL" and marketing:
        yield from _carousel_problems(part.get("cards"))
    elif kind == "CAROUSEL":
        yield _wrong("Only MARKETING templates can have a carousel.")
    else:
        yield _wrong(f"Unknown component type {kind!r}.")


def _text_problems(part: Json, label: str, limit: int, example_key: str) -> Iterator[Refusal]:
    text = part.get("text")
    if not isinstance(text, str) or not text.strip():
        yield _wrong(f"The {label} text is missing.")
        return
    if len(text) > limit:
        yield _wrong(f"The {label} text must be at most {limit} characters long.")
    names = variables_of(text)
    if not names:
        return
    if not example_key:
        yield _wrong(f"The {label} text cannot have variables.")
        return
    numbers = [name for name in names if name.isdigit()]
    if numbers and (
        len(numbers) != len(names) or set(numbers) != {str(n + 1) for n in range(len(names))}
    ):
        yield _wrong(f"Variables of the {label} must be {{{{1}}}}, {{{{2}}}} … or all be named.")
    if example_count(part, example_key) != len(names):
        yield _wrong(f"The {label} needs an example for each of its {len(names)} variables.")


def example_count(part: Json, key: str) -> int:
    """Return how many examples a text component gives, positional or named."""
    example = part.get("example")
    if not isinstance(example, dict):
        return 0
    named = example.get(key + "_named_params")
    if isinstance(named, list):
        return len(named)
    given = example.get(key)
    if isinstance(given, list) and given and isinstance(given[0], list):
        given = given[0]
    return len(given) if isinstance(given, list) else int(isinstance(given, str))


def handles_of(part: Json) -> list[str]:
    """Return the upload handles that a media header gives as examples."""
    example = part.get("example")
    given = example.get("header_handle") if isinstance(example, dict) else None
    handles = given if isinstance(given, list) else [given]
    return [one for one in handles if isinstance(one, str)]


def _header_problems(part: Json) -> Iterator[Refusal]:
    kind = str(part.get("format", "")).upper()
    if kind not in HEADER_FORMATS:
        yield _wrong(f"Header format must be one of {', '.join(HEADER_FORMATS)}.")
    elif kind == "TEXT":
        yield from _text_problems(part, "header", SHORT_LIMIT, "header_text")
        if len(variables_of(str(part.get("text", "")))) > 1:
            yield _wrong("A text header can have one variable.")
    elif kind in MEDIA_FORMATS and not handles_of(part):
        yield _wrong("A media header needs an example header_handle.")
    elif kind in MEDIA_FORMATS and not all(HANDLE.fullmatch(one) for one in handles_of(part)):
        yield _wrong("A header_handle is what a resumable upload answers, such as 4::aW1h…")


def _buttons_problems(buttons: object, most: int) -> Iterator[Refusal]:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= most:
        yield _wrong(f"A template can have 1 to {most} buttons.")
        return
    labels: list[object] = []
    for button in buttons:
        kind = str(button.get("type", "")).upper() if isinstance(button, dict) else ""
        if kind not in BUTTON_TYPES:
            yield _wrong(f"Button type must be one of {', '.join(BUTTON_TYPES)}.")
            return
        label = button.get("text")
        if kind != "COPY_CODE":
            if not isinstance(label, str) or not 1 <= len(label) <= LABEL_LIMIT:
                yield _wrong(f"A button's text must have 1 to {LABEL_LIMIT} characters.")
            labels.append(label)
        yield from _button_problems(kind, button)
    if len(set(map(str, labels))) != len(labels):
        yield _wrong("Two buttons have the same text.")


def _button_problems(kind: str, button: Json) -> Iterator[Refusal]:
    if kind == "PHONE_NUMBER" and not button.get("phone_number"):
        yield _wrong("A PHONE_NUMBER button needs a phone_number.")
    if kind == "COPY_CODE":
        code = button.get("example")
        code = code[0] if isinstance(code, list) and code else code
        if not isinstance(code, str) or not 1 <= len(code) <= CODE_LIMIT:
            yield _wrong(f"A COPY_CODE button needs an example of 1 to {CODE_LIMIT} characters.")
    if kind != "URL":
        return
    url = button.get("url")
    if not isinstance(url, str) or len(url) > URL_LIMIT or not is_web_address(url):
        yield _wrong(f"A URL button needs a complete address of at most {URL_LIMIT} characters.")
        return
    names = VARIABLE.findall(url)
    if len(names) > 1 or (names and VARIABLE.sub("", url) != url[: url.index("{{")]):
        yield _wrong("A URL can have one variable, at its end.")
    elif names and not button.get("example"):
        yield _wrong("A URL with a variable needs an example.")


def _carousel_problems(cards: object) -> Iterator[Refusal]:
    if not isinstance(cards, list) or not MIN_CARDS <= len(cards) <= MAX_CARDS:
        yield _wrong(f"A carousel has {MIN_CARDS} to {MAX_CARDS} cards.")
        return
    shapes: set[str] = set()
    for card in cards:
        parts = card.get("components") if isinstance(card, dict) else None
        if not isinstance(parts, list) or not all(isinstance(one, dict) for one in parts):
            yield _wrong("Each card needs components.")
            return
        header = component(parts, "HEADER")
        if header is None or str(header.get("format", "")).upper() not in {"IMAGE", "VIDEO"}:
            yield _wrong("Each card needs an IMAGE or VIDEO header.")
        for part in parts:
            if str(part.get("type", "")).upper() == "BUTTONS":
                yield from _buttons_problems(part.get("buttons"), MAX_CARD_BUTTONS)
            else:
                yield from _part_problems(part, marketing=False)
        kinds = [str(button.get("type")).upper() for button in buttons_of(parts)]
        shapes.add(f"{header and header.get('format')} {kinds}")
    if len(shapes) > 1:
        yield _wrong("All cards of a carousel must have the same shape.")
