"""The pages about flow documents: complete, and every example in them works."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.advance import advance
from engine.kinds import catalog
from engine.simulator import Pretend, simulate
from engine.webhooks import signature
from flows.comparing import SAID
from flows.contact import Contact
from flows.events import Started
from flows.run import Run
from flows.step import Step
from flows.trigger import Trigger
from tiptoe.docs_format import EXAMPLE, VERIFY, format_page
from tiptoe.docs_kinds import anchor, example_of, kinds_page

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
    told = simulate(flow, Started("api", VARIABLES), [], Pretend(contact=ada, start=NOW))
    assert told.status == "done", told.reason


@pytest.mark.parametrize("kind", sorted(catalog().triggers))
def test_the_example_of_a_trigger_kind_is_right(kind: str) -> None:
    document = around({"type": "end"})
    document["triggers"] = {"it": example_of(kind, catalog().triggers[kind])}
    _, problems = catalog().check(document)
    assert problems == []


@pytest.mark.parametrize(("name", "kind"), [*catalog().steps.items(), *catalog().triggers.items()])
def test_every_kind_and_setting_is_documented(name: str, kind: type[Step | Trigger]) -> None:
    place = anchor(name, kind)
    section = KINDS[KINDS.index(f'<a id="{place}">') :].partition("\n<a id=")[0]
    common = Step.__struct_fields__ if issubclass(kind, Step) else ()
    for setting in set(kind.__struct_fields__) - set(common):
        assert f"\n| `{setting}` |" in section
    assert f"[`{name}`](#{place})" in KINDS
    assert KINDS.count(f'<a id="{place}">') == 1


def test_all_json_in_the_pages_is_json() -> None:
    for page in (KINDS, format_page()):
        blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
        assert blocks
        for block in blocks:
            json.loads(block)


def test_the_example_document_has_no_problem() -> None:
    assert catalog().check(EXAMPLE)[1] == []


@pytest.mark.parametrize("place", [1, 2])
def test_the_conditions_of_the_page_are_right(place: int) -> None:
    page = format_page()
    text = re.findall(r"```json\n(.*?)```", page, re.DOTALL)[place]
    step = {"type": "if_else", "condition": json.loads(text)}
    assert catalog().check(around(step))[1] == []


def test_every_operator_is_told() -> None:
    page = format_page()
    assert all(f"| `{op}` | {said} |" in page for op, said in SAID.items())


def test_the_page_s_way_to_verify_a_call_works() -> None:
    names: dict[str, Any] = {}
    exec(VERIFY, names)
    is_ours, now = names["is_ours"], datetime.now(UTC)
    header = signature("whsec_x", b'{"a": 1}', now)
    assert is_ours("whsec_x", header, b'{"a": 1}')
    assert not is_ours("whsec_y", header, b'{"a": 1}')
    assert not is_ours("whsec_x", header, b'{"a": 2}')
    assert not is_ours("whsec_x", signature("whsec_x", b"", now - timedelta(hours=1)), b"")


def test_the_tables_name_the_real_fields() -> None:
    page = format_page()
    for name in (*EXAMPLE, "not_again_within", "policy", "op", "to"):
        assert f"| `{name}` |" in page


def test_a_kind_without_an_example_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiptoe.docs_kinds.LIBRARY", tmp_path)
    with pytest.raises(LookupError, match=r"steps/tag.py needs an `example`"):
        example_of("tag", catalog().steps["tag"])
