"""Links in a message become links of ours, so that we learn which were opened. PURE.

Rule: a link that would not fit any more stays as it was; a message is never lost for a count.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import structs

from flows.content import (
    BODY_LIMIT,
    BODY_LIMIT_WITH_OPTIONS,
    CAPTION_LIMIT,
    URL_LIMIT,
    Buttons,
    Choices,
    Content,
    LinkButton,
    Media,
    Text,
)

PLACE = "/l/"
_LINK = re.compile(r"https?://[^\s<>\"“”«»]+", re.IGNORECASE)
_AFTER = ".,;:!?'*_~…)]}"  # signs that end a sentence or WhatsApp's *bold*, not an address
_PAIRS = {")": "(", "]": "[", "}": "{"}

Made = list[tuple[str, str]]
"""`(token, url)` of each link that was made."""


def shorten(text: str, make_token: Callable[[], str], public_url: str) -> tuple[str, Made]:
    """`text` with each http(s) address replaced by `{public_url}/l/{token}`. One address has one
    token however often it stands there; links that are ours already stay.
    """
    ours = public_url.rstrip("/") + PLACE
    tokens: dict[str, str] = {}

    def instead(found: re.Match[str]) -> str:
        url = _address(found[0])
        if url.startswith(ours) or "://" not in url.rstrip("/"):
            return found[0]
        if url not in tokens:
            tokens[url] = make_token()
        return f"{ours}{tokens[url]}{found[0][len(url) :]}"

    changed = _LINK.sub(instead, text)
    return changed, [(token, url) for url, token in tokens.items()]


def tracked(
    content: Content, make_token: Callable[[], str], public_url: str
) -> tuple[Content, Made]:
    """A message's content with the links of its text, or of its button, shortened; files and
    templates stay.
    """
    match content:
        case Text(body=body):
            field, text, limit = "body", body, BODY_LIMIT
        case LinkButton(url=url):
            field, text, limit = "url", url, URL_LIMIT
        case Buttons(body=body) | Choices(body=body):
            field, text, limit = "body", body, BODY_LIMIT_WITH_OPTIONS
        case Media(caption=caption):
            field, text, limit = "caption", caption, CAPTION_LIMIT
        case _:
            return content, []
    changed, made = shorten(text, make_token, public_url)
    if not made or len(changed) > limit:
        return content, []
    return structs.replace(content, **{field: changed}), made


def _address(found: str) -> str:
    """What of a run of signs is the address: not the comma after it, nor a bracket around it."""
    while found and found[-1] in _AFTER:
        opening = _PAIRS.get(found[-1])
        if opening and found.count(opening) >= found.count(found[-1]):
            break
        found = found[:-1]
    return found
