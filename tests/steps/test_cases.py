"""One runner for all step kinds: the tables beside this file say what each one does.

A table `<kind>.json` has `cases` (a step, what happens to it, what it must answer), `problems`
(settings that must be refused) and `shown` (its words on the card). A kind without one fails.
The step is called `it`; a `next` of it may lead to `end`. A case may have other `steps` beside.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.advance import Advance, advance
from engine.kinds import catalog
from flows.contact import Contact
from flows.duration import parse_duration
from flows.events import Event, HttpAnswered, Started, TimerDue, Verdict
from flows.run import Run, Visit

HERE = Path(__file__).parent
RUN_ID = 7
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ADA = {"id": 1, "first_name": "Ada", "phone": "+447700900123", "tags": ["cold"]}
UNMOVED = Visit("it", "", 0, NOW, "noted")
AIMED = (Verdict, TimerDue, HttpAnswered)

TABLES = {path.stem: json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))}


def entries(section: str) -> list[Any]:
    return [
        pytest.param(kind, entry, id=f"{kind}: {entry.get('name', number)}")
        for kind, table in TABLES.items()
        for number, entry in enumerate(table.get(section, []))
    ]


def test_every_kind_has_a_table_with_cases() -> None:
    assert {kind for kind, table in TABLES.items() if table["cases"]} == set(catalog().steps)


@pytest.mark.parametrize("kind", sorted(catalog().steps))
def test_the_cases_take_every_exit(kind: str) -> None:
    cases = TABLES[kind]["cases"]
    offered = {one.name for case in cases for one in step_of(kind, case).exits()}
    taken = {case["expect"]["exit"] for case in cases if "exit" in case["expect"]}
    assert taken == (offered or {""})


@pytest.mark.parametrize(("kind", "case"), entries("cases"))
def test_case(kind: str, case: dict[str, Any]) -> None:
    result, effects = play(kind, case)
    expect = case["expect"]
    last = next((line for line in reversed(result.trace) if line.step == "it"), UNMOVED)
    wait = result.run.wait
    seen: dict[str, Any] = {
        "exit": last.exit if last.did == "left" else None,
        "status": result.run.status,
        "effects": effects,
        "wait": wait and {"for": sorted(wait.for_), "until": wait.until and wait.until.isoformat()},
        "result": result.run.variables.get("answers", {}).get("it"),
        "fields": result.contact.words()["fields"],
        "tags": sorted(result.contact.tags),
        "lists": sorted(result.contact.lists),
        "consent": result.contact.consent,
        "blocked": result.contact.blocked,
        "handed_over": result.contact.handed_over,
        "saw": last.data.get("saw"),
        "returned": [result.run.result, result.run.returned],
        "goal": [result.run.goal, result.run.goal_value],
    }
    for name, wanted in expect.items():
        if name == "why":
            assert wanted in last.why
        elif name == "failure":
            assert result.run.status == "failed"
            assert wanted in result.run.reason
        else:
            assert seen[name] == wanted, name


@pytest.mark.parametrize(("kind", "entry"), entries("problems"))
def test_problems(kind: str, entry: dict[str, Any]) -> None:
    found = list(step_of(kind, entry).problems())
    assert len(found) == len(entry["expect"]), found
    for field, wanted in entry["expect"]:
        assert any(at == field and wanted in said for at, said in found), found


@pytest.mark.parametrize(("kind", "entry"), entries("shown"))
def test_shown(kind: str, entry: dict[str, Any]) -> None:
    step = step_of(kind, entry)
    if "summary" in entry:
        assert step.summary() == entry["summary"]
    if "exits" in entry:
        labels = [f"{one.label}{'' if one.required else ' (optional)'}" for one in step.exits()]
        assert labels == entry["exits"]
    if "references" in entry:
        assert msgspec.to_builtins(list(step.references())) == entry["references"]
    if "texts" in entry:
        assert [field for field, _ in step.texts()] == entry["texts"]
    if "passes" in entry:
        passes = {one.name: step.passes(one.name) for one in step.exits()}
        said = {name: None if one is None else one.total_seconds() for name, one in passes.items()}
        assert said == entry["passes"]
    if "waits" in entry:
        assert step.waits() is entry["waits"]
    if "free_form" in entry:
        assert step.free_form() is entry["free_form"]


@pytest.mark.parametrize("kind", sorted(catalog().steps))
def test_a_new_step_of_each_kind_can_be_drawn(kind: str) -> None:
    step = step_of(kind, {"step": {}})
    assert step.label
    assert step.icon
    assert (type(step).__doc__ or "").endswith((".", "    "))
    assert isinstance(step.summary(), str)
    assert all(one.label for one in step.exits())


def step_of(kind: str, entry: dict[str, Any]) -> Any:
    return document(kind, entry).steps["it"]


def document(kind: str, entry: dict[str, Any]) -> Any:
    steps = {"it": {"type": kind, **entry["step"]}, **entry.get("steps", {})}
    if "next" in entry["step"]:
        steps["end"] = {"type": "end"}
    return catalog().decode({"spec": 1, "name": "case", "start": "it", "steps": steps})


def play(kind: str, case: dict[str, Any]) -> tuple[Advance, list[Any]]:
    """Everything that happens in a case, the run stored and loaded between any two events."""
    flow = document(kind, case)
    now = datetime.fromisoformat(case["now"]) if "now" in case else NOW
    contact = msgspec.convert({**ADA, **case.get("contact", {})}, Contact)
    run = Run(RUN_ID, variables=case.get("variables", {}), chain=case.get("chain", 0))
    seed = case.get("seed", 0)
    result = advance(flow, run, Started(), contact=contact, now=now, seed=seed)
    effects = [*result.effects]
    for happening in case.get("events", []):
        stored = msgspec.json.decode(msgspec.json.encode(result.run), type=Run)
        raw = dict(happening)
        now += parse_duration(raw.pop("after", "0s"))
        if raw["type"] in ("verdict", "timer_due", "http_answered", "sub_flow_ended"):
            raw.setdefault("seq", stored.seq)
        event: Any = msgspec.convert(raw, Event)
        result = advance(flow, stored, event, contact=result.contact, now=now, seed=seed)
        effects += result.effects
    return result, json.loads(msgspec.json.encode(effects))
