from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.comparing import SAID, Operator
from flows.conditions import (
    All,
    Any_,
    Condition,
    Leaf,
    Not,
    holds,
    in_words,
    judge,
    look_up,
    problems_in,
)
from flows.contact import Company, Contact, FieldKind
from flows.text import render
from flows.values import NAMES, Values

VALUES: dict[str, Any] = {
    "contact": {
        "first_name": "Ada",
        "tags": ["VIP", "Città"],
        "fields": {"size": "", "points": 120},
    },
    "cart": {"total": "64.00", "items": [{"title": "Mug"}], "at": "2026-03-02T10:00:00+01:00"},
    "answers": {"yes": True, "zero": 0},
    "day": date(2026, 3, 2),
    "hour": "9:05",
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
        ("contact.first_name", "ends_with", "DA", True),
        ("contact.first_name", "is_none_of", ["Bea", "Cy"], True),
        ("contact.tags", "is_none_of", ["cold", "vip"], False),
        ("cart.total", "between", ["60", "64"], True),
        ("cart.total", "between", ["64.01", "70"], False),
        ("cart.total", "between", ["64"], False),
        ("cart.total", "between", ["x", "y"], False),
        ("cart.at", "between", ["2026-03-01", "2026-03-02"], True),
        ("cart.at", "more_than", "2026-03-01", True),
        ("cart.at", "at_least", "2026-03-02", True),
        ("hour", "before", "09:30", True),
        ("hour", "between", ["22:00", "9:05"], True),
        ("hour", "between", ["10:00", "9:00"], False),
        ("day", "is_within", "30d", False),  # nobody said what time it is: long ago
        ("day", "is_longer_ago", "30d", False),
        ("day", "is_within_next", "30000d", False),  # not a length of time
        ("day", "is_within_next", "9999d", False),
        ("day", "is_anniversary", None, False),
    ],
)
def test_leaf(value: str, op: Operator, to: Any, expected: bool) -> None:
    held, why = holds(Leaf(value, op, to), VALUES)
    assert held is expected
    assert ("holds" if expected else "does not hold") in why


def test_every_operator_is_tried() -> None:
    (table,) = [mark for mark in test_leaf.pytestmark if mark.name == "parametrize"]
    assert {row[1] for row in table.args[1]} == set(get_args(Operator)) == set(SAID)


NOW = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # in Rome it is 23:30 of the same Monday
FIELDS: dict[str, Any] = {
    "joined": "2026-02-23",
    "visit": "2026-03-04T09:00:00+00:00",
    "born": "1990-03-02",
    "leap": "2000-02-29",
    "code": "007",
    "points": 12,
    "club": True,
}
KINDS: dict[str, FieldKind] = {
    "joined": "date",
    "visit": "moment",
    "born": "date",
    "leap": "date",
    "code": "text",
    "points": "number",
    "club": "yes_no",
    "empty": "date",
}


def world(now: datetime = NOW, **more: Any) -> Values:
    company = Company(
        name="Mugs", zone="Europe/London", hours={"mon": ("09:00", "23:00")}, fields=KINDS
    )
    contact = Contact(id=1, zone="Europe/Rome", fields=FIELDS, company=company, **more)
    return Values({"cart": {"at": "2026-03-02T12:30:00Z"}}, contact, now)


@pytest.mark.parametrize(
    ("value", "op", "to", "expected"),
    [
        # lengths of time, from now; days count as days of the contact's calendar
        ("cart.at", "is_within", "10h", True),
        ("cart.at", "is_within", "9h59m", False),
        ("cart.at", "is_longer_ago", "9h59m", True),
        ("cart.at", "is_longer_ago", "10h", False),
        ("cart.at", "is_within_next", "10d", False),
        ("contact.fields.joined", "is_within", "7d", True),
        ("contact.fields.joined", "is_within", "6d", False),
        ("contact.fields.joined", "is_longer_ago", "6d", True),
        ("contact.fields.visit", "is_within_next", "2d", True),
        ("contact.fields.visit", "is_within_next", "1d", False),
        ("contact.fields.visit", "is_within", "9d", False),
        ("contact.fields.empty", "is_within", "9d", False),
        ("contact.fields.empty", "is_longer_ago", "9d", False),
        ("contact.fields.joined", "is_within", "a week", False),
        ("contact.fields.born", "is_anniversary", None, True),
        ("contact.fields.leap", "is_anniversary", None, False),
        ("contact.fields.empty", "is_anniversary", None, False),
        # the kind of a field
        ("contact.fields.code", "is", "7", False),
        ("contact.fields.code", "is", "007", True),
        ("contact.fields.points", "is", "12.0", True),
        ("contact.fields.club", "is", "true", True),
        ("contact.fields.club", "is", "sì", True),
        ("contact.fields.club", "is", "no", False),
        ("contact.fields.club", "is", "perhaps", False),
        ("contact.fields.visit", "is", "2026-03-04", True),
        ("contact.fields.visit", "is", "2026-03-04T10:00:00+01:00", True),
        ("contact.fields.visit", "is", "2026-03-04T10:00:00", True),  # on their clock
        ("contact.fields.visit", "is", "2026-03-04T09:00:00", False),
        ("contact.fields.joined", "is_one_of", ["2026-02-22", "2026-02-23"], True),
        ("contact.fields.joined", "is", "23/2/2026", True),
        ("contact.fields.empty", "is", "", True),
        ("contact.fields.empty", "is", "2026-03-02", False),
        ("contact.fields.visit", "after", "2026-03-03", True),
        ("contact.fields.visit", "after", "2026-03-04", False),  # that day, not after it
        ("contact.fields.joined", "before", "2026-02-24", True),
        # the clocks: the contact's, the company's, the service window
        ("now", "after", "2026-03-02T22:29:00Z", True),
        ("now.date", "is", "2026-03-02", True),
        ("now.time", "is", "23:30", True),
        ("now.weekday", "is_one_of", ["sat", "mon"], True),
        ("now.day", "is", 2, True),
        ("now.month", "is", 3, True),
        ("now.year", "at_least", 2026, True),
        ("now.hour", "is", 23, True),
        ("now.moon", "is_empty", None, True),
        ("company.time", "is", "22:30", True),
        ("company.date", "is", "2026-03-02", True),
        ("company.weekday", "is", "mon", True),
        ("company.name", "is", "mugs", True),
        ("company.open", "is", "yes", True),
        ("company.holiday", "is_empty", None, True),
        ("window.open", "is", "no", True),
    ],
)
def test_leaf_with_a_clock(value: str, op: Operator, to: Any, expected: bool) -> None:
    assert holds(Leaf(value, op, to), world())[0] is expected


