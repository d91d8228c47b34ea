"""What the chosen template wants to be filled in with, and a form that asks for just that. PURE.

Rule: a setting says in its schema which part of a template it fills (`x-fills`); what the template
does not have is not asked for, unless something stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from flows.words import normal
from store.templates import APPROVED, Template
from web.builder.forms.part import Part

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_NO_ID = re.compile(r"[^a-z0-9]+")
_KINDS = {
    "QUICK_REPLY": "quick_reply",
    "COPY_CODE": "copy_code",
    "FLOW": "flow",
    "CATALOG": "catalog",
    "MPM": "catalog",
}
_STOP = frozenset(("stop", "unsubscribe", "stop promotions"))


class Button(Struct, frozen=True):
    """A button that has to be filled in."""

    index: int
    kind: str
    label: str


class Wants(Struct, frozen=True, kw_only=True):
    """What a template is filled in with. `examples` are the words its author gave for the body."""

    body: int = 0
    named: tuple[str, ...] = ()
    header: bool = False
    header_media: str = ""
    header_place: bool = False
    buttons: tuple[Button, ...] = ()
    cards: int = 0
    examples: tuple[str, ...] = ()

    def has(self, what: str) -> bool:
        """Whether the template has this part at all."""
        return bool(getattr(self, what, False))


class Offered(Struct, frozen=True):
    """One template in the picker, in all its languages."""

    name: str
    category: str
    languages: tuple[str, ...]
    words: str


def offered(templates: Iterable[Template]) -> list[Offered]:
    """The approved templates by name, one line each."""
    by_name: dict[str, list[Template]] = {}
    for one in templates:
        if one.status.upper() == APPROVED:
            by_name.setdefault(one.name, []).append(one)
    return [
        Offered(
            name,
            found[0].category.capitalize(),
            tuple(sorted({one.language for one in found})),
            " ".join(found[0].body.split()),
        )
        for name, found in sorted(by_name.items())
    ]


def wants_of(template: Template) -> Wants:
    """What has to be filled in, from the components as WhatsApp tells them."""
    names = list(dict.fromkeys(_VARIABLE.findall(template.body)))
    numbered = [int(one) for one in names if one.isdigit()]
    header, media, place, cards = False, "", False, 0
    buttons: tuple[Button, ...] = ()
    for one in template.components:
        kind, form = str(one.get("type", "")).upper(), str(one.get("format", "")).upper()
        if kind == "HEADER":
            header = form in ("", "TEXT") and bool(_VARIABLE.search(str(one.get("text") or "")))
            media = form.lower() if form in ("IMAGE", "VIDEO", "DOCUMENT") else ""
            place = form == "LOCATION"
        elif kind == "BUTTONS":
            buttons = tuple(_buttons(one.get("buttons")))
        elif kind == "CAROUSEL":
            cards = len(one.get("cards") or ())
    return Wants(
        body=max(numbered, default=0),
        named=tuple(one for one in names if not one.isdigit()),
        header=header,
        header_media=media,
        header_place=place,
        buttons=buttons,
        cards=cards,
        examples=_examples(template),
    )


def adapt(parts: Sequence[Part], wants: Wants | None) -> list[Part]:
    """The parts for a template that is known; without one all of them, as the schema says."""
    if wants is None:
        return list(parts)
    kept = []
    for part in parts:
        fills = part.schema.get("x-fills", "")
        if fills and not wants.has(fills) and not part.value:
            continue
        if fills == "body":
            _name_variables(part, wants)
        elif fills == "buttons":
            _name_buttons(part, wants)
        kept.append(part)
    return kept


def chosen(settings: Mapping[str, Any], parts: Sequence[Part]) -> tuple[str, str] | None:
    """`(name, language)` of the template a form chooses; None for a form that chooses none."""
    part = next((one for one in parts if one.input == "template"), None)
    if part is None:
        return None
    language = next((one for one in parts if one.input == "language"), None)
    spoken = settings.get(language.name, language.default) if language else ""
    return str(settings.get(part.name) or ""), str(spoken or "")


def follow(
    settings: Mapping[str, Any], parts: Sequence[Part], templates: Sequence[Template]
) -> dict[str, Any]:
    """The settings after another template was chosen: a language that it has, and a place for
    each of its variables, with what stood there before.
    """
    made = dict(settings)
    wanted = chosen(settings, parts)
    if wanted is None:
        return made
    name, language = wanted
    found = [one for one in templates if one.name == name and one.status.upper() == APPROVED]
    if not found:
        return made
    template = next((one for one in found if one.language == language), found[0])
    speaks = next((one.name for one in parts if one.input == "language"), "")
    if speaks and template.language != language:
        made[speaks] = template.language
    wants = wants_of(template)
    for part in parts:
        fills = part.schema.get("x-fills", "")
        if fills:
            _fill_in(made, part.name, fills, wants)
    return made


def _fill_in(made: dict[str, Any], name: str, fills: str, wants: Wants) -> None:
    old = made.pop(name, None)
    match fills:
        case "body" if wants.body:
            texts = old if isinstance(old, list) else []
            made[name] = [*texts, *[""] * wants.body][: wants.body]
        case "named" if wants.named:
            known = old if isinstance(old, dict) else {}
            made[name] = {one: known.get(one, "") for one in wants.named}
        case "header_media" if wants.header_media:
            known = old if isinstance(old, dict) else {}
            made[name] = {**known, "media": wants.header_media}
        case "buttons" if wants.buttons:
            made[name] = [_button(one, old) for one in wants.buttons]
        case "header" | "header_place" | "cards" if wants.has(fills) and old is not None:
            made[name] = old


def _button(button: Button, old: Any) -> dict[str, Any]:
    for one in old if isinstance(old, list) else ():
        fits = isinstance(one, dict) and one.get("kind", "quick_reply") == button.kind
        if fits and one.get("index", 0) == button.index:
            known: dict[str, Any] = one
            return known
    value = option_id(button.label) if button.kind == "quick_reply" else ""
    return {"index": button.index, "kind": button.kind, "value": value}


def option_id(label: str) -> str:
    """The option that a button stands for: “Stop promotions” ends all messages, others by word."""
    said = normal(label)
    return "stop" if said in _STOP else _NO_ID.sub("_", said).strip("_")[:64] or "option"


def _name_variables(part: Part, wants: Wants) -> None:
    if len(part.parts) == wants.body:
        part.schema = {**part.schema, "x-fixed": True}
    for number, row in enumerate(part.parts):
        row.label = f"{{{{{number + 1}}}}}"
        if number < len(wants.examples):
            row.hint = f"For example: {wants.examples[number]}"


def _name_buttons(part: Part, wants: Wants) -> None:
    labels = {one.index: one.label for one in wants.buttons}
    for row in part.parts:
        index = row.value.get("index", 0) if isinstance(row.value, dict) else None
        if index in labels:
            row.label = f"Button “{labels[index]}”"
            row.parts = [one for one in row.parts if one.name not in ("index", "kind")]


def _buttons(told: Any) -> Iterable[Button]:
    for index, one in enumerate(told if isinstance(told, list) else ()):
        kind = str(one.get("type", "")).upper() if isinstance(one, dict) else ""
        if kind == "URL" and _VARIABLE.search(str(one.get("url") or "")):
            yield Button(index, "url", str(one.get("text") or "Link"))
        elif kind in _KINDS:
            yield Button(index, _KINDS[kind], str(one.get("text") or kind.capitalize()))


def _examples(template: Template) -> tuple[str, ...]:
    for one in template.components:
        if str(one.get("type", "")).upper() == "BODY":
            given = (one.get("example") or {}).get("body_text")
            if isinstance(given, list) and given and isinstance(given[0], list):
                return tuple(map(str, given[0]))
    return ()
