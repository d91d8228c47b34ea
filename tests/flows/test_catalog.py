"""A document with many faults is told all of them at once, each with its place and what to do."""

from __future__ import annotations

import copy
import json
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import steps
from engine.kinds import catalog
from flows.catalog import Catalog, Refused, find_kinds
from flows.issues import Known, TemplateFacts
from flows.library import document, names
from flows.problems import Problem
from flows.step import Step, kind_of
from flows.trigger import trigger_kind

SMALL: dict[str, Any] = {
    "spec": 1,
    "name": "Small",
    "triggers": {
        "hello": {"type": "customer_message", "rules": [{"match": "exact", "words": ["hi"]}]}
    },
    "start": "greet",
    "steps": {
        "greet": {"type": "send_message", "text": "Hi!", "next": {"sent": "end"}},
        "end": {"type": "end"},
    },
}


X_IS_EMPTY = {"type": "is", "value": "x"}


def changed(**parts: Any) -> dict[str, Any]:
    return copy.deepcopy(SMALL) | parts


def with_step(step_id: str, **settings: Any) -> dict[str, Any]:
    raw = copy.deepcopy(SMALL)
    raw["steps"][step_id] = settings
    return raw


def found(raw: object, known: Known | None = None) -> list[Problem]:
    return catalog().check(raw, known)[1]


def where(problems: list[Problem], severity: str = "error") -> set[tuple[str, str]]:
    return {(one.step, one.field) for one in problems if one.severity == severity}


def said(problems: list[Problem]) -> str:
    return "\n".join(map(str, problems))


def test_a_wrong_shape_here_does_not_hide_what_is_wrong_elsewhere() -> None:
    raw = changed(
        triggers={"cart": {"type": "shop", "on": "cart.abandoned", "wait": "1s"}},
        steps={
            "greet": {"type": "send_message", "text": "{{ broken", "next": {"sent": "wait"}},
            "wait": {"type": "delay", "for": "1d"},
            "lost": {"type": "send_message", "text": "Hi", "next": {"sent": "nowhere"}},
            "tag": {"type": "tag", "add": ["a"], "next": {"done": "field"}},
            "field": {"type": "set_field", "field": "a", "value": "b", "next": {"done": "tag"}},
        },
    )
    problems = found(raw)
    assert where(problems) == {
        ("cart", "/triggers/cart/wait"),
        ("greet", "/steps/greet/text"),
        ("wait", "/steps/wait/for"),
        ("lost", "/steps/lost/next/sent"),
        ("tag", "/steps/tag"),
    }, said(problems)
    # Whether a step is reached depends on those that could not be read.
    assert where(problems, "warning") == set()
    assert ("", "/start") in where(found(raw | {"start": "gone"}))
    assert ("", "/start") not in where(found(raw | {"start": "wait"}))


def test_a_document_whose_frame_is_wrong_still_has_its_steps_looked_at() -> None:
    raw = changed(name="", start=5)
    raw["steps"]["greet"]["text"] = ""
    assert {field for _, field in where(found(raw))} == {"/name", "/start", "/steps/greet/text"}


def test_the_small_one_is_fine() -> None:
    assert found(SMALL) == []
    flow = catalog().read(SMALL)
    assert kind_of(flow.steps["greet"]) == "send_message"
    assert trigger_kind(flow.triggers["hello"]) == "customer_message"


# --- the shape ---------------------------------------------------------------------------------


