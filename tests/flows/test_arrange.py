from __future__ import annotations

import random
import time
from itertools import pairwise
from typing import Any

import pytest

from engine.kinds import catalog
from flows.arrange import (
    CARD_WIDTH,
    COLUMN,
    COUNTER_ROW,
    EXIT_ROW,
    FOOT,
    HEADER,
    MESSAGE_SUMMARY,
    PROBLEM_ROW,
    SNAP,
    START,
    SUMMARY,
    arrange,
    card_height,
    shown_exits,
)
from flows.document import AnyFlow
from flows.library import document, names

ALL_SENT = ("sent", "failed", "suppressed", "expired")


def flow_of(steps: dict[str, dict[str, Any]], start: str = "a") -> AnyFlow:
    return catalog().decode({"spec": 1, "name": "x", "start": start, "steps": steps})


def delay(to: str | None = None) -> dict[str, Any]:
    return {"type": "delay", "next": {"after": to} if to else {}}


def fork(yes: str, no: str) -> dict[str, Any]:
    return {"type": "if_else", "next": {"yes": yes, "no": no}}


def overlaps(flow: AnyFlow) -> list[tuple[str, str]]:
    """Pairs of cards that touch, at their tallest."""
    boxes = [
        (left, top, top + card_height(flow.steps[step_id], problem=True, counters=True), step_id)
        for step_id, (left, top) in arrange(flow).items()
    ]
    boxes.sort()
    return [
        (one[3], two[3]) for one, two in pairwise(boxes) if one[0] == two[0] and one[2] > two[1]
    ]


def any_flow(count: int, seed: int) -> AnyFlow:
    """A tangle of `count` steps: branches, joins, loops and loose ends."""
    chance = random.Random(seed)
    ids = [f"s{number}" for number in range(count)]
    steps: dict[str, dict[str, Any]] = {}
    for number, step_id in enumerate(ids):
        near = ids[max(0, number - 3) : number + 12]
        exits = [f"a{place}" for place in range(chance.randint(0, 4))]
        leads = {
            name: chance.choice(near)
            for name in (*exits, "other", "no_reply")
            if chance.random() < 0.8
        }
        answers = [{"exit": name, "match": "any_media"} for name in exits]
        steps[step_id] = {"type": "wait_for_reply", "answers": answers, "next": leads}
    return flow_of(steps, "s0")


def test_heights_are_the_sum_of_the_rows() -> None:
    flow = flow_of({
        "a": {"type": "delay"},
        "b": {"type": "send_message", "next": {"sent": "a"}},
        "c": {"type": "send_message", "next": dict.fromkeys(ALL_SENT, "a")},
        "d": {"type": "end"},
    })  # fmt: skip
    steps = flow.steps
    assert card_height(steps["a"]) == HEADER + SUMMARY + EXIT_ROW + FOOT
    assert card_height(steps["b"]) == HEADER + MESSAGE_SUMMARY + 2 * EXIT_ROW + FOOT
    assert card_height(steps["c"]) == HEADER + MESSAGE_SUMMARY + 4 * EXIT_ROW + FOOT
    assert card_height(steps["d"]) == HEADER + SUMMARY + FOOT
    tall = card_height(steps["a"], problem=True, counters=True)
    assert tall == card_height(steps["a"]) + PROBLEM_ROW + COUNTER_ROW


def test_optional_exits_fold_until_they_lead_somewhere() -> None:
    flow = flow_of({"a": {"type": "send_message", "next": {"failed": "b"}}, "b": {"type": "end"}})
    rows, folded = shown_exits(flow.steps["a"])
    assert [one.name for one in rows] == ["sent", "failed"]
    assert [one.name for one in folded] == ["suppressed", "expired"]


def test_a_chain_is_a_straight_line() -> None:
    places = arrange(flow_of({"a": delay("b"), "b": delay("c"), "c": delay()}))
    assert places == {
        step_id: (START[0] + n * COLUMN, START[1]) for n, step_id in enumerate("abc", 1)
    }
    assert COLUMN > CARD_WIDTH


