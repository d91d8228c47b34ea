"""How a message looks on a paired phone, which has no buttons. Pure."""

from __future__ import annotations

from msgspec import structs

from flows.content import (
    Buttons,
    Choices,
    Content,
    LinkButton,
    Media,
    Text,
    as_numbered_text,
    as_written_link,
)

TYPING_S = (1.0, 5.0)  # people see that somebody types
LETTERS_PER_S = 40.0
CARRIED = frozenset({"text", "media", "buttons", "list", "link_button", "location", "reaction"})
"""What can be shown; templates belong to the Cloud API."""


def shown(content: Content) -> Content:
    """Options as numbered lines, links written out; a file over them has them as its caption."""
    match content:
        case Buttons(header_media=over):
            text = as_numbered_text(content)
        case LinkButton(header_media=over):
            text = as_written_link(content)
        case Choices():
            text, over = as_numbered_text(content), None
        case _:
            return content
    return text if over is None else structs.replace(over, caption=text.body)


def typing_s(content: Content) -> float:
    """For how long to show that we type: 1–5 seconds by the length of a text, 0 before a file."""
    if isinstance(content, Media):
        return 0.0
    letters = len(content.body) if isinstance(content, Text) else 0
    shortest, longest = TYPING_S
    return min(longest, shortest + letters / LETTERS_PER_S)