def test_every_fault_of_the_shape_at_once() -> None:
    raw = {
        "spec": 1,
        "nam": "Broken",
        "language": "English",
        "triggers": {
            "t1": {"type": "customer_mesage"},
            "t2": {"type": "shop", "on": "order.payed", "wait": "soon"},
            "t3": "keyword",
        },
        "entry": {"policy": "once", "not_again_within": 3},
        "exit_rules": [{"on": "order.created"}, {"on": "order.creatd"}],
        "steps": {
            "a": {"type": "send_mesage", "text": "Hi"},
            "b": {"type": "send_message", "txt": "Hi", "options": [{"label": 5}]},
            "c": {"text": "Hi"},
            "d": {"type": "delay", "duration": "tomorrow", "next": {"after": "not an id"}},
            "e": {"type": "webhook", "timeout_s": 31, "tries": 0, "method": "post"},
            "f": {"type": "if_else", "condition": {"type": "is", "value": "x", "op": "equals"}},
            "g": {"type": "wait_for_reply", "answers": [{"label": "x" * 41}], "at": [1]},
        },
    }
    flow, problems = catalog().check(raw)
    assert flow is None
    assert where(problems) == {
        ("", "/nam"),
        ("", "/name"),
        ("", "/language"),
        ("", "/entry/policy"),
        ("", "/entry/not_again_within"),
        ("", "/exit_rules/1/on"),
        ("t1", "/triggers/t1/type"),
        ("t2", "/triggers/t2/on"),
        ("t2", "/triggers/t2/wait"),
        ("t3", "/triggers/t3"),
        ("a", "/steps/a/type"),
        ("b", "/steps/b/txt"),
        ("b", "/steps/b/options/0/label"),
        ("b", "/steps/b/options/0/id"),
        ("c", "/steps/c/type"),
        ("d", "/steps/d/duration"),
        ("d", "/steps/d/next/after"),
        ("e", "/steps/e/timeout_s"),
        ("e", "/steps/e/tries"),
        ("e", "/steps/e/method"),
        ("f", "/steps/f/condition/op"),
        ("g", "/steps/g/answers/0/label"),
        ("g", "/steps/g/answers/0/exit"),
        ("g", "/steps/g/at"),
    }
    text = said(problems)
    for hint in (
        "Did you mean “name”?",
        "Did you mean “customer_message”?",
        "Did you mean “order.paid”?",
        "Did you mean “order.created”?",
        "Did you mean “send_message”?",
        "Did you mean “text”?",
        "Did you mean “POST”?",
        "such as 30m, 24h, 2d or 1d12h",
        ", delay, end, ",
        "the most is 30",
        "the least is 1",
        "41 characters, at most 40 fit",
        "This must be text.",
    ):
        assert hint in text, hint


@pytest.mark.parametrize("raw", [None, [], "flow", 3])
def test_what_is_no_document(raw: object) -> None:
    assert [str(one) for one in found(raw)] == [
        "error: document: The document must be a JSON object."
    ]


@pytest.mark.parametrize("spec", [2, 0, -1, "1", True, 1.5])
def test_a_spec_from_the_future(spec: object) -> None:
    (problem,) = found(changed(spec=spec))
    assert problem.field == "/spec"
    assert "reads up to 1" in problem.sentence


@pytest.mark.parametrize("field", ["steps", "triggers", "entry", "exit_rules"])
def test_a_section_of_a_wrong_form(field: str) -> None:
    assert f"/{field}" in {one.field for one in found(changed(**{field: 7}))}


def test_refused_says_everything() -> None:
    with pytest.raises(Refused) as refusal:
        catalog().read(changed(steps={"a": {"type": "dela"}, "b": {"type": "ende"}}))
    assert len(refusal.value.problems) == 3
    assert "The first step “greet” does not exist." in str(refusal.value)
    assert "step a, /steps/a/type" in str(refusal.value)
    assert "Did you mean “end”?" in str(refusal.value)


# --- the graph ---------------------------------------------------------------------------------


def test_every_fault_of_the_graph_at_once() -> None:
    raw = changed(
        start="gret",
        triggers={},
        steps={
            "a": {"type": "tag", "add": ["x"], "next": {"done": "b"}},
            "b": {
                "type": "if_else",
                "condition": {"type": "is", "value": "x"},
                "next": {"yes": "a", "no": "gone"},
            },
            "c": {"type": "delay", "next": {"after": "c", "later": "a"}},
            "d": {"type": "send_message", "text": "{{ x | upcas }}"},
            "e": {
                "type": "send_template",
                "template": "t",
                "body": ["{% if %}"],
                "next": {"sent": "a"},
            },
        },
    )
    problems = found(raw)
    assert where(problems) == {
        ("", "/start"),
        ("a", "/steps/a"),  # goes round for ever
        ("b", "/steps/b/next/no"),
        ("c", "/steps/c/next/after"),
        ("c", "/steps/c/next/later"),
        ("d", "/steps/d/text"),
        ("d", "/steps/d/next/sent"),
        ("e", "/steps/e/body/0"),
    }
    assert where(problems, "warning") == {("", "/triggers")}
    text = said(problems)
    assert "a → b → a" in text
    assert "Did you mean “upcase”?" in text
    assert "(exits: after)" in text
    assert [one.severity for one in problems] == sorted(one.severity for one in problems)


