"""Ready-made flows, their tests and the WhatsApp templates they send: JSON files beside this."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Literal

import msgspec

Goal = Literal["sell", "serve", "keep", "ask"]
GOALS: dict[Goal, str] = {
    "sell": "Sell more",
    "serve": "Serve customers",
    "keep": "Keep in touch",
    "ask": "Ask and learn",
}
SHELVES: dict[Goal, tuple[str, ...]] = {
    "sell": ("abandoned_cart", "abandoned_cart_short", "payment_failed", "list_launch"),
    "serve": (
        *("welcome", "order_confirmed", "order_shipped"),
        *("appointment_reminder", "outside_hours"),
    ),
    "keep": ("win_back", "birthday", "newsletter"),
    "ask": ("order_delivered", "nps", "lead_qualification"),
}
"""What each flow is good for; on a shelf the ones that most people want come first."""


def names() -> list[str]:
    """The ready-made flows, by file name."""
    return sorted(
        one.name.removesuffix(".json")
        for one in files(__name__).iterdir()
        if one.name.endswith(".json")
    )


def document(name: str) -> dict[str, Any]:
    """One ready-made flow document. Raises FileNotFoundError for a name that is not there."""
    found: dict[str, Any] = msgspec.json.decode((files(__name__) / f"{name}.json").read_bytes())
    return found


def templates() -> list[dict[str, Any]]:
    """All WhatsApp templates the flows need, as bodies for the Cloud API's create call."""
    folder = files(__name__) / "templates"
    found = sorted(folder.iterdir(), key=lambda one: one.name)
    return [msgspec.json.decode(one.read_bytes()) for one in found if one.name.endswith(".json")]


def scenarios(name: str, *, words: bool = True) -> list[dict[str, Any]]:
    """The saved tests of a ready-made flow, as `flows.scenario.Scenario` documents. Without `words`
    they look at the way that is taken: who makes a flow their own writes its messages anew.
    """
    raw = (files(__name__) / "tests" / f"{name}.json").read_bytes()
    found: list[dict[str, Any]] = msgspec.json.decode(raw)
    for one in found if not words else ():
        one["expect"] |= {"messages": [], "exactly": False}
    return found
