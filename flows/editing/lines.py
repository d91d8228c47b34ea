"""Lines: which exit leads to which step.

Rule: a line that is written leads to a step that exists, never to itself and never to Start.
"""

from __future__ import annotations

from collections.abc import Collection

from flows.editing.changes import Connect, Disconnect, Insert, Way
from flows.editing.working import START_EXIT, START_STEP, EditRefused, Working, short


def connect(work: Working, change: Connect) -> str:
    """Let an exit lead to a step."""
    check_exit(work, change.step, change.exit)
    if change.to == START_STEP:
        raise EditRefused("Nothing can lead to Start.", change.step)
    if change.to == change.step:
        raise EditRefused("A step cannot lead to itself.", change.step)
    work.entry(change.to)
    work.lead(change.step, change.exit, change.to)
    return f"Connect {_exit(work, change.step, change.exit)} to {work.title(change.to)}"


def disconnect(work: Working, change: Disconnect) -> str:
    """Let an exit lead nowhere; also one that the step does not have any more."""
    if change.step != START_STEP:
        work.entry(change.step)
    work.lead(change.step, change.exit, None)
    return f"Disconnect {_exit(work, change.step, change.exit)} of {work.title(change.step)}"


def insert(work: Working, change: Insert) -> str:
    """Put a step that is there already between an exit and where it leads."""
    onto = change.onto
    if change.step == START_STEP:
        raise EditRefused("Nothing can lead to Start.", START_STEP)
    work.entry(change.step)
    check_exit(work, onto.step, onto.exit)
    old = target(work, onto)
    if change.step in (onto.step, old):
        said = f"{work.title(change.step)} is on this line already."
        raise EditRefused(said, change.step)
    if old is not None:
        work.lead(change.step, onward_exit(work, change.step), old)
    work.lead(onto.step, onto.exit, change.step)
    return f"Insert {work.title(change.step)} after {_exit(work, onto.step, onto.exit)}"


def check_exit(work: Working, step_id: str, exit_name: str) -> None:
    """Raises EditRefused unless the step is there and has that exit."""
    if step_id == START_STEP:
        if exit_name != START_EXIT:
            raise EditRefused("The start card has one exit only, “start”.", START_STEP)
        return
    work.entry(step_id)
    exits = work.exits(step_id)
    if exits is None:
        if exit_name not in work.next_of(step_id):
            said = f"{work.title(step_id)} cannot be read, so its exits are not known."
            raise EditRefused(said, step_id)
    elif all(one.name != exit_name for one in exits):
        said = f"{work.title(step_id)} has no exit “{short(exit_name)}” (any more)."
        raise EditRefused(said, step_id, gone=True)


def target(work: Working, way: Way) -> str | None:
    """The step an exit leads to; None for none, or one that does not exist."""
    to = work.next_of(way.step).get(way.exit)
    return to if to in work.steps else None


def onward_exit(work: Working, step_id: str) -> str:
    """The first exit that leads nowhere yet. Raises EditRefused when there is none."""
    exits = work.exits(step_id)
    title = work.title(step_id)
    if exits is None:
        said = f"{title} cannot be read, so it cannot be put on a line."
        raise EditRefused(said, step_id)
    if not exits:
        said = f"{title} has no exit, so nothing can follow it. Put it at an end."
        raise EditRefused(said, step_id)
    used = work.next_of(step_id)
    for one in exits:
        if used.get(one.name) not in work.steps:
            return one.name
    raise EditRefused(f"All exits of {title} lead somewhere already. Disconnect one.", step_id)


def after(work: Working, step_id: str, without: Collection[str]) -> str | None:
    """Where somebody who came to `step_id` goes on, past all steps in `without`: by the first
    connected exit of each. None when that is nowhere.
    """
    seen: set[str] = set()
    here: str | None = step_id
    while here is not None and here in without and here not in seen:
        seen.add(here)
        ways = work.next_of(here)
        order = [one.name for one in work.exits(here) or () if one.name in ways] or list(ways)
        here = next((ways[name] for name in order if ways[name] in work.steps), None)
    return None if here in without else here


def _exit(work: Working, step_id: str, exit_name: str) -> str:
    return "Start" if step_id == START_STEP else f"“{work.exit_label(step_id, exit_name)}”"
