"""What is wrong with the shape of conditions, which are unions inside unions."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kinds import catalog
from flows.explain import Place, explain, validator_of
from flows.problems import Problem

TIME = "a time with its zone; write it as 2026-11-24T09:00:00Z"


def found(condition: Any) -> list[Problem]:
    step = {"type": "if_else", "condition": condition, "next": {"yes": "end"}}
    steps = {"it": step, "end": {"type": "end"}}
    raw = {"name": "x", "start": "it", "triggers": {"api": {"type": "api"}}, "steps": steps}
    return catalog().check(raw)[1]


def nested(kind: str, depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = {"type": kind, "of": inner if kind == "not" else [inner]}
    return inner


@pytest.mark.parametrize("kind", ["all", "any", "not"])
@pytest.mark.parametrize("op", ["is", "equals"])
def test_deep_conditions_are_judged_without_trying_every_way_to_read_them(
    kind: str, op: str
) -> None:
    (problem,) = found(nested(kind, 60, {"type": "is", "value": "x", "op": op}))
    if op == "is":
        assert "nested 8 deep" in problem.sentence
    else:
        assert "“equals” is not possible here" in problem.sentence
        assert problem.field.endswith("/op")


def test_what_no_stack_can_hold_is_told() -> None:
    (problem,) = found(nested("not", 5_000, {"type": "is", "value": "x"}))
    assert "nested too deeply" in problem.sentence


@pytest.mark.parametrize(
    ("condition", "field", "said"),
    [
        ({"type": "al", "of": []}, "/type", "Did you mean “all”?"),
        ({"type": "al", "of": [{"type": "al", "of": [{"type": "al"}]}]}, "/type", "“al”"),
        ({"value": "x"}, "/type", "“type” is missing"),
        ({"type": 3}, "/type", "“3” is not possible here"),
        ({"type": True}, "/type", "“true” is not possible here"),
        ({"type": "is", "valeu": "x"}, "/valeu", "Did you mean “value”?"),
        ({"type": "is", "value": "x", "to": {}}, "/to", "This must be text"),
        ("vip", "", "This"),
    ],
)
def test_the_branch_that_was_meant_is_explained(condition: Any, field: str, said: str) -> None:
    problems = [one for one in found(condition) if one.field == f"/steps/it/condition{field}"]
    assert len(problems) == 1, found(condition)
    assert said in str(problems[0])


@pytest.mark.parametrize(
    ("rules", "value", "said"),
    [
        ({"minLength": 1, "pattern": r"\S"}, "", "This is empty."),
        ({"minLength": 1, "pattern": r"\S"}, "  ", "This is empty."),
        ({"minLength": 3}, "x", "This needs at least 3 characters."),
        ({"minItems": 2}, [], "This needs at least 2."),
        ({"format": "date"}, "2026-02-30", "“2026-02-30” is not a day; write it as 2026-11-24."),
        ({"format": "date-time"}, "soon", f"“soon” is not {TIME}."),
        ({"format": "date-time"}, "2026-11-24T09:00", f"“2026-11-24T09:00” is not {TIME}."),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "9999-12-31T23:59:59-14:00", f"“9999-12-31T23:59:59-14:00” is not {TIME}."),
    ],
)  # fmt: skip
def test_one_mistake_is_told_once(rules: dict[str, Any], value: Any, said: str) -> None:
    problems = list(explain(validator_of(rules), value, Place()))
    assert [one.sentence for one in problems] == [said]
