"""A past run once more: what its trace says happened, given to the same core. PURE.

The first line of each event holds the event and, when it had changed, the contact; so the stored
trace is enough to take every decision again. Equal lines prove that the trace tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from engine.advance import advance
from flows.contact import Contact
from flows.document import AnyFlow
from flows.effects import Effect
from flows.events import Event, MovedTo, Started
from flows.run import Run, Visit

BEGINNING = "start"  # the kind of a trace's first line
COMPARED = ("step", "kind", "did", "exit", "why", "seq")
IN_WORDS = {
    "step": "at step",
    "kind": "a step of the kind",
    "did": "what it did:",
    "exit": "by exit",
    "why": "because",
    "seq": "in wait",
}


class Recorded(Struct, frozen=True):
    """One event of a trace: when, what, whom it found (None: as the run left them), its lines."""

    at: datetime
    event: Event
    contact: Contact | None
    lines: list[Visit]


class Happened(Struct, frozen=True):
    """One event replayed: the run and the contact after it, and what was asked for."""

    recorded: Recorded
    found: Contact
    run: Run
    contact: Contact
    effects: list[Effect]


class Replayed(Struct, frozen=True):
    """The comparison. `difference` is the first one, in words; "" when all lines are the same.
    Not `possible`: nothing could be compared, and `difference` says why.
    """

    difference: str
    events: int
    lines: int
    happened: list[Happened]
    revision_id: int = 0
    possible: bool = True

    @property
    def same(self) -> bool:
        """Whether every decision was taken again as it was then."""
        return not self.difference


def replay(run_id: int, trace: Sequence[Visit], flows: Mapping[int, AnyFlow]) -> Replayed:
    """Take every decision of `trace` again, with the flows of its revisions, and compare.

    `flows` by revision id, as `revisions_of` names them. Nothing is raised: a trace that cannot
    be replayed (older than this version, or cut) says so as its difference.
    """
    try:
        recorded = list(events_of(trace))
        begins = _begins(trace)
    except (msgspec.ValidationError, LookupError, ValueError) as error:
        said = f"this trace cannot be replayed: {error}"
        return Replayed(said, 0, len(trace), [], possible=False)
    revision_id: int = begins.get("revision", 0)
    parent = begins.get("parent")
    run = Run(run_id, chain=begins.get("chain", 0), parent=tuple(parent) if parent else None)
    contact = Contact()
    happened: list[Happened] = []
    for one in recorded:
        if isinstance(one.event, MovedTo) and one.event.revision_id:
            revision_id = one.event.revision_id
        flow = flows.get(revision_id)
        if flow is None:
            said = f"revision {revision_id} of the automation is not there any more"
            return Replayed(said, len(recorded), len(trace), happened, revision_id, possible=False)
        found = one.contact or contact
        result = advance(flow, run, one.event, contact=found, now=one.at, seed=run_id)
        # Live, run and contact are stored and loaded between two events.
        run, contact = _stored(result.run), _stored(result.contact)
        happened.append(Happened(one, found, run, contact, result.effects))
        said = _difference(one.lines, result.trace)
        if said:
            when = f"at {one.at:%Y-%m-%d %H:%M:%S}, on “{tag_of(one.event)}”"
            return Replayed(f"{when}: {said}", len(recorded), len(trace), happened, revision_id)
    return Replayed("", len(recorded), len(trace), happened, revision_id)


def events_of(trace: Sequence[Visit]) -> Iterator[Recorded]:
    """The events of a trace in order, each with the lines that came of it.

    Raises ValueError for a trace without its beginning, ValidationError for an unreadable one.
    """
    _begins(trace)
    group: list[Visit] = []
    for line in trace:
        if "event" in line.data and group:
            yield _recorded(group)
            group = []
        group.append(line)
    yield _recorded(group)


def revisions_of(trace: Sequence[Visit]) -> set[int]:
    """The ids of all revisions a trace went through."""
    named = [line.data.get("revision", 0) for line in trace[:1]]
    for line in trace:
        event = line.data.get("event")
        if isinstance(event, dict):
            named.append(event.get("revision_id", 0))
    return {one for one in named if isinstance(one, int) and one}


def tag_of(event: Event) -> str:
    """An event's name as it is stored: `replied`, `timer_due`."""
    return str(event.__struct_config__.tag)


def _begins(trace: Sequence[Visit]) -> dict[str, Any]:
    if not trace or trace[0].kind != BEGINNING:
        raise ValueError("its beginning is missing")
    if "event" not in trace[0].data:
        raise ValueError("its events are not kept: an older version wrote it, or they were erased")
    return trace[0].data


def _recorded(lines: list[Visit]) -> Recorded:
    first = lines[0]
    event: Event = msgspec.convert(first.data["event"], Event)
    raw = first.data.get("contact")
    contact = msgspec.convert(raw, Contact) if raw is not None else None
    beginning = isinstance(event, Started)
    return Recorded(first.at, event, contact, lines[1:] if beginning else lines)


def _difference(then: Sequence[Visit], now: Sequence[Visit]) -> str:
    for old, new in zip(then, now, strict=False):
        for name in COMPARED:
            was, is_now = getattr(old, name), getattr(new, name)
            if was != is_now:
                where = f"{_place(old)} " if name not in ("step", "kind") else ""
                return f"{where}{IN_WORDS[name]} “{is_now}”, then it was “{was}”"
        said = _saw(old, new)
        if said:
            return f"{_place(old)} {said}"
    if len(then) > len(now):
        return f"nothing more happens, but then: {_line(then[len(now)])}"
    if len(now) > len(then):
        return f"{_line(now[len(then)])}; then nothing more happened"
    return ""


def _saw(then: Visit, now: Visit) -> str:
    old, new = _plain(then.data.get("saw", {})), _plain(now.data.get("saw", {}))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            return f"sees {name} = {new.get(name)!r}, then it was {old.get(name)!r}"
    return ""


def _place(line: Visit) -> str:
    return f"step “{line.step}”" if line.step else "the run"


def _line(line: Visit) -> str:
    how = f"by “{line.exit}”" if line.exit else ""
    return " ".join(filter(None, (_place(line), line.did, how)))


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _stored(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))
