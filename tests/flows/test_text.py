from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.text import OUTPUT_LIMIT, TEXT_LIMIT, problem_in, render
from flows.trouble import FlowError


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


VALUES: dict[str, Any] = {
    "contact": {"first_name": "Ada", "last_name": "", "fields": {"shoe": 43}, "tags": ["vip"]},
    "cart": {
        "items": [{"title": "Mug"}, {"title": "Tea"}],
        "created_at": "2026-03-02T10:15:00+00:00",
    },
    "now": "2026-03-05T08:00:00+00:00",
    "moment": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "huge": 10**4000,
    "long": ["a word"] * 50_000,
    "deep": nested(100_000),
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("no variables at all", "no variables at all"),
        ("Hi {{ contact.first_name }}!", "Hi Ada!"),
        ('{{ contact.last_name | default: "there" }}', "there"),
        ('{{ contact.nothing.at.all | default: "there" }}', "there"),
        ("{{ contact.fields.size }}|{{ contact.fields.first }}", "|"),
        ("{{ contact.fields.shoe }}", "43"),
        ("{{ contact.tags.size }}, {{ contact.tags.first }}", "1, vip"),
        ('{{ cart.items | map: "title" | join: ", " }}', "Mug, Tea"),
        ("{{ cart.items[0].title }}{{ cart.items[1].title }}", "MugTea"),
        ("{% for item in cart.items %}[{{ item.title }}]{% endfor %}", "[Mug][Tea]"),
        ("{% if contact.tags contains 'vip' %}yes{% else %}no{% endif %}", "yes"),
        ('{{ cart.created_at | date: "%d/%m %H:%M" }}', "02/03 10:15"),
        ('{{ moment | date: "%-d %B" }}', "2 January"),
        ('{{ "now" | date: "%d/%m" }}', "05/03"),  # the run's time, never the machine's
        ('{{ "soon" | date: "%d/%m" }}', "soon"),
        ("{{ contact.first_name | append: '\"' | json }}", '"Ada\\""'),
        ('{{ "a-b" | replace: "-", "+" }}', "a+b"),
        ("{{ contact.__class__ }}{{ contact.keys }}{{ cart.items.append }}", ""),
    ],
)
def test_filling_in(text: str, filled: str) -> None:
    assert render(text, VALUES) == filled
    assert problem_in(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ contact.first_name", "expected"),
        ("{% if %}x{% endif %}", "missing expression"),
        ("{% shout %}", "unexpected tag 'shout'"),
        ("{% include 'secrets' %}", "unexpected tag 'include'"),
        ("{% render 'secrets' %}", "unexpected tag 'render'"),
        ("{{ contact.first_name | defualt: 'there' }}", "Did you mean “default”?"),
        ("{{ x | zzzzzz }}", "there is no filter “zzzzzz”."),
        ("{{ x }}" + "x" * TEXT_LIMIT, "longer than 20,000"),
        ("{% if true %}" * 900 + "{% endif %}" * 900, ""),
    ],
)
def test_problems(text: str, said: str) -> None:
    assert said in str(problem_in(text))
    with pytest.raises(FlowError):
        render(text, VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..999999999) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{% tablerow i in (1..999999999) %}x{% endtablerow %}",
        '{{ (1..999999999) | join: "" }}',
        "{{ (1..999999999) | reverse | size }}",
        '{{ "aaaaaaaaaa"' + ' | replace: "a", "aaaaaaaaaa"' * 8 + " }}",
        "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 40 + "{{ a }}",
        '{{ moment | date: "%999999999Y" }}',
        "{{ huge" + " | times: huge" * 50 + " }}",
        "{{ 1 | divided_by: 0 }}",
        '{{ "1e400" | times: 2 | ceil }}',
        "{% for i in (1..2000) %}" + "x" * 100 + "{% endfor %}",
        "{% for i in (1..1000000) %}{% endfor %}",
        "{% for i in (1..100) %}" * 3 + "{% endfor %}" * 3,
        "{% for i in (1..999999999999) limit: 5 offset: 999999999990 %}{% endfor %}",
        "{% tablerow i in (1..999999999999) limit: 5 offset: 999999999990 %}{% endtablerow %}",
        "{% if (1..999999999999) contains 'x' %}{% endif %}",
        "{% capture a %}xxxxxxxxxx{% endcapture %}"
        + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 40,
        "{% assign a = 'x' | split: '' %}"
        + "{% assign a = a | concat: a %}" * 40
        + "{{ a | size }}",
        "{% for i in (1..1900) %}{{ long | sort | uniq | size }}{% endfor %}",
        "{{ long | json }}",
        "{{ deep | json }}",
        "{% if true %}" * 200 + "{% endif %}" * 200,
        "{% if " + "(" * 300 + "true" + ")" * 300 + " %}x{% endif %}",
    ],
)
def test_boundless_texts_end_with_a_reason(text: str) -> None:
    with pytest.raises(FlowError, match="cannot be filled in"):
        render(text, VALUES)


def test_what_one_text_did_is_not_held_against_the_next() -> None:
    for _ in range(100):
        assert render("{{ long | size }}", VALUES) == "50000"


FILTERS = ("date", "json", "replace", "join", "split", "times", "round", "slice", "sort", "sum",
           "truncate", "map", "where", "default", "ceil", "divided_by", "url_encode")  # fmt: skip
OPERANDS = (
    "contact",
    "cart.items",
    "contact.tags",
    "now",
    "huge",
    "nothing",
    "'a'",
    "1.5",
    "(1..3)",
)
ARGUMENTS = ("", ": 'a'", ": 'a', 'b'", ": 0", ": huge", ": cart", ": nothing", ": -99999")


@given(st.sampled_from(OPERANDS), st.lists(st.sampled_from(FILTERS), max_size=3), st.data())
def test_filters_never_raise_anything_else(
    operand: str, filters: list[str], data: st.DataObject
) -> None:
    calls = "".join(f" | {name}{data.draw(st.sampled_from(ARGUMENTS))}" for name in filters)
    text = f"{{{{ {operand}{calls} }}}}"
    with suppress(FlowError):
        assert len(render(text, VALUES)) <= OUTPUT_LIMIT


@given(st.text(alphabet="{}%| .:'\"abcfor_if_end_assign()1\n", max_size=60))
def test_any_text_is_filled_in_or_refused(text: str) -> None:
    said = problem_in(text)
    try:
        render(text, VALUES)
    except FlowError:
        return
    assert said is None
