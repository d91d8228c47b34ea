"""Names in a document that lead nowhere, and what exists outside of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kinds import catalog
from flows.known import Known
from flows.problems import Problem

WORLD = Known(
    automations=frozenset({"7"}),
    fields=frozenset({"size", "points"}),
    lists=frozenset({"Newsletter"}),
    users=frozenset({"ada@example.com"}),
)


def flow(step: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document whose step `it` is looked at; every exit leads to the end."""
    made = catalog().decode({"name": "x", "steps": {"it": step}}).steps["it"]
    ways = {one.name: "end" for one in made.exits()}
    steps = {"it": step | {"next": ways}, "end": {"type": "end"}}
    triggers = {"word": {"type": "customer_message", "rules": [{"words": ["hi"]}]}}
    return {"name": "x", "start": "it", "triggers": triggers, "steps": steps} | more


def found(raw: dict[str, Any], known: Known = WORLD) -> list[Problem]:
    return catalog().check(raw, known)[1]


def condition(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "is", "value": value, "op": "is_set", **more}


def if_else(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "if_else", "condition": condition(value, **more)}


def text(words: str) -> dict[str, Any]:
    return {"type": "note", "text": words}


@pytest.mark.parametrize(
    "step",
    [
        if_else("contact.first_name"),
        if_else("contact.fields.size"),
        if_else("contact.fields"),
        if_else("contact.tags.0"),
        if_else("company.open"),
        if_else("now.weekday"),
        if_else("window.open"),
        if_else("cart.anything.at.all"),
        if_else("answers.end"),
        if_else("answers"),
        text("{{ contact.fields.points }}{{ contact['name'] }}{{ now }}{{ company.name }}"),
        text("{% for one in cart.items %}{{ one.title }}{{ forloop.index }}{% endfor %}"),
        text("{% assign contact2 = contact.name %}{{ contact2.x }}"),
        text("{{ contact[data.which] }}{{ contact.fields[data.which] }}"),
        {"type": "list", "add": ["newsletter"]},
        {"type": "assign", "to": "Ada@example.com"},
        {"type": "set_field", "field": "size", "value": "x"},
        {"type": "set_field", "field": "email", "value": "x"},
        {"type": "sub_flow", "automation": "7"},
        {"type": "stop_others", "automations": ["7"]},
    ],
)
def test_names_that_are_there(step: dict[str, Any]) -> None:
    assert found(flow(step)) == []


@pytest.mark.parametrize(
    ("step", "severity", "field", "said", "todo"),
    [
        (if_else("contact.firstname"), "warning", "/condition/value", "contact.firstname is always",
            "Did you mean “first_name”?"),
        (if_else("x", op="is", to_value="now.wekday"), "warning", "/condition/to_value",
            "now.wekday", "Did you mean “weekday”?"),
        (if_else("answers.ask.size"), "warning", "/condition/value", "there is no step “ask”", ""),
        (if_else("contact.fields.shoe"), "hint", "/condition/value", "“shoe” is not defined", ""),
        (text("{{ contact.frist_name }}"), "warning", "/text", "contact.frist_name is always empty",
            "Did you mean “first_name”?"),
        (text("{{ contact.fields.pionts }}"), "hint", "/text", "“pionts” is not defined",
            "Did you mean “points”?"),
        (text("{% if answers['e-n-d'] %}{% endif %}"), "warning", "/text", "there is no step", ""),
        ({"type": "branch", "value": "contact.lang", "cases": [{"exit": "a", "values": ["it"]}]},
            "warning", "/value", "contact.lang is always empty", ""),
        ({"type": "list", "add": ["Newsleter"]}, "hint", "/add/0", "no list “Newsleter” yet",
            "Did you mean “Newsletter”?"),
        ({"type": "assign", "to": "bea@example.com"}, "error", "/to", "Nobody here", ""),
        ({"type": "set_field", "field": "pionts", "value": "x"}, "hint", "/field", "“pionts”",
            "Did you mean “points”?"),
        ({"type": "webhook", "url": "https://x", "save_fields": {"shoe": "a"}}, "hint",
            "/save_fields/shoe", "“shoe”", ""),
        ({"type": "sub_flow", "automation": "8"}, "error", "/automation", "does not exist", ""),
        ({"type": "stop_others", "automations": ["7", "8"]}, "error", "/automations/1",
            "does not exist", ""),
        ({"type": "wait_for_reply", "answers": [{"exit": "a", "match": "option", "words": ["x"],
            "step": "asked"}]}, "error", "/answers/0/step", "“asked”, which does not exist", ""),
        ({"type": "wait_for_reply", "answers": [{"exit": "a", "match": "option", "words": ["x"],
            "step": "end"}]}, "error", "/answers/0/words/0", "offers no option “x”", "none at all"),
    ],
)  # fmt: skip
def test_names_that_lead_nowhere(
    step: dict[str, Any], severity: str, field: str, said: str, todo: str
) -> None:
    problems = [one for one in found(flow(step)) if one.field.startswith("/steps/it" + field)]
    assert [one.severity for one in problems] == [severity], found(flow(step))
    assert said in problems[0].sentence
    assert todo in problems[0].todo
    assert problems[0].step == "it"


