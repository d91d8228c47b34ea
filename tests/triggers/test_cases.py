"""One runner for all trigger kinds: a table `<kind>.json` says what starts an automation.

A kind without a table fails.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.kinds import catalog
from flows.contact import Company, Contact
from flows.events import Event

HERE = Path(__file__).parent
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TABLES = {path.stem: json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))}


def entries(section: str) -> list[Any]:
    return [
        pytest.param(kind, entry, id=f"{kind}: {entry.get('name', number)}")
        for kind, table in TABLES.items()
        for number, entry in enumerate(table.get(section, []))
    ]


def trigger_of(kind: str, entry: dict[str, Any]) -> Any:
    trigger = {"type": kind, **entry["trigger"]}
    return catalog().decode({"spec": 1, "name": "case", "triggers": {"it": trigger}}).triggers["it"]


def test_every_kind_has_a_table_with_cases() -> None:
    assert {kind for kind, table in TABLES.items() if table["cases"]} == set(catalog().triggers)


@pytest.mark.parametrize(("kind", "case"), entries("cases"))
def test_case(kind: str, case: dict[str, Any]) -> None:
    contact = msgspec.convert(case.get("contact", {"id": 1}), Contact)
    event: Any = msgspec.convert(case["event"], Event)
    match = trigger_of(kind, case).matches(event, contact, NOW)
    expect = case["expect"]
    if expect is None:
        assert match is None
        return
    assert match is not None
    assert expect.get("why", "") in match.why
    if "data" in expect:
        assert match.data == expect["data"]
    if "rank" in expect:
        assert list(match.rank) == expect["rank"]


@pytest.mark.parametrize(("kind", "entry"), entries("problems"))
def test_problems(kind: str, entry: dict[str, Any]) -> None:
    found = list(trigger_of(kind, entry).problems())
    assert len(found) == len(entry["expect"]), found
    for field, wanted in entry["expect"]:
        assert any(at == field and wanted in said for at, said in found), found


@pytest.mark.parametrize(("kind", "entry"), entries("shown"))
def test_shown(kind: str, entry: dict[str, Any]) -> None:
    trigger = trigger_of(kind, entry)
    assert trigger.summary() == entry["summary"]
    assert trigger.label
    assert trigger.exclusive is entry.get("exclusive", False)


@pytest.mark.parametrize(("kind", "case"), entries("cases"))
def test_a_sample_starts_a_try_out(kind: str, case: dict[str, Any]) -> None:
    trigger = trigger_of(kind, case)
    contact = Contact(id=1, company=Company(holidays=("2026-03-02",)))
    event = trigger.sample(7, "it")
    assert getattr(event, "automation_id", 7) == 7
    assert msgspec.convert(msgspec.to_builtins(event), Event) == event
    guessed = "regex" in str(case) or getattr(trigger, "condition", None) is not None
    able = case["expect"] is not None or not getattr(trigger, "rules", ())
    if able and not guessed:  # what fits an expression or a condition, nobody can say
        assert trigger.matches(event, contact, NOW) is not None