def test_a_loop_with_a_wait_inside_is_fine() -> None:
    raw = changed(start="a", steps={
        "a": {"type": "tag", "add": ["x"], "next": {"done": "b"}},
        "b": {"type": "delay", "next": {"after": "a"}},
    })  # fmt: skip
    assert found(raw) == []


def test_two_loops_that_share_a_step_are_both_seen() -> None:
    raw = changed(start="a", steps={
        "a": {"type": "if_else", "condition": X_IS_EMPTY, "next": {"yes": "b", "no": "c"}},
        "b": {"type": "tag", "add": ["x"], "next": {"done": "a"}},
        "c": {"type": "tag", "add": ["x"], "next": {"done": "a"}},
    })  # fmt: skip
    text = said(found(raw))
    assert "a → b → a" in text
    assert "a → c → a" in text


def test_a_thousand_steps_in_a_row_are_checked() -> None:
    row = {
        f"s{n}": {"type": "tag", "add": ["x"], "next": {"done": f"s{n + 1}"}} for n in range(999)
    }
    assert found(changed(start="s0", steps={**row, "s999": {"type": "end"}})) == []
    row["s999"] = {"type": "tag", "add": ["x"], "next": {"done": "s0"}}
    assert len(found(changed(start="s0", steps=row))) == 1


def test_a_step_nobody_reaches() -> None:
    (problem,) = found(with_step("lost", type="end"))
    assert (problem.severity, problem.step, problem.field) == ("warning", "lost", "/steps/lost")


def test_no_steps() -> None:
    assert where(found(changed(steps={}, start=None))) == {("", "/steps")}
    assert where(found(changed(start=None))) == {("", "/start")}


def test_a_new_step_of_each_kind_can_be_kept_as_a_draft() -> None:
    raw = changed(
        triggers={kind: {"type": kind} for kind in catalog().triggers},
        steps={kind: {"type": kind} for kind in catalog().steps},
    )
    flow, problems = catalog().check(raw)
    assert flow is not None
    assert problems


# --- the service window ------------------------------------------------------------------------

WINDOW = "more than 24 hours after"


def windowed(step: dict[str, Any], trigger: dict[str, Any] | None = None) -> str:
    """What is said of a flow that begins with `step` (id `first`), then sends a message."""
    raw = changed(start="first", steps={"first": step, **SMALL["steps"]})
    if trigger is not None:
        raw["triggers"] = {"it": trigger}
    return said([one for one in found(raw) if WINDOW in one.sentence])


def waiting(**leads: str) -> dict[str, Any]:
    answers = [{"exit": "file", "match": "any_media"}]
    leads = {"file": "end", "no_reply": "end"} | leads
    return {"type": "wait_for_reply", "up_to": "2d", "answers": answers, "next": leads}


SOON = {"type": "delay", "duration": "23h59m", "next": {"after": "greet"}}
LATE = {"type": "delay", "duration": "24h", "next": {"after": "greet"}}
AT_ONCE = {"type": "tag", "add": ["x"], "next": {"done": "greet"}}


@pytest.mark.parametrize(
    ("step", "trigger", "late"),
    [
        (SOON, None, False),
        (LATE, None, True),
        (waiting(other="greet"), None, False),
        (waiting(other="greet", no_reply="greet"), None, True),
        (AT_ONCE, {"type": "api"}, True),
        (AT_ONCE, {"type": "shop", "on": "order.paid"}, True),
        (waiting(other="greet"), {"type": "api"}, False),
        (waiting(file="greet"), {"type": "api"}, False),
        (waiting(no_reply="greet"), {"type": "api"}, True),
    ],
)
def test_free_messages_keep_to_the_service_window(
    step: dict[str, Any], trigger: dict[str, Any] | None, late: bool
) -> None:
    text = windowed(step, trigger)
    assert (WINDOW in text) is late
    assert ("step greet" in text) is late


# --- what exists outside -----------------------------------------------------------------------

TEMPLATES = {
    ("hello", "en"): TemplateFacts("UTILITY", "APPROVED", 1),
    ("offer", "en"): TemplateFacts("MARKETING", "APPROVED", 0),
    ("offer_stop", "en"): TemplateFacts("MARKETING", "APPROVED", 0, has_stop=True),
    ("paused", "en"): TemplateFacts("UTILITY", "PAUSED", 0),
}
WORLD = Known(TEMPLATES, frozenset({"7"}))


