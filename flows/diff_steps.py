"""What changed in the steps of a flow, one sentence for each change. PURE.

Rule: a sentence stands alone: it names its step, what was and what is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from flows.changed import Setting, settings_changed, shown
from flows.document import AnyFlow
from flows.problems import pointer
from flows.secrets import VEIL
from flows.step import Step, kind_of
from flows.travel import in_order

ChangeKind = Literal["added", "removed", "renamed", "replaced", "changed", "line"]
About = Literal["step", "trigger", "entry", "exit_rule", "document"]
_OWN = frozenset(("name", "next", "at", "note"))


class Change(Struct, frozen=True, omit_defaults=True):
    """One difference. `step` is a step's or trigger's id, `title` what people call it, `field` a
    JSON pointer into the document; `before` and `after` are plain values, None where there is none.
    """

    kind: ChangeKind
    about: About
    sentence: str
    step: str = ""
    title: str = ""
    field: str = ""
    before: Any = None
    after: Any = None


def step_changes(before: AnyFlow, after: AnyFlow) -> Iterator[Change]:
    """Steps that are new, another kind, changed, then those that are gone, in order of travel."""
    for step_id in in_order(after):
        new, old = after.steps[step_id], before.steps.get(step_id)
        where = pointer("steps", step_id)
        title = new.name or new.label
        if old is None:
            said = f"Added {_with_kind(new)}{_summed(new)}."
            yield Change("added", "step", said, step_id, title, where, None, plain(new))
        elif kind_of(old) != kind_of(new):
            said = f"{title_of(old)} was “{old.label}” and is now {_with_kind(new)}{_summed(new)}."
            yield Change("replaced", "step", said, step_id, title, where, plain(old), plain(new))
        elif old != new:
            yield from _step(before, after, step_id, old, new)
    for step_id in in_order(before):
        if step_id not in after.steps:
            old = before.steps[step_id]
            said = f"Removed {_with_kind(old)}{_summed(old)}."
            title = old.name or old.label
            where = pointer("steps", step_id)
            yield Change("removed", "step", said, step_id, title, where, plain(old))


def _step(before: AnyFlow, after: AnyFlow, step_id: str, old: Step, new: Step) -> Iterator[Change]:
    where, title, called = pointer("steps", step_id), new.name or new.label, title_of(new)
    if old.name != new.name:
        said = f"{title_of(old)} is now called {called}."
        yield Change("renamed", "step", said, step_id, title, f"{where}/name", old.name, new.name)
    for one in settings_changed(old, new, _OWN):
        bare = one.old_words == old.summary() and one.new_words == new.summary()
        said = f"{called}: {setting_words(one, bare=bare)}."
        yield Change("changed", "step", said, step_id, title, where + one.field, one.old, one.new)
    if old.note != new.note:
        said = f"{called}: the note for colleagues {'changed' if new.note else 'is gone'}."
        yield Change("changed", "step", said, step_id, title, f"{where}/note", old.note, new.note)
    labels = {one.name: one.label for one in (*old.exits(), *new.exits())}
    for name in dict.fromkeys((*labels, *sorted(old.next), *sorted(new.next))):
        was, goes = old.next.get(name), new.next.get(name)
        if was == goes:
            continue
        leads = named(after, goes)
        said = f"{called}: “{labels.get(name, name)}” " + (
            f"now leads to {leads}" if leads else "leads nowhere now"
        )
        led = named(before, was)
        said += f"; it was {led}." if led else "."
        yield Change("line", "step", said, step_id, title, f"{where}/next/{name}", was, goes)


def _with_kind(step: Step) -> str:
    return f"“{step.name}” ({step.label})" if step.name else f"“{step.label}”"


def _summed(step: Step) -> str:
    said = step.summary()
    return f": {shown(said)}" if said else ""


def title_of(step: Step) -> str:
    """What people call a step in a sentence: its name in quotes, else its kind."""
    return f"“{step.name}”" if step.name else step.label


def setting_words(one: Setting, *, bare: bool = False) -> str:
    """`up to 1 day → 2 days`; `bare` leaves out the name where the value says it all. Of a secret
    it is only said that it changed.
    """
    if VEIL in (one.old_words, one.new_words) or one.old_words == one.new_words:
        return f"{one.label} {one.part or 'changed'}"
    if one.part == "added":
        return f"{one.label} added: {shown(one.new_words)}"
    if one.part == "removed":
        return f"{one.label} removed: {shown(one.old_words)}"
    if not one.old_words:
        return f"{one.label} is now {shown(one.new_words)}"
    if not one.new_words:
        return f"{one.label} is empty now; it was {shown(one.old_words)}"
    change = f"{shown(one.old_words)} → {shown(one.new_words)}"
    return change if bare else f"{one.label} {change}"


def named(flow: AnyFlow, step_id: str | None) -> str:
    """What people call the step with this id; "" for none."""
    if step_id is None:
        return ""
    step = flow.steps.get(step_id)
    if step is None:
        return f"“{step_id}”, which does not exist"
    said = "" if step.name else shown(step.summary())
    return f"{title_of(step)} ({said})" if said else title_of(step)


def plain(value: Any) -> Any:
    """A value as JSON would hold it."""
    return msgspec.to_builtins(value)