def test_the_first_exit_goes_straight_on_and_the_others_below_in_order() -> None:
    question = {
        "type": "wait_for_reply",
        "answers": [{"exit": "x", "match": "any_media"}, {"exit": "y", "match": "any_media"}],
        "next": {
            "no_reply": "d",
            "y": "c",
            "x": "b",
        },  # the order of the exits counts, not this one
    }
    places = arrange(flow_of({"a": question, "d": delay(), "c": delay(), "b": delay()}))
    assert places["b"][1] == places["a"][1] < places["c"][1] < places["d"][1]
    assert places["b"][0] == places["c"][0] == places["d"][0]


def test_a_step_stands_behind_the_longest_way_to_it() -> None:
    places = arrange(flow_of({"a": fork("d", "b"), "b": delay("c"), "c": delay("d"), "d": delay()}))
    assert [places[step_id][0] // COLUMN for step_id in "abcd"] == [1, 2, 3, 4]


def test_branches_do_not_cross() -> None:
    steps = {"a": fork("b", "e"), "b": fork("c", "d"), "e": fork("f", "g")}
    places = arrange(flow_of({**steps, **{leaf: delay() for leaf in "cdfg"}}))
    assert [places[leaf][1] for leaf in "cdfg"] == sorted(places[leaf][1] for leaf in "cdfg")
    assert places["f"][1] == places["e"][1]


def test_loops_and_selves_and_missing_targets() -> None:
    steps = {"a": delay("b"), "b": fork("a", "c"), "c": fork("c", "nowhere")}
    places = arrange(flow_of(steps))
    assert [places[step_id][0] // COLUMN for step_id in "abc"] == [1, 2, 3]


def test_what_nothing_leads_to_stands_below_and_moves_nothing() -> None:
    main = {"a": delay("b"), "b": delay()}
    loose = {"x": delay("y"), "y": delay("z"), "z": delay("b"), "p": delay("q"), "q": delay("p")}
    places = arrange(flow_of({**loose, **main}))
    assert {step_id: places[step_id] for step_id in main} == arrange(flow_of(main))
    assert places["b"][1] < places["x"][1] < places["p"][1]
    assert places["x"][1] == places["y"][1] == places["z"][1]


@pytest.mark.parametrize("start", [None, "gone"])
def test_a_flow_without_a_beginning(start: str | None) -> None:
    flow = catalog().decode(
        {"spec": 1, "name": "x", "start": start, "steps": {"a": delay("b"), "b": delay()}}
    )
    assert set(arrange(flow)) == {"a", "b"}
    assert arrange(catalog().decode({"spec": 1, "name": "x"})) == {}


@pytest.mark.parametrize("seed", range(20))
def test_no_two_cards_touch_and_the_same_flow_gets_the_same_places(seed: int) -> None:
    flow = any_flow(60, seed)
    places = arrange(flow)
    assert overlaps(flow) == []
    assert places == arrange(any_flow(60, seed))
    assert set(places) == set(flow.steps)
    assert all(x % SNAP == y % SNAP == 0 for x, y in places.values())


@pytest.mark.parametrize("name", names())
def test_no_two_cards_of_the_ready_made_flows_touch(name: str) -> None:
    assert overlaps(catalog().read(document(name))) == []


@pytest.mark.parametrize("shape", ["chain", "tangle", "tree", "loose"])
def test_a_thousand_steps_are_quick(shape: str) -> None:
    ids = [f"s{number}" for number in range(1000)]
    flow = {
        "chain": lambda: flow_of(
            {one: delay(two) for one, two in zip(ids, [*ids[1:], "s0"], strict=True)}, "s0"
        ),
        "tangle": lambda: any_flow(1000, 1),
        "tree": lambda: flow_of(
            {one: fork(f"s{2 * n + 1}", f"s{2 * n + 2}") for n, one in enumerate(ids)}, "s0"
        ),
        "loose": lambda: flow_of({one: delay() for one in ids}, "s0"),
    }[shape]()
    best = min(_spent(flow) for _ in range(3))  # a busy machine is not a slow layout
    assert best < 0.2
    assert overlaps(flow) == []


def _spent(flow: AnyFlow) -> float:
    before = time.process_time()
    arrange(flow)
    return time.process_time() - before
