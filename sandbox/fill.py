"""Fills an approved template with the parameters of a send, or says why they do not fit. Pure.

Source: the Cloud API's rules for template parameters and its error codes 132000 to 132012.
"""

import re

from sandbox.memory import Json
from sandbox.refusals import Refusal
from sandbox.shape import check_media, is_web_address, missing
from sandbox.template_rules import (
    CODE_LIMIT,
    VARIABLE,
    by_type,
    variables_of,
)

BODY_LIMIT = 1024
FORBIDDEN = re.compile(r"[\n\t]| {5,}")
TEXTUAL = ("text", "currency", "date_time")
FILLABLE_BUTTONS = {"quick_reply": "QUICK_REPLY", "url": "URL", "copy_code": "COPY_CODE"}
OTHER_BUTTONS = {"flow": "FLOW", "catalog": "CATALOG", "mpm": "MPM"}


def fill(template: dict[str, Json], given: list[Json]) -> Json | Refusal:
    """Put the parameters `given` in a send into a template; return it as `sandbox.shown` data.

    The template's components come by their type.
    """
    return _fill_parts(template, given, prefix="")


def _wrong_format(details: str) -> Refusal:
    return Refusal(132012, details)


def _parameters(part: Json | None) -> list[Json]:
    parameters = part.get("parameters") if part else None
    return [one for one in parameters or [] if isinstance(one, dict)]


def _fill_parts(template: dict[str, Json], given: list[Json], prefix: str) -> Json | Refusal:
    first: dict[str, Json] = {}
    buttons: list[Json] = []
    for one in given:
        kind = str(one.get("type", "")).lower()
        if kind == "button":
            buttons.append(one)
        elif kind in {"header", "body", "carousel"}:
            first.setdefault(kind, one)
        else:
            return Refusal(100, f"Unknown component type {one.get('type')!r}.")
    wanted = template.get("BUTTONS", {}).get("buttons", [])
    parts: dict[str, Json | list[Json] | str | Refusal | None] = {
        "header": _fill_header(template.get("HEADER"), _parameters(first.get("header"))),
        "text": _fill_body(template.get("BODY"), _parameters(first.get("body")), prefix + "body"),
        "footer": template.get("FOOTER", {}).get("text"),
        "buttons": _fill_buttons(wanted, buttons),
    }
    if carousel := template.get("CAROUSEL"):
        parts["cards"] = _fill_cards(carousel["cards"], first.get("carousel", {}))
    for part in parts.values():
        if isinstance(part, Refusal):
            return part
    return {name: part for name, part in parts.items() if part}


def _fill_body(part: Json | None, parameters: list[Json], where: str) -> str | Refusal:
    text = _fill_text(str((part or {}).get("text", "")), parameters, where)
    if not isinstance(text, Refusal) and len(text) > BODY_LIMIT:
        return Refusal(132005, f"{where}: the filled text is over {BODY_LIMIT} characters.")
    return text


def _fill_header(part: Json | None, parameters: list[Json]) -> Json | Refusal | None:
    if part is None:
        return Refusal(132000, _count_details("header", len(parameters), 0)) if parameters else None
    kind = str(part.get("format", "TEXT")).lower()
    if kind == "text":
        text = _fill_text(str(part["text"]), parameters, "header")
        return text if isinstance(text, Refusal) else {"kind": "text", "text": text}
    given = parameters[0] if len(parameters) == 1 else {}
    if given.get("type") != kind or not isinstance(given.get(kind), dict):
        received = str(given.get("type", "unknown")).upper()
        return _wrong_format(
            f"header: Format mismatch, expected {kind.upper()}, received {received}"
        )
    content: Json = given[kind]
    if kind == "location":
        if {"latitude", "longitude"} <= content.keys():
            return {"kind": kind, "location": content}
        return missing("header: a location needs latitude and longitude")
    return check_media(kind, content) or {"kind": kind, "media": content}


def _fill_text(text: str, parameters: list[Json], where: str) -> str | Refusal:
    names = variables_of(text)
    if len(parameters) != len(names):
        return Refusal(132000, _count_details(where, len(parameters), len(names)))
    positional = all(name.isdigit() for name in names)
    values: dict[str, str] = {}
    for place, parameter in enumerate(parameters, 1):
        value = _value(parameter)
        if isinstance(value, Refusal):
            return value
        name = str(place) if positional else parameter.get("parameter_name")
        if not isinstance(name, str) or name not in names or name in values:
            return Refusal(100, f"{where}: Parameter name is missing or unknown: {name!r}.")
        values[name] = value
    return VARIABLE.sub(lambda match: values[match[1]], text)


