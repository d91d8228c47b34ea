"""What the library's error texts mean, in the words of `gateway.channel`. Pure.

Rule: a text that does not say clearly that the message stayed here is `uncertain`, never a reason
to send again. Source: the errors of whatsmeow's send.go, which come through as text.
"""

from __future__ import annotations

import re

from gateway.channel import Meaning, SendError

NO_NEW_CHATS = 463
TOO_FAST = 429
REFUSED = frozenset({400, 479})
_RETURNED = re.compile(r"(?:server returned error|status code|error)\D{0,3}(\d{3})\b")

TEXTS: tuple[tuple[Meaning, tuple[str, ...], str], ...] = (
    (
        "uncertain",
        ("timed out", "timeout", "deadline exceeded", "context canceled", "before message send"),
        "WhatsApp did not answer in time; it may have been sent.",
    ),
    (
        "unreachable",
        ("client is nil", "not connected", "websocket", "not logged in", "store is nil"),
        "The phone is not connected to WhatsApp right now.",
    ),
    (
        "contact",
        ("no lid found", "unknown server", "unknown user server", "no signal session"),
        "WhatsApp does not know this address.",
    ),
    ("throttle", ("rate-overlimit", "rate limit"), "WhatsApp wants this phone to write slower."),
    ("media", ("upload", "download"), "The file could not be handed over."),
)


def classify(text: str) -> SendError:
    """What a failed call of the library means; `text` is what it said."""
    words = text.lower()
    match = _RETURNED.search(words)
    code = int(match[1]) if match else 0
    if code == NO_NEW_CHATS:
        return SendError(
            "number_in_danger", code, "WhatsApp does not let this number begin new chats for now."
        )
    if code == TOO_FAST:
        return SendError("throttle", code, "WhatsApp wants this phone to write slower.")
    if code in REFUSED:
        return SendError("our_request", code, "WhatsApp refused the message.")
    for meaning, parts, explained in TEXTS:
        if any(part in words for part in parts):
            return SendError(meaning, TOO_FAST if meaning == "throttle" else code, explained)
    return SendError("temporary", code, text[:200] or "The library failed without a reason.")
