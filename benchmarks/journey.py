"""The reference journey: what every contestant carries a contact through.

Triggered → a message → if/else → tag → a delay → a message → wait for the reply → its keyword →
tag → a message → end. Each message waits for its verdict before the journey goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.words import CART_URL, KEYWORD, REGULARS, REPLY, TAGS, TEXTS
from flows.content import Text
from flows.events import Replied

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DELAY = timedelta(hours=1)
LATER = DELAY * 2  # how far the clock is moved for it: clocks of workers walk on while they work
CART = {"cart": {"total": "49.90", "currency": "EUR", "url": CART_URL}}
REPLIED = Replied(REPLY, Text(REPLY))
VISITS = 15  # lines of the trace, the first says why it started

_TEXTS = {
    step: text.format(name='{{ contact.first_name | default: "there" }}', url="{{ cart.url }}")
    for step, text in TEXTS.items()
}
DOCUMENT: dict[str, Any] = {
    "name": "Reference journey",
    "triggers": {"api": {"type": "api"}},
    "start": "greet",
    "steps": {
        "greet": {"type": "send_message", "text": _TEXTS["greet"], "next": {"sent": "regular"}},
        "regular": {
            "type": "if_else",
            "condition": {
                "type": "is",
                "value": "contact.tags",
                "op": "contains",
                "to": REGULARS,
            },
            "next": {"yes": "end", "no": "mark"},
        },
        "mark": {"type": "tag", "add": [TAGS[0]], "next": {"done": "pause"}},
        "pause": {"type": "delay", "duration": "1h", "next": {"after": "ask"}},
        "ask": {"type": "send_message", "text": _TEXTS["ask"], "next": {"sent": "reply"}},
        "reply": {
            "type": "wait_for_reply",
            "up_to": "24h",
            "answers": [{"exit": "yes", "match": "contains", "words": [KEYWORD], "label": "Yes"}],
            "next": {"yes": "keep", "no_reply": "end"},
        },
        "keep": {"type": "tag", "add": [TAGS[1]], "next": {"done": "thank"}},
        "thank": {"type": "send_message", "text": _TEXTS["thank"], "next": {"sent": "end"}},
        "end": {"type": "end", "goal": "Kept", "value": "{{ cart.total }}"},
    },
}