def _count_details(where: str, given: int, wanted: int) -> str:
    return (
        f"{where}: number of localizable_params ({given}) does not match the expected number "
        f"of params ({wanted})"
    )


def _value(parameter: Json) -> str | Refusal:
    kind = parameter.get("type")
    if kind not in TEXTUAL:
        return _wrong_format(f"Format mismatch, expected TEXT, received {str(kind).upper()}")
    value = parameter.get("text")
    if kind != "text":
        holder = parameter.get(kind)
        value = holder.get("fallback_value") if isinstance(holder, dict) else None
    if not isinstance(value, str) or not value.strip():
        return Refusal(100, f"Parameter of type {kind} is missing text value")
    if FORBIDDEN.search(value):
        return Refusal(
            100,
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        )
    return value


def _fill_buttons(buttons: list[Json], given: list[Json]) -> list[Json] | Refusal:
    parameters: dict[int, Json] = {}
    for part in given:
        index = _index(part.get("index"))
        kind = str(part.get("sub_type", "")).lower()
        wanted = FILLABLE_BUTTONS.get(kind) or OTHER_BUTTONS.get(kind)
        if index is None or index >= len(buttons) or index in parameters:
            return _wrong_format(f"buttons: the template has no button {part.get('index')!r}")
        actual = str(buttons[index]["type"]).upper()
        if wanted != actual:
            return _wrong_format(
                f"buttons: Button at index {index} is of type {actual}, not {kind.upper()}"
            )
        parameters[index] = next(iter(_parameters(part)), {})
    shown: list[Json] = []
    for index, button in enumerate(buttons):
        filled = _fill_button(index, button, parameters.get(index))
        if isinstance(filled, Refusal):
            return filled
        shown.append(filled)
    return shown


def _index(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None


def _fill_button(index: int, button: Json, parameter: Json | None) -> Json | Refusal:
    kind, title = str(button["type"]).upper(), str(button.get("text", ""))
    where = f"buttons: Button at index {index}"
    if kind == "QUICK_REPLY":
        payload = title if parameter is None else parameter.get("payload")
        if not isinstance(payload, str) or not payload:
            return missing(f"{where} of type QuickReply needs a payload")
        return {"kind": "reply", "id": payload, "title": title}
    if kind == "URL":
        url = _fill_url(where, str(button["url"]), parameter)
        return url if isinstance(url, Refusal) else {"kind": "url", "title": title, "url": url}
    if kind == "COPY_CODE":
        code = (parameter or {}).get("coupon_code")
        if not isinstance(code, str) or not 1 <= len(code) <= CODE_LIMIT:
            return missing(f"{where} of type CopyCode needs a coupon_code of 1 to {CODE_LIMIT}")
        return {"kind": "copy", "title": title or "Copy code", "code": code}
    if kind == "PHONE_NUMBER":
        return {"kind": "phone", "title": title, "phone": str(button["phone_number"])}
    return {"kind": "other", "title": title}


def _fill_url(where: str, url: str, parameter: Json | None) -> str | Refusal:
    if not VARIABLE.search(url):
        if parameter is not None:
            return _wrong_format(f"{where} of type Url does not require parameters")
        return url
    suffix = (parameter or {}).get("text")
    if not isinstance(suffix, str) or not suffix:
        return missing(f"{where} of type Url requires a parameter")
    filled = VARIABLE.sub(lambda _match: suffix, url)
    if not is_web_address(filled):
        return _wrong_format(f"{where} of type Url: the filled address is not valid")
    return filled


def _fill_cards(cards: list[Json], part: Json) -> list[Json] | Refusal:
    sent = part.get("cards")
    if not isinstance(sent, list) or len(sent) != len(cards):
        count = len(sent) if isinstance(sent, list) else 0
        return Refusal(132000, _count_details("carousel", count, len(cards)))
    by_index = {one.get("card_index"): one for one in sent if isinstance(one, dict)}
    shown: list[Json] = []
    for index, card in enumerate(cards):
        components = (by_index.get(index) or {}).get("components")
        if not isinstance(components, list):
            return missing(f"carousel: the card {index} is missing")
        filled = _fill_parts(
            by_type(card["components"]),
            [one for one in components if isinstance(one, dict)],
            prefix=f"card {index} ",
        )
        if isinstance(filled, Refusal):
            return filled
        shown.append(filled)
    return shown
