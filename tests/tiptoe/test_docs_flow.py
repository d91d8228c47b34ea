"""The pages about flow documents: complete, and every example in them works."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.advance import advance
from engine.kinds import catalog
from flows.contact import Contact
from flows.events import Started
from flows.run import Run
from flows.step import Step
from tiptoe.docs_format import EXAMPLE, format_page
from tiptoe.docs_kinds import example_of, kinds_page

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KINDS = kinds_page()
VARIABLES = {
    "cart": {"total": "39.90", "currency": "EUR", "url": "https://x", "items": [{"title": "Mug"}]},
    "order": {"name": "#1", "tracking": {"url": "https://y"}},
}


def around(step: dict[str, Any]) -> dict[str, Any]:
    """A document whose first step is `step` and whose every other step is the end."""
    if step["type"] == "end":
        steps = {"it": step}
    else:
        made = catalog().decode({"name": "x", "steps": {"it": step}}).steps["it"]
        exits = [one.name for one in made.exits()]
        steps = {"it": step | {"next": dict.fromkeys(exits, "end")}, "end": {"type": "end"}}
    return {"name": "Example", "triggers": {"api": {"type": "api"}}, "start": "it", "steps": steps}


@pytest.mark.parametrize("kind", sorted(catalog().steps))
def test_the_example_of_a_step_kind_is_right_and_runs(kind: str) -> None:
    flow, problems = catalog().check(around(example_of(kind, catalog().steps[kind])))
    assert [problem for problem in problems if problem.severity == "error"] == []
    assert flow is not None
    ada = Contact(id=1, first_name="Ada", last_inbound_at=NOW)
    moved = advance(flow, Run(1), Started("api", VARIABLES), contact=ada, now=NOW)
    assert moved.run.status in ("waiting", "done")
    assert moved.trace[0].exit != "failed", moved.trace[0].why


@pytest.mark.parametrize("kind", sorted(catalog().triggers))
def test_the_example_of_a_trigger_kind_is_right(kind: str) -> None:
    document = around({"type": "end"})
    document["triggers"] = {"it": example_of(kind, catalog().triggers[kind])}
    _, problems = catalog().check(document)
    assert problems == []


@pytest.mark.parametrize("kind", [*catalog().steps, *catalog().triggers])
def test_every_kind_and_setting_is_documented(kind: str) -> None:
    section = KINDS[KINDS.index(f'<a id="{kind}">') :].partition("\n<a id=")[0]
    known: Any = {**catalog().steps, **catalog().triggers}[kind]
    common = Step.__struct_fields__ if issubclass(known, Step) else ()
    for name in set(known.__struct_fields__) - set(common):
        assert f"\n| `{name}` |" in section
    assert f"[`{kind}`](#{kind})" in KINDS


def test_all_json_in_the_pages_is_json() -> None:
    for page in (KINDS, format_page()):
        blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
        assert blocks
        for block in blocks:
            json.loads(block)


def test_the_example_document_has_no_problem() -> None:
    assert catalog().check(EXAMPLE)[1] == []


def test_the_condition_of_the_page_is_one() -> None:
    page = format_page()
    text = re.findall(r"```json\n(.*?)```", page, re.DOTALL)[1]
    step = {"type": "if_else", "condition": json.loads(text)}
    assert catalog().check(around(step))[1] == []


def test_the_tables_name_the_real_fields() -> None:
    page = format_page()
    for name in (*EXAMPLE, "not_again_within", "policy", "op", "to"):
        assert f"| `{name}` |" in page


def test_a_kind_without_an_example_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiptoe.docs_kinds.LIBRARY", tmp_path)
    with pytest.raises(LookupError, match=r"steps/delay.py needs an `example`"):
        example_of("delay", catalog().steps["delay"])
