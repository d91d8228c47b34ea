"""Cards as the server draws them, of right documents and of wrong ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kinds import catalog
from tests.web.conftest import cart_flow
from web.builder.cards import START_STEP, Card
from web.builder.drawing import Drawing, draw
from web.builder.pieces import Piece, in_pieces


def drawn(document: dict[str, Any]) -> Drawing:
    return draw(document, None)


def card(drawing: Drawing, step: str) -> Card:
    found = drawing.card(step)
    assert found is not None
    return found


def test_cards_come_in_the_order_of_travel_with_loose_ones_last() -> None:
    document = cart_flow()
    steps = document["steps"]
    document["steps"] = {"loose": {"type": "end"}, **dict(reversed(steps.items()))}
    drawing = drawn(document)
    assert [one.step for one in drawing.cards] == [
        *(START_STEP, "remind", "reply", "thank", "end", "loose"),
    ]
    assert drawing.title == "Automation steps, 5 steps, 1 problem"
    start = drawing.cards[0]
    assert (start.said, start.in_full) == (
        "Start",
        "Cart left behind for 30 minutes, or API or by hand",
    )
    assert start.lines[0].said == "Start, goes to Remind of the cart"


def test_names_and_exits_are_said_in_words() -> None:
    document = cart_flow()
    document["steps"]["reply"]["next"].pop("no_reply")
    document["steps"]["later"] = {"type": "end", "name": ""}
    drawing = drawn(document)
    reply = card(drawing, "reply")
    assert reply.said == "Wait for reply: Did they answer?"
    assert [one.said for one in reply.lines] == [
        "Any other reply, goes to Send message",
        "No reply, not connected",
    ]
    assert reply.lines[1].problem == "error"
    assert (reply.problem and reply.problem.sentence) == "Exit “No reply” leads nowhere."
    assert [card(drawing, one).said for one in ("end", "later")] == ["End", "End 2"]


def test_a_trigger_called_like_a_step_keeps_its_problems_to_itself() -> None:
    document = cart_flow()
    document["triggers"]["reply"] = {"type": "shop", "on": "cart.abandoned", "wait": "1s"}
    drawing = drawn(document)
    assert card(drawing, "reply").problem is None
    assert drawing.cards[0].problem_count == 1


def test_only_cards_that_look_different_are_changed() -> None:
    before = drawn(cart_flow())
    assert drawn(cart_flow()).changed_since(before) == []
    document = cart_flow()
    document["steps"]["thank"]["name"] = "Thanks"
    after = drawn(document)
    assert [one.step for one in after.changed_since(before)] == ["reply", "thank"]
    del document["steps"]["thank"]
    assert drawn(document).gone_since(before) == ["thank"]


def test_what_cannot_be_read_keeps_its_place_and_its_lines() -> None:
    document = cart_flow(start_at=[8, -16])
    document["steps"]["odd"] = {
        "type": "nope",
        "name": "Strange",
        "at": [40, 80],
        "next": {"a_b": "end", "x": 3},
    }
    document["steps"]["flat"] = "no object"
    drawing = drawn(document)
    odd, flat = card(drawing, "odd"), card(drawing, "flat")
    assert (odd.said, odd.x, odd.y) == ("This step cannot be read: Strange", 40, 80)
    assert [(one.label, one.to) for one in odd.lines] == [("A b", "end")]
    assert flat.problem is not None
    assert card(drawing, "remind").name == "Remind of the cart"
    assert (drawing.cards[0].x, drawing.cards[0].y) == (8, -16)
    assert "Cart left behind" in drawing.cards[0].in_full


def test_a_new_step_is_not_wrong_before_somebody_filled_it_in() -> None:
    document = cart_flow()
    fresh = catalog().steps["send_message"].fresh
    document["steps"]["new"] = {"type": "send_message", **fresh, "at": [0, 900]}
    new = card(drawn(document), "new")
    assert new.problem is not None
    assert new.fresh
    document["steps"]["new"]["note"] = "for Ada"
    assert not card(drawn(document), "new").fresh


def test_a_start_without_steps_is_not_wrong_yet_but_a_wrong_trigger_is() -> None:
    document = {"spec": 1, "name": "New", "triggers": {"api": {"type": "api"}}, "steps": {}}
    assert drawn(document).cards[0].fresh
    document["triggers"] = {"cart": {"type": "shop", "on": "cart.abandoned", "wait": "soon"}}
    assert not drawn(document).cards[0].fresh


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("Plain", (Piece("Plain"),)),
        (
            'Hi {{ contact.first_name | default: "you" }}!',
            (Piece("Hi "), Piece("first name", variable=True), Piece("!")),
        ),
        ("{{ cart.url", (Piece("cart url", variable=True),)),
        (
            "{{ data }}{{company.name}}",
            (Piece("data", variable=True), Piece("company name", variable=True)),
        ),
        ("{{}} and {%", (Piece("…", variable=True), Piece(" and {%"))),
        ("{{- order.id -}}", (Piece("order id", variable=True),)),
        ("{{{ data }}}", (Piece("{"), Piece("data", variable=True), Piece("}"))),
        ("{{" + " " * 20_000 + "}", (Piece("{{" + " " * 20_000 + "}"),)),  # and quickly
        ("{{ " * 7_000 + "}", (Piece("{{ " * 7_000 + "}"),)),
    ],
    ids=range(10),
)
def test_variables_are_told_apart(text: str, pieces: tuple[Piece, ...]) -> None:
    assert in_pieces(text) == pieces


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    extra=st.dictionaries(
        st.sampled_from(
            ("steps", "triggers", "start", "start_at", "entry", "exit_rules", "name", "language")
        ),
        JSON,
    ),
    step=JSON,
)
def test_any_document_is_drawn(extra: dict[str, Any], step: Any) -> None:
    document = json.loads(json.dumps({**cart_flow(), **extra}))
    if isinstance(document["steps"], dict):
        document["steps"]["any"] = step
    drawing = drawn(document)
    assert drawing.cards[0].step == START_STEP
    assert len(drawing.cards) == 1 + (
        len(document["steps"]) if isinstance(document["steps"], dict) else 0
    )
