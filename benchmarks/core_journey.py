"""The journey that is measured: a realistic flow, a person, and what happens to them.

Texts with variables, a condition, fields and tags, a delay, a question with buttons, its answer.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.kinds import catalog
from flows.contact import Contact
from flows.content import Text
from flows.events import Event, Replied, Started, TimerDue, Verdict

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CHUNK_S = 0.2
CHUNKS = 5
"""Each figure is the best of some chunks: what else the machine does can only make it worse."""

DOCUMENT: dict[str, Any] = {
    "name": "Journey",
    "triggers": {
        "api": {"type": "api"},
        "word": {"type": "customer_message", "rules": [{"match": "exact", "words": ["cart"]}]},
    },
    "start": "regular",
    "steps": {
        "regular": {
            "type": "if_else",
            "condition": {
                "type": "is",
                "value": "contact.tags",
                "op": "contains",
                "to": "regular",
            },
            "next": {"yes": "greet", "no": "mark"},
        },
        "mark": {"type": "tag", "add": ["asked"], "next": {"done": "remember"}},
        "remember": {
            "type": "set_field",
            "field": "last_cart",
            "value": "{{ cart.total }} {{ cart.currency }}",
            "next": {"done": "greet"},
        },
        "greet": {
            "type": "send_message",
            "text": 'Hi {{ contact.first_name | default: "there" }}, look: {{ cart.url }}',
            "next": {"sent": "pause"},
        },
        "pause": {"type": "delay", "duration": "1h", "next": {"after": "ask"}},
        "ask": {
            "type": "send_message",
            "text": "Shall we keep it for you?",
            "options": [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}],
            "next": {"sent": "reply"},
        },
        "reply": {
            "type": "wait_for_reply",
            "up_to": "24h",
            "answers": [{"exit": "yes", "match": "option", "words": ["yes"], "label": "Yes"}],
            "next": {"yes": "keep", "no_reply": "end"},
        },
        "keep": {"type": "tag", "add": ["kept"], "remove": ["asked"], "next": {"done": "end"}},
        "end": {"type": "end", "goal": "Kept", "value": "{{ cart.total }}"},
    },
}
FLOW = catalog().decode(DOCUMENT)
CART = {
    "cart": {
        "total": "49.90",
        "currency": "EUR",
        "url": "https://shop.example.com/carts/1",
        "items": [{"title": "Blue mug"}, {"title": "Green tea"}],
    }
}
ADA = Contact(id=1, first_name="Ada", phone="+447700900123", tags=frozenset({"new"}))
HAPPENINGS: tuple[tuple[datetime, Event], ...] = (
    (NOW, Started("api", CART)),
    (NOW, Verdict(1, "sent")),
    (NOW + timedelta(hours=1), TimerDue(2)),
    (NOW + timedelta(hours=1), Verdict(3, "sent")),
    (NOW + timedelta(hours=2), Replied("Yes", Text("Yes"))),
)
VISITS = 13
"""Lines of the trace of one journey."""


def per_second(work: Callable[[], object]) -> float:
    """How often `work` can be done in a second: the best of several chunks."""
    work()
    best = 0.0
    for _ in range(CHUNKS):
        done = 0
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < CHUNK_S:
            work()
            done += 1
        best = max(best, done / passed)
    return best
