"""Finding steps in a draft: by name, kind, text, and everything else their settings say.

Rule: pure; reads the raw document, so that steps which cannot be read are found as well. What opens
doors elsewhere is not found: a few letters of it would show the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from flows.secrets import is_harmless, open_address
from flows.words import normal
from web.builder.cards import START_STEP
from web.builder.drawing import Drawing

LEAST = 2  # characters before anything is looked for
_AROUND = 32  # characters shown before and after what was found
_SKIPPED = frozenset({"at", "next", "start_at", "type"})


class Found(Struct, frozen=True):
    """A step, where in its settings the words stand (a JSON pointer, "" for its name or kind) and
    the text around them in three parts.
    """

    step: str
    title: str
    label: str
    icon: str
    group: str
    field: str
    before: str = ""
    hit: str = ""
    after: str = ""


def search(drawing: Drawing, typed: str) -> list[Found]:
    """The steps with `typed` in them, each once, names before texts; else in order of travel."""
    wanted = normal(typed)
    if not wanted:
        return []
    named: list[Found] = []
    others: list[Found] = []
    for card in drawing.cards:
        shown = (card.step, card.title, card.label, card.icon, card.group)
        if wanted in normal(f"{card.label} {card.title}"):
            named.append(Found(*shown, ""))
            continue
        for field, text in _texts(drawing, card.step):
            if (place := _place(text, typed)) is not None or wanted in normal(text):
                others.append(Found(*shown, field, *_cut(text, place, len(typed))))
                break
    return named + others


def _texts(drawing: Drawing, step: str) -> Iterator[tuple[str, str]]:
    """`(JSON pointer, text)` of every text in the settings of a step or of the start card."""
    if step == START_STEP:
        parts = ("triggers", "entry", "exit_rules")
        root = {name: drawing.document.get(name) for name in parts}
    else:
        root = drawing.document["steps"][step]
    todo: list[tuple[str, object]] = [("", root)]
    while todo:
        where, value = todo.pop()
        if isinstance(value, str):
            yield where, open_address(value) if where.endswith("/url") else value
        elif isinstance(value, dict):
            inner = [
                (f"{where}/{name}", one)
                for name, one in value.items()
                if not (where == "" and name in _SKIPPED)
                and (is_harmless(name) or not where.endswith("/headers"))
            ]
            todo.extend(reversed(inner))
        elif isinstance(value, list):
            todo.extend(reversed([(f"{where}/{n}", one) for n, one in enumerate(value)]))


def _place(text: str, typed: str) -> int | None:
    found = text.casefold().find(typed.casefold())
    return found if found >= 0 and len(text.casefold()) == len(text) else None


def _cut(text: str, place: int | None, length: int) -> tuple[str, str, str]:
    if place is None:  # found only without its accents
        return text[: 2 * _AROUND], "", ""
    end = place + length
    before, after = text[:place], text[end:]
    return (
        ("…" if len(before) > _AROUND else "") + before[-_AROUND:],
        text[place:end],
        after[:_AROUND] + ("…" if len(after) > _AROUND else ""),
    )
