"""What the top bar says of an automation: its state, what can be undone, what may be published.

Rule: pure; the page and every patch of a change draw the bar from this.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from flows.problems import Problem
from web.automations.reads import Automation
from web.security.who import Who


class Bar(Struct, frozen=True):
    """The status bar. `undo` and `redo` name the change, "" when there is none; `why_not` is the
    reason why nothing can be published, "" when it can.
    """

    base: str
    name: str
    status: str
    revision: int | None
    changed: bool
    testing: bool
    saved: str
    editable: bool
    errors: int
    warnings: int
    undo: str
    redo: str
    publish: str
    why_not: str
    mode: str

    @property
    def problems(self) -> str:
        """The words on the button that opens the list of problems."""
        count = self.errors + self.warnings
        return "No problems" if not count else f"{count:,} problem" + ("s" if count != 1 else "")


def bar_of(
    automation: Automation,
    problems: list[Problem],
    who: Who,
    now: datetime,
    *,
    undo: str = "",
    redo: str = "",
    mode: str = "edit",
) -> Bar:
    """The bar as things are now, for whoever asks."""
    errors = sum(one.severity == "error" for one in problems)
    fresh = automation.revision is None or automation.changed
    editable = who.may("editor") and automation.status != "archived"
    return Bar(
        base=f"/automations/{automation.id}",
        name=automation.name,
        status=automation.status,
        revision=automation.revision,
        changed=automation.changed,
        testing=automation.test_contacts is not None,
        saved=_saved(automation.updated_at, now, who),
        editable=editable,
        errors=errors,
        warnings=sum(one.severity == "warning" for one in problems),
        undo=undo,
        redo=redo,
        publish="Publish changes…" if automation.revision else "Publish…",
        why_not=_why_not(errors, fresh=fresh),
        mode=mode,
    )


def _saved(at: datetime, now: datetime, who: Who) -> str:
    local = at.astimezone(who.zone)
    if local.date() == now.astimezone(who.zone).date():
        return f"Saved {local:%H:%M}"
    return f"Saved {local.day} {local:%b}" + (f" {local.year}" if local.year != now.year else "")


def _why_not(errors: int, *, fresh: bool) -> str:
    if not fresh:
        return "Nothing to publish"
    if errors:
        return "Solve 1 error" if errors == 1 else f"Solve {errors:,} errors"
    return ""
