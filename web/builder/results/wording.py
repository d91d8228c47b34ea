"""Results in words. Pure."""

from __future__ import annotations

from datetime import date

from flows.document import AnyFlow
from store.passages import Asked, Passage
from web.builder.results.numbers import ENDED, MESSAGES, Part, Row
from web.builder.results.view import View

TITLES = {"here": "Wait here", "passed": "Went on", "left": "Left here"}
STATES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "suppressed": "not sent",
    "expired": "expired",
    "unconfirmed": "unconfirmed",
}
TRACED = {"here": False, "unconfirmed": False}
"""Numbers whose contacts are all known, however long ago it was."""


def title(asked: Asked, row: Row | None) -> str:
    """What the list of contacts is called."""
    part = _part(asked, row)
    if asked.of == "passed" and asked.exit:
        return f"Left by “{part.label if part else asked.exit}”"
    if asked.of == "left" and asked.exit:
        return ENDED.get(asked.exit, TITLES["left"])
    return TITLES.get(asked.of) or MESSAGES[asked.of]


def counted(asked: Asked, row: Row | None) -> int:
    """The number as the results have it."""
    if asked.search or row is None:
        return 0
    part = _part(asked, row)
    if part is not None:
        return part.n
    return {"here": row.here, "passed": row.passed, "left": row.left}.get(asked.of, 0)


def how(one: Passage, asked: Asked, flow: AnyFlow | None) -> str:
    """What became of somebody, in a word or two; "" when the list says it already."""
    if asked.of in ("here", "unconfirmed"):
        return ""
    if asked.of == "left":
        return "" if asked.exit else ENDED.get(one.how, one.how).lower()
    if asked.of == "passed":
        return "" if asked.exit else f"by “{_label(flow, asked.step, one.how)}”"
    return STATES.get(one.how, one.how)


def period(view: View) -> str:
    """When, as a headline ends: `in the last 7 days`."""
    match view.period:
        case "today":
            return "today"
        case "7" | "30":
            return f"in the last {view.period} days"
        case "published":
            return "since it was published"
        case "custom" if view.first and view.last:
            return f"from {_day(view.first)} to {_day(view.last)}"
        case "custom" if view.first:
            return f"since {_day(view.first)}"
        case "custom" if view.last:
            return f"until {_day(view.last)}"
        case _:
            return "from the beginning"


def contacts(count: int) -> str:
    """`1 contact is`, `12 contacts are`."""
    return "1 contact is" if count == 1 else f"{count:,} contacts are"


def ending(count: int) -> str:
    """What was asked of the engine."""
    if not count:
        return "None of them goes on, or all are being ended already."
    return f"{'1 run is' if count == 1 else f'{count:,} runs are'} being ended."


def _part(asked: Asked, row: Row | None) -> Part | None:
    """The number itself, where it is one of several."""
    if row is None:
        return None
    parts = [*row.messages, *((*row.exits, *row.ended) if asked.exit else ())]
    same = (one for one in parts if (one.what, one.name) == (asked.of, asked.exit))
    return next(same, None)


def _label(flow: AnyFlow | None, step: str, exit_name: str) -> str:
    known = flow.steps.get(step) if flow is not None else None
    labels = {one.name: one.label for one in known.exits()} if known is not None else {}
    return labels.get(exit_name) or exit_name.replace("_", " ").capitalize()


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