def test_what_nobody_told_is_not_checked() -> None:
    for step in (
        if_else("contact.fields.shoe"),
        {"type": "list", "add": ["Anything"]},
        {"type": "assign", "to": "bea@example.com"},
        {"type": "set_field", "field": "shoe", "value": "x"},
    ):
        assert found(flow(step), Known()) == []


@pytest.mark.parametrize(
    ("more", "severity", "field", "said"),
    [
        ({"entry": {"condition": {"type": "all", "of": []}}}, "error", "/entry/condition/of",
            "no condition"),
        ({"entry": {"condition": condition("contact.nmae")}}, "warning", "/entry/condition/value",
            "contact.nmae"),
        ({"exit_rules": [{"on": "order.paid", "name": "x"}]}, "warning", "/exit_rules/0/name",
            "has no name to look at"),
        ({"exit_rules": [{"on": "replied"}, {"on": "list.joined", "name": "VIP"}]}, "hint",
            "/exit_rules/1/name", "no list “VIP” yet"),
        ({"exit_rules": [{"on": "field.changed", "name": "shoe"}]}, "hint", "/exit_rules/0/name",
            "“shoe” is not defined"),
    ],
)  # fmt: skip
def test_entry_and_exit_rules(more: dict[str, Any], severity: str, field: str, said: str) -> None:
    (problem,) = found(flow({"type": "note", "text": "x"}, **more))
    assert (problem.severity, problem.field) == (severity, field)
    assert said in problem.sentence


@pytest.mark.parametrize(
    ("trigger", "severity", "field", "said"),
    [
        ({"type": "date_field", "field": "brithday"}, "hint", "/field", "“brithday”"),
        ({"type": "field_changed", "field": "points", "condition": condition("contact.nmae")},
            "warning", "/condition/value", "contact.nmae"),
        ({"type": "list_joined", "list": "VIP"}, "hint", "/list", "no list “VIP”"),
        ({"type": "webhook", "phone": "a", "fields": {"shoe": "b"}}, "hint", "/fields/shoe",
            "“shoe”"),
        ({"type": "schedule", "on": "2026-12-24", "at": ["10:00"], "audience": {"lists": ["VIP"]}},
            "hint", "/audience/lists/0", "no list “VIP”"),
    ],
)  # fmt: skip
def test_triggers(trigger: dict[str, Any], severity: str, field: str, said: str) -> None:
    problems = found(flow({"type": "note", "text": "x"}, triggers={"on": trigger}))
    (problem,) = [one for one in problems if one.field.startswith("/triggers/on")]
    assert (problem.severity, problem.field, problem.step) == (
        severity,
        f"/triggers/on{field}",
        "on",
    )
    assert said in problem.sentence


def test_exit_rules_that_are_fine() -> None:
    rules = [
        {"on": "tag.added", "name": "vip"},
        {"on": "field.changed", "name": "points"},
        {"on": "field.changed", "name": "email"},
        {"on": "list.left", "name": "newsletter"},
        {"on": "custom", "name": "booking.made"},
        {"on": "link.clicked"},
    ]
    assert found(flow({"type": "note", "text": "x"}, exit_rules=rules)) == []


def around(step: dict[str, Any]) -> dict[str, Any]:
    """A loop: a note, `step`, the note again."""
    ways = {"to": "note", "done": "note", "failed": "note", "enough": "end"}
    made = catalog().decode({"name": "x", "steps": {"it": step}}).steps["it"]
    steps = {
        "note": {"type": "note", "text": "x", "next": {"done": "it"}},
        "it": step | {"next": {one.name: ways[one.name] for one in made.exits()}},
        "end": {"type": "end"},
    }
    return flow({"type": "note", "text": "x"}) | {"start": "note", "steps": steps}


@pytest.mark.parametrize(
    ("step", "endless"),
    [
        ({"type": "go_to"}, True),
        ({"type": "go_to", "at_most": 3}, False),
        ({"type": "sub_flow", "automation": "7"}, True),
        ({"type": "block"}, True),
    ],
)
def test_a_jump_or_a_sub_flow_hides_no_endless_loop(step: dict[str, Any], endless: bool) -> None:
    said = [one.sentence for one in found(around(step))]
    assert any("goes round for ever" in one for one in said) is endless, said


def test_a_broken_neighbour_hides_no_wrong_names() -> None:
    raw = flow(
        {"type": "wait_for_reply", "answers": [
            {"exit": "a", "match": "option", "words": ["x"], "step": "asked"},
            {"exit": "b", "match": "option", "words": ["x"], "step": "broken"},
        ]}
    )  # fmt: skip
    raw["steps"]["broken"] = {"type": "send_message", "txt": "Hi"}
    raw["steps"]["note"] = {"type": "note", "text": "{{ answers.broken }}", "next": {"done": "end"}}
    fields = {one.field for one in found(raw)}
    assert "/steps/it/answers/0/step" in fields
    assert "/steps/broken/txt" in fields
    assert "/steps/it/answers/1/step" not in fields
    assert "/steps/note/text" not in fields
