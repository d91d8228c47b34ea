"""Templates in words: state, quality, rejection, and how one looks in the chat. Pure.

Rule: WhatsApp decides about templates; here its answer is only made readable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from store.templates import Template

STATES = {
    "APPROVED": ("Approved", "ok", ""),
    "PENDING": ("In review", "info", "WhatsApp is looking at it, which takes minutes to a day."),
    "IN_APPEAL": ("In appeal", "info", "WhatsApp is looking at it again."),
    "REJECTED": ("Rejected", "danger", "It cannot be sent."),
    "PAUSED": ("Paused", "warn", "WhatsApp paused it because people did not like it."),
    "DISABLED": ("Switched off", "danger", "WhatsApp switched it off for good."),
    "LIMIT_EXCEEDED": ("Too many", "warn", "The account has as many templates as it may have."),
    "PENDING_DELETION": ("Being deleted", "", "It is being deleted at WhatsApp."),
    "DELETED": ("Deleted", "", "It was deleted at WhatsApp."),
    "ARCHIVED": ("Archived", "", "It was archived at WhatsApp."),
    "LOCKED": ("Locked", "warn", "It cannot be edited at WhatsApp."),
    "FLAGGED": ("Flagged", "warn", "If people go on disliking it, WhatsApp pauses it."),
}
QUALITIES = {"GREEN": ("High", "ok"), "YELLOW": ("Medium", "warn"), "RED": ("Low", "danger")}
REASONS = {
    "ABUSIVE_CONTENT": "Its text breaks WhatsApp’s rules: threats, insults or forbidden goods.",
    "CATEGORY_NOT_AVAILABLE": "The account may not use this category.",
    "INCORRECT_CATEGORY": "It belongs into another category: advertising is marketing.",
    "INVALID_FORMAT": "Variables are wrong: they need examples, and none may begin or end a text.",
    "PROMOTIONAL": "It advertises, so it has to be in the category marketing.",
    "SCAM": "WhatsApp takes it for a fraud.",
    "TAG_CONTENT_MISMATCH": "Its language or category does not fit its text.",
}
NOTHING_SAID = frozenset({"", "NONE"})
MEDIA = {"IMAGE": "Picture", "VIDEO": "Video", "DOCUMENT": "Document", "LOCATION": "Map"}


class Preview(Struct, frozen=True):
    """What the chat shows: `media` is a word for a header that is a file."""

    media: str
    header: str
    body: str
    footer: str
    buttons: tuple[str, ...]
    cards: int


class TemplateView(Struct, frozen=True):
    """One template as the page shows it; `used_by` are `(automation id, name)`."""

    template: Template
    state: str
    tone: str
    says: str
    quality: str
    quality_tone: str
    rejected: str
    preview: Preview
    used_by: tuple[tuple[int, str], ...]


def view(template: Template, used_by: Sequence[tuple[int, str]]) -> TemplateView:
    """A template in words."""
    unknown = (template.status.replace("_", " ").capitalize(), "", "")
    state, tone, says = STATES.get(template.status, unknown)
    quality, quality_tone = QUALITIES.get(template.quality, ("Unknown", ""))
    return TemplateView(
        template,
        state,
        tone,
        says,
        quality,
        quality_tone,
        rejection(template.rejected_because),
        preview(template.components),
        tuple(used_by),
    )


def rejection(told: str) -> str:
    """Why it was rejected: WhatsApp's word in a sentence; a sentence stays as it is."""
    return "" if told in NOTHING_SAID else REASONS.get(told, told)


def preview(components: Iterable[Mapping[str, Any]]) -> Preview:
    """The bubble made of a template's components; variables stay as `{{1}}`."""
    media = header = body = footer = ""
    buttons: tuple[str, ...] = ()
    cards = 0
    for one in components:
        text = str(one.get("text") or "")
        match str(one.get("type", "")).upper():
            case "HEADER":
                media, header = MEDIA.get(str(one.get("format", "")).upper(), ""), text
            case "BODY":
                body = text
            case "FOOTER":
                footer = text
            case "BUTTONS":
                buttons = tuple(_labels(one.get("buttons")))
            case "CAROUSEL":
                told = one.get("cards")
                cards = len(told) if isinstance(told, list) else 0
    return Preview(media, header, body, footer, buttons, cards)


def names_used(documents: Iterable[Any]) -> set[tuple[str, str]]:
    """`(name, language)` of the templates that steps of these documents send; the language is
    empty where it is the contact's own.
    """
    found = set()
    for document in documents:
        steps = document.get("steps") if isinstance(document, dict) else None
        for step in steps.values() if isinstance(steps, dict) else ():
            if isinstance(step, dict) and isinstance(step.get("template"), str):
                found.add((step["template"], str(step.get("language") or "")))
    return found


def _labels(buttons: Any) -> Iterator[str]:
    for one in buttons if isinstance(buttons, list) else ():
        if isinstance(one, dict):
            yield str(one.get("text") or one.get("type") or "")
