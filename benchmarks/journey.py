"""The reference journey: what every contestant carries a contact through.

Triggered → a message → if/else → tag → a delay → a message → wait for the reply → its keyword →
tag → a message → end. Each message waits for its verdict before the journey goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flows.content import Text
from flows.events import Replied

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DELAY = timedelta(hours=1)
LATER = DELAY * 2  # how far the clock is moved for it: clocks of workers walk on while they work
CART = {"cart": {"total": "49.90", "currency": "EUR", "url": "https://shop.example.com/carts/1"}}
REPLY = Replied("Yes please", Text("Yes please"))
KEYWORD = "yes"
GREETING = "Hi Ada, you left something in your cart: https://shop.example.com/carts/1"
QUESTION = "Shall we keep it for you? Answer yes or no."
THANKS = "Thank you, Ada. We keep it until tomorrow."
MESSAGES = 3
TAGS = ("asked", "kept")
GOAL = "Kept"
WAVES = ("start", "verdict", "timer", "verdict", "reply", "verdict")
"""What happens to each contact, in order; between two of them the journey waits."""

DOCUMENT: dict[str, Any] = {
    "name": "Reference journey",
    "triggers": {"api": {"type": "api"}},
    "start": "greet",
    "steps": {
        "greet": {
            "type": "send_message",
            "text": 'Hi {{ contact.first_name | default: "there" }}, '
            "you left something in your cart: {{ cart.url }}",
            "next": {"sent": "regular"},
        },
        "regular": {
            "type": "if_else",
            "condition": {
                "type": "is",
                "value": "contact.tags",
                "op": "contains",
                "to": "regular",
            },
            "next": {"yes": "end", "no": "mark"},
        },
        "mark": {"type": "tag", "add": ["asked"], "next": {"done": "pause"}},
        "pause": {"type": "delay", "duration": "1h", "next": {"after": "ask"}},
        "ask": {"type": "send_message", "text": QUESTION, "next": {"sent": "reply"}},
        "reply": {
            "type": "wait_for_reply",
            "up_to": "24h",
            "answers": [{"exit": "yes", "match": "contains", "words": [KEYWORD], "label": "Yes"}],
            "next": {"yes": "keep", "no_reply": "end"},
        },
        "keep": {"type": "tag", "add": ["kept"], "next": {"done": "thank"}},
        "thank": {
            "type": "send_message",
            "text": 'Thank you, {{ contact.first_name | default: "there" }}. '
            "We keep it until tomorrow.",
            "next": {"sent": "end"},
        },
        "end": {"type": "end", "goal": GOAL, "value": "{{ cart.total }}"},
    },
}