def sending(**settings: Any) -> list[Problem]:
    step = {"type": "send_template", "next": {"sent": "end"}, **settings}
    return found(changed(start="t", steps={"t": step, "end": {"type": "end"}}), WORLD)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"template": "hello", "body": ["Ada"]}, None),
        ({"template": "hello"}, "needs 1 filled in, this fills in 0"),
        ({"template": "hello", "named": {"a": "b", "c": "d"}}, "this fills in 2"),
        (
            {"template": "hello", "language": "it", "body": ["Ada"]},
            "“hello” in language “it” does not exist",
        ),
        ({"template": "paused"}, "is paused; only approved ones"),
        ({"template": "offer"}, "none of its templates offers a way out"),
        ({"template": "offer_stop"}, None),
    ],
)
def test_templates(settings: dict[str, Any], sentence: str | None) -> None:
    problems = sending(**settings)
    if sentence is None:
        assert problems == []
    else:
        (problem,) = problems
        assert sentence in problem.sentence
        assert problem.step == "t"


@pytest.mark.parametrize(("automation", "count"), [("7", 0), ("8", 1)])
def test_automations(automation: str, count: int) -> None:
    step = {"type": "start_automation", "automation": automation, "next": {"done": "end"}}
    raw = changed(start="s", steps={"s": step, "end": {"type": "end"}})
    assert len(found(raw, WORLD)) == count
    assert found(raw) == []  # nobody said what exists


# --- kinds and schemas -------------------------------------------------------------------------


def test_a_folder_is_the_registry() -> None:
    kinds = find_kinds(steps, Step)
    assert list(kinds) == sorted(kinds)
    assert all(kinds[name].__module__ == f"steps.{name}" for name in kinds)
    assert "_sending" not in kinds


def test_a_file_without_its_kind_is_a_mistake_of_ours(tmp_path: Any, monkeypatch: Any) -> None:
    folder = tmp_path / "odd_kinds"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "wave.py").write_text(
        "from flows.step import Step\nclass Wave(Step, frozen=True, tag='weave'): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    package: ModuleType = __import__("odd_kinds")
    with pytest.raises(TypeError, match="must hold one Step tagged “wave”"):
        find_kinds(package, Step)


def test_schemas_describe_every_setting() -> None:
    for kind in (*catalog().steps.values(), *catalog().triggers.values()):
        schema = catalog().kind_schema(kind)
        json.dumps(schema)
        for definition in schema["$defs"].values():
            for name, field in definition.get("properties", {}).items():
                told = field.get("description") or "$ref" in field or name == "type"
                assert told or definition["title"] in ("Leaf", "All", "Any_", "Not"), (kind, name)


def test_one_kind_alone_makes_a_catalog() -> None:
    only = Catalog({"end": catalog().steps["end"]}, {"api": catalog().triggers["api"]})
    flow = only.decode({"spec": 1, "name": "x", "steps": {"a": {"type": "end"}}})
    assert kind_of(flow.steps["a"]) == "end"


@pytest.mark.parametrize("name", names())
def test_documents_survive_reading_and_writing(name: str) -> None:
    flow = catalog().read(document(name))
    again = msgspec.json.decode(msgspec.json.encode(flow))
    assert catalog().read(again) == flow


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.data())
def test_any_damage_is_told_and_never_raised(data: st.DataObject) -> None:
    raw = document(data.draw(st.sampled_from(names())))
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = raw
        while True:
            keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = data.draw(JSON)
            break
    flow, problems = catalog().check(raw, Known({}, frozenset()))
    assert flow is not None or problems
    assert all(one.sentence for one in problems)


def test_what_is_remembered_of_an_entry_is_of_this_content_and_place() -> None:
    fresh = Catalog(catalog().steps, catalog().triggers)
    bad = {"type": "delay", "duration": "soon"}
    first = fresh.check({"name": "x", "steps": {"a": bad}})[1]
    assert fresh.check({"name": "x", "steps": {"a": dict(bad)}})[1] == first
    other = fresh.check({"name": "x", "steps": {"b": bad}})[1]
    assert [one.step for one in other] == ["b"]
    assert fresh.check({"name": "x", "steps": {"a": {**bad, "duration": "1h"}}})[0] is not None
    assert fresh.check({"name": "x", "triggers": {"a": bad}})[1][0].field == "/triggers/a/type"
    odd = {"type": "delay", "duration": {1, 2}}  # no JSON at all
    assert fresh.check({"name": "x", "steps": {"a": odd}})[0] is None
