from __future__ import annotations

from typing import Any

import pytest

from engine.kinds import catalog
from flows.editing.apply import apply
from flows.fixes import fix_of
from flows.known import Known
from flows.problems import Problem

KNOWN = Known(users=frozenset({"ada@example.com"}), lists=frozenset({"Newsletter"}))


def document(**more: Any) -> dict[str, Any]:
    steps = {
        "hello": {"type": "send_message", "text": "Hello", "next": {"sent": "wait"}},
        "wait": {"type": "delay", "name": "A day", "next": {"after": "end"}},
        "end": {"type": "end"},
    }
    return {
        "spec": 1,
        "name": "Greeting",
        "triggers": {"api": {"type": "api"}},
        "start": "hello",
        "steps": steps,
        **more,
    }


def problems(raw: dict[str, Any]) -> list[Problem]:
    return catalog().check(raw, KNOWN)[1]


def solved(raw: dict[str, Any], field: str) -> tuple[str, dict[str, Any]]:
    """The label of the fix of the problem at `field`, and the document after it, without it."""
    (problem,) = (one for one in problems(raw) if one.field == field)
    fix = fix_of(raw, problem)
    assert fix is not None
    after = apply(raw, fix.changes, catalog()).document
    assert problem.sentence not in [one.sentence for one in problems(after)]
    return fix.label, after


def test_an_exit_is_connected_to_the_end_that_is_there() -> None:
    raw = document()
    del raw["steps"]["wait"]["next"]
    label, after = solved(raw, "/steps/wait/next/after")
    assert label == "Connect to End"
    assert after["steps"]["wait"]["next"] == {"after": "end"}


def test_or_to_a_new_one_when_the_only_end_counts_a_goal() -> None:
    raw = document()
    raw["steps"]["end"]["goal"] = "greeted"
    raw["steps"]["more"] = {"type": "tag", "add": ["x"]}
    _, after = solved(raw, "/steps/more/next/done")
    assert after["steps"][after["steps"]["more"]["next"]["done"]] == {
        "type": "end",
        "at": after["steps"][after["steps"]["more"]["next"]["done"]]["at"],
    }


def test_a_line_that_cannot_be_is_taken_away() -> None:
    raw = document()
    raw["steps"]["hello"]["next"]["failed"] = "gone"
    raw["steps"]["wait"]["next"]["odd"] = "end"
    label, after = solved(raw, "/steps/hello/next/failed")
    assert label == "Take the line away"
    assert solved(after, "/steps/wait/next/odd")[1]["steps"]["wait"]["next"] == {"after": "end"}


@pytest.mark.parametrize("start", [None, "nowhere"])
def test_it_begins_with_the_step_that_nothing_leads_to(start: str | None) -> None:
    label, after = solved(document(start=start), "/start")
    assert label == "Begin with “hello”"
    assert after["start"] == "hello"


def test_two_that_could_be_first_are_for_people_to_choose() -> None:
    raw = document(start=None)
    raw["steps"]["other"] = {"type": "end"}
    (problem,) = (one for one in problems(raw) if one.field == "/start")
    assert fix_of(raw, problem) is None


def test_without_a_trigger_it_can_be_started_by_hand() -> None:
    label, after = solved(document(triggers={}), "/triggers")
    assert label == "Start it by hand or API"
    assert [one["type"] for one in after["triggers"].values()] == ["api"]


def test_a_slip_of_the_pen_in_a_value_is_put_right() -> None:
    raw = document()
    raw["steps"]["list"] = {"type": "list", "add": ["Newsleter"], "next": {"done": "end"}}
    label, after = solved(raw, "/steps/list/add/0")
    assert label == "Use “Newsletter”"
    assert after["steps"]["list"]["add"] == ["Newsletter"]


def test_and_in_the_name_of_a_setting() -> None:
    raw = document()
    raw["steps"]["wait"]["duratoin"] = "2h"
    label, after = solved(raw, "/steps/wait/duratoin")
    assert label == "Call it “duration”"
    assert after["steps"]["wait"]["duration"] == "2h"


def test_a_name_gets_a_fallback_for_those_who_have_none() -> None:
    raw = document()
    body = ["{{ contact.first_name }}", "{{ contact.email }}", "Hi {{ contact.name }}"]
    raw["steps"]["offer"] = {
        "type": "send_template",
        "template": "offer",
        "body": body,
        "next": {"sent": "end"},
    }
    label, after = solved(raw, "/steps/offer/body/0")
    assert label == "Use fallback “there”"
    assert after["steps"]["offer"]["body"][0] == '{{ contact.first_name | default: "there" }}'
    (email,) = (one for one in problems(after) if one.field == "/steps/offer/body/1")
    assert "without “email”" in email.sentence
    assert fix_of(after, email) is None
    assert not [one for one in problems(after) if one.field == "/steps/offer/body/2"]


@pytest.mark.parametrize(
    "problem",
    [
        Problem("error", "“x” is not known here.", "/steps/0/deep", "0", "Did you mean “y”?"),
        Problem("error", "Odd.", "/steps/none/next/after", "none"),
        Problem("error", "“abc” is not possible here. ", "/name", "", "Did you mean “abd”?"),
        Problem("error", "Odd.", "", ""),
        Problem("error", "Odd.", "/steps/hello/text/0/x", "hello", "Did you mean “y”?"),
    ],
)
def test_what_cannot_be_known_is_left_to_people(problem: Problem) -> None:
    assert fix_of(document(), problem) is None
    assert fix_of({"steps": [1], "name": 3}, problem) is None
