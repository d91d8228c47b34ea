"""Stories of the ready-made flows, told by the simulator and kept as transcripts.

Everything is stored as JSON and loaded again between any two events, as it is when live. After a
wanted change: `pytest tests/flows --update`, then read the diff.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec import Struct, structs

from engine.kinds import catalog
from engine.person import Person
from engine.simulator import Pretend, simulate
from engine.transcript import Transcript
from flows.contact import Contact
from flows.duration import parse_duration
from flows.events import Event
from flows.library import document
from flows.run import Run
from flows.scenario import Scripted
from tests.flows.library import FLOWS

GOLDEN = Path(__file__).parent / "golden"
STORIES = sorted(path.stem for path in GOLDEN.glob("*.json"))
T = TypeVar("T", bound=Struct)


def stored(value: T) -> T:
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))


def reload(person: Person) -> Person:
    person.contact = stored(person.contact)
    person.runs = {
        run_id: structs.replace(active, run=stored(active.run))
        for run_id, active in person.runs.items()
    }
    return person


def tell(story: dict[str, Any], between: Callable[[Person], Person] = reload) -> Transcript:
    first: Any = msgspec.convert(story["first"], Event)
    world = Pretend(
        contact=msgspec.convert(story["contact"], Contact),
        start=datetime.fromisoformat(story["start"]),
        lasts=parse_duration(story["lasts"]),
    )
    script = msgspec.convert(story["script"], list[Scripted])
    flow = catalog().read(document(story["flow"]))
    return simulate(flow, first, script, world, between=between)


def readable(transcript: Transcript) -> dict[str, Any]:
    """The transcript as it is kept: a line of text per line, messages and outcome in full."""
    lines = [
        f"{line.at:%a %d %b %H:%M} {line.who}{f' ({line.step})' if line.step else ''}: {line.text}"
        for line in transcript.lines
    ]
    plain: dict[str, Any] = json.loads(msgspec.json.encode(transcript))
    person = transcript.contact
    contact = {"tags": sorted(person.tags), "consent": person.consent, "fields": person.fields}
    return {
        "lines": lines,
        "messages": plain["messages"],
        "status": transcript.status,
        "reason": transcript.reason,
        "waits_until": plain["waits_until"],
        "contact": contact,
    }


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, update: bool) -> None:
    path = GOLDEN / f"{name}.json"
    story = json.loads(path.read_text())
    told = readable(tell(story))
    if update:
        story["transcript"] = told
        path.write_text(json.dumps(story, indent=2, ensure_ascii=False) + "\n")
    assert told == story["transcript"]


def test_every_flow_has_a_story() -> None:
    assert {json.loads((GOLDEN / f"{name}.json").read_text())["flow"] for name in STORIES} == set(
        FLOWS
    )


@pytest.mark.parametrize("name", STORIES)
def test_a_run_is_the_same_after_being_stored(name: str) -> None:
    kept: list[Run] = []

    def watch(person: Person) -> Person:
        kept.extend(active.run for active in person.runs.values())
        return person

    tell(json.loads((GOLDEN / f"{name}.json").read_text()), watch)
    assert [stored(run) for run in kept] == kept
