from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.conditions import All, Any_, Condition, Leaf, Not, Operator, holds, in_words, look_up

VALUES: dict[str, Any] = {
    "contact": {
        "first_name": "Ada",
        "tags": ["VIP", "Città"],
        "fields": {"size": "", "points": 120},
    },
    "cart": {"total": "64.00", "items": [{"title": "Mug"}], "at": "2026-03-02T10:00:00+01:00"},
    "answers": {"yes": True, "zero": 0},
    "day": date(2026, 3, 2),
}


@pytest.mark.parametrize(
    ("value", "op", "to", "expected"),
    [
        ("contact.first_name", "is", "ADA", True),
        ("contact.first_name", "is", "Bea", False),
        ("contact.first_name", "is_not", "Bea", True),
        ("contact.nothing", "is", "", True),
        ("contact.nothing", "is", None, True),
        ("contact.nothing", "is_not", "x", True),
        ("contact.tags", "is", "vip", True),
        ("contact.tags", "contains", "vip", True),
        ("contact.tags", "contains", "citta", True),
        ("contact.tags", "contains", "vi", False),
        ("contact.tags", "contains_not", "cold", True),
        ("contact.tags", "is_one_of", ["cold", "vip"], True),
        ("contact.first_name", "contains", "d", True),
        ("contact.first_name", "contains_not", "z", True),
        ("contact.first_name", "starts_with", "ad", True),
        ("contact.first_name", "matches", "^a.a$", True),
        ("contact.first_name", "matches", "(", False),
        ("contact.first_name", "is_one_of", ["Bea", "Ada"], True),
        ("contact.first_name", "is_one_of", "Ada", True),
        ("cart.total", "is", 64, True),
        ("cart.total", "is", "64", True),
        ("cart.total", "more_than", "63.99", True),
        ("cart.total", "more_than", 64, False),
        ("cart.total", "at_least", 64, True),
        ("cart.total", "less_than", 64, False),
        ("cart.total", "less_than", "64.01", True),
        ("cart.total", "at_most", 64.0, True),
        ("cart.total", "more_than", "lots", False),
        ("cart.nothing", "less_than", 1, False),
        ("contact.fields.points", "more_than", 99.5, True),
        ("answers.zero", "is", 0, True),
        ("answers.zero", "is_set", None, True),
        ("answers.yes", "is", "yes", True),
        ("answers.yes", "is", True, True),
        ("contact.fields.size", "is_empty", None, True),
        ("contact.fields.size", "is_set", None, False),
        ("contact.fields", "is_set", None, True),
        ("cart.items.0.title", "is", "mug", True),
        ("cart.items.7.title", "is_empty", None, True),
        ("cart.at", "before", "2026-03-02T09:00:01+00:00", True),
        ("cart.at", "after", "2026-03-02T09:00:00+00:00", False),
        ("cart.at", "before", "2026-03-02T09:00:00+00:00", False),
        ("cart.at", "after", "2026-03-01", True),
        ("cart.at", "before", "soon", False),
        ("day", "before", "2026-03-03", True),
        ("day", "after", "2026-03-03", False),
    ],
)
def test_leaf(value: str, op: Operator, to: Any, expected: bool) -> None:
    held, why = holds(Leaf(value, op, to), VALUES)
    assert held is expected
    assert ("holds" if expected else "does not hold") in why


def test_every_operator_is_tried() -> None:
    (table,) = [mark for mark in test_leaf.pytestmark if mark.name == "parametrize"]
    assert {row[1] for row in table.args[1]} == set(get_args(Operator))


YES, NO = Leaf("answers.yes", "is", to=True), Leaf("answers.yes", "is", to=False)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (All(), True),
        (Any_(), False),
        (All([YES, YES]), True),
        (All([YES, NO]), False),
        (Any_([NO, YES]), True),
        (Any_([NO, NO]), False),
        (Not(NO), True),
        (Not(All([YES, Not(NO)])), False),
    ],
)
def test_trees(condition: Condition, expected: bool) -> None:
    held, why = holds(condition, VALUES)
    assert held is expected
    assert why


def test_nesting_has_an_end() -> None:
    condition: Condition = YES
    for _ in range(20):
        condition = All([condition])
    assert holds(condition, VALUES) == (False, "conditions are nested more than 8 deep")


def test_in_words() -> None:
    condition = All([
        Leaf("contact.tags", "contains", "vip"),
        Any_([Leaf("cart.total", "more_than", "50"), Not(Leaf("cart.coupon", "is_set"))]),
    ])  # fmt: skip
    assert in_words(condition) == (
        "tags contains “vip” and (cart.total is more than “50” or not (cart.coupon is set))"
    )


def test_long_values_are_not_repeated_in_full() -> None:
    _, why = holds(Leaf("x", "is", "y"), {"x": "long " * 100})
    assert len(why) < 200


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("cart.items.0.title", "Mug"),
        ("cart.items.-1.title", None),
        ("cart.items.x", None),
        ("cart.items.²", None),
        ("contact.first_name.upper", None),
        ("", None),
        ("...", None),
    ],
)
def test_look_up(path: str, found: object) -> None:
    assert look_up(VALUES, path) == found


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(
        ["2026-03-02", "2026-03-02T10:00:00", "2026-03-02T10:00:00Z", "1e999999999", "NaN"]
    )
    | st.just(datetime(2026, 3, 2, tzinfo=UTC))
    | st.just(Decimal("1.5"))
)
VALUE = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
LEAVES = st.builds(
    Leaf,
    st.sampled_from(["a", "a.b", "a.0", "a.b.c", "nothing"]),
    st.sampled_from(get_args(Operator)),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
    | st.lists(st.text(max_size=4), max_size=3)
    | st.sampled_from(["2026-03-02", "2026-03-02T10:00Z"]),
)  # fmt: skip
TREES: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3))
        | st.builds(Any_, st.lists(inner, max_size=3))
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)


@given(TREES, VALUE)
def test_any_condition_on_any_value_has_an_answer_and_a_reason(
    condition: Condition, value: Any
) -> None:
    held, why = holds(condition, {"a": value})
    assert isinstance(held, bool)
    assert why
    assert in_words(condition)
    opposite, _ = holds(Not(condition), {"a": value})
    assert opposite is not held or "deep" in why


@given(TREES)
def test_conditions_survive_being_stored(condition: Condition) -> None:
    stored = msgspec.json.encode(condition)
    back: Any = msgspec.json.decode(stored, type=Condition)
    assert msgspec.json.encode(back) == stored