def test_a_day_of_leap_years_comes_every_year() -> None:
    leaf = Leaf("contact.fields.leap", "is_anniversary")
    assert holds(leaf, world(datetime(2026, 2, 28, 12, tzinfo=UTC)))[0]
    assert not holds(leaf, world(datetime(2028, 2, 28, 12, tzinfo=UTC)))[0]
    assert holds(leaf, world(datetime(2028, 2, 29, 12, tzinfo=UTC)))[0]


def test_one_value_is_compared_with_another() -> None:
    leaf = Leaf("cart.total", "more_than", to_value="contact.fields.points")
    values = {"cart": {"total": "12.50"}, "contact": {"fields": {"points": 12}}}
    judged = judge(leaf, values)
    assert judged.held
    assert judged.why == (
        "“cart.total is more than fields.points” holds: it is “12.50”, compared with “12”"
    )
    assert judged.saw == {"cart.total": "12.50", "contact.fields.points": 12}


def test_what_was_looked_at_is_told_and_stays_small() -> None:
    deep: Any = "leaf"
    for _ in range(500):
        deep = [deep]
    values = {"long": "x" * 1000, "many": list(range(1000)), "deep": deep, "yes": True}
    parts: list[Condition] = [Leaf(name, "is_set") for name in values]
    judged = judge(All([*parts, Leaf("gone", "is_set"), Leaf("never")]), values)
    assert not judged.held
    assert list(judged.saw) == ["long", "many", "deep", "yes", "gone"]
    assert len(json.dumps(judged.saw)) < 1000


def test_the_company_s_calendar_is_not_asked_unless_somebody_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def open_now(*_: object) -> bool:
        asked.append("open")
        return False

    monkeypatch.setattr("flows.values.open_now", open_now)
    values = world()
    assert holds(Leaf("company.name"), values)
    assert asked == []
    assert not holds(Leaf("company.open"), values)[0]
    assert asked == ["open"]


def test_what_texts_find() -> None:
    text = (
        "{{ now }}|{{ now.date }}|{{ company.name }}|{{ company }}|{{ company.open }}"
        "|{{ now | date: '%d/%m' }}|{{ company.moon }}|{{ now | json }}"
    )
    assert render(text, world()) == (
        '2026-03-02T22:30:00+00:00|2026-03-02|Mugs|Mugs|true|02/03||"2026-03-02T22:30:00+00:00"'
    )


def test_every_name_that_can_be_looked_up_is_told() -> None:
    values = world()
    for root, names in NAMES.items():
        assert set(values[root]) == names


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
    json.dumps(judge(condition, {"a": value}).saw)
    list(problems_in(condition, ""))


@given(TREES, VALUE)
def test_the_same_with_a_clock_and_typed_fields(condition: Condition, value: Any) -> None:
    kinds = dict(zip("abc", ("date", "moment", "number"), strict=True))
    company = Company(fields=msgspec.convert(kinds, dict[str, FieldKind]))
    contact = Contact(fields={"a": value, "b": value, "c": value}, company=company)
    values = Values({"a": value}, contact, NOW)
    assert isinstance(holds(condition, values)[0], bool)
    for name in "abc":
        for op in get_args(Operator):
            assert holds(Leaf(f"contact.fields.{name}", op, to_value="a"), values)[1]


@given(TREES)
def test_conditions_survive_being_stored(condition: Condition) -> None:
    stored = msgspec.json.encode(condition)
    back: Any = msgspec.json.decode(stored, type=Condition)
    assert msgspec.json.encode(back) == stored
