"""Texts filled in without Liquid read exactly as Liquid writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid.exceptions import LiquidError

from flows.contact import Company, Contact
from flows.quick import fill
from flows.text import _compiled
from flows.values import Values

VALUES: dict[str, Any] = {
    "name": "Ada",
    "none": None,
    "nothing": "",
    "number": 5,
    "yes": True,
    "list": ["a"],
    "cart": {"total": "49.90", "empty": "x", "first": "y", "url": {"path": "/c?a=1&b=<2>"}},
}
PATHS = [
    *("name", "none", "nothing", "number", "yes", "list", "cart", "missing", "nil", "empty"),
    *("cart.total", "cart.empty", "cart.first", "cart.size", "cart.url.path", "cart.missing.x"),
    *("name.size", "name.first", "none.x", "number.x", "list.first", "missing.x.y", "true"),
]
SIGNS = [
    "",
    " ",
    "Hi ",
    "{",
    "}",
    "}}",
    "{{",
    "{ {",
    "%}",
    "{%",
    "|",
    "\n",
    "é “q” ",
    "{{ }}",
    "{#",
]
OUTPUTS = [
    "{{{{ {} }}}}",
    "{{{{{}}}}}",
    '{{{{ {} | default: "there" }}}}',
    "{{{{{}|default:'a b'}}}}",
    "{{{{ {} | default: name }}}}",
    "{{{{ {} | upcase }}}}",
    "{{{{- {} -}}}}",
    "{{{{\n{}\n}}}}",
    '{{{{ {} | default: "}}}}" }}}}',
    r'{{{{ {} | default: "a\n" }}}}',
]


def by_liquid(text: str, values: Mapping[str, Any]) -> str | None:
    try:
        return _compiled(text).render(values)
    except LiquidError:
        return None


@given(
    st.lists(
        st.one_of(
            st.sampled_from(SIGNS),
            st.builds(str.format, st.sampled_from(OUTPUTS), st.sampled_from(PATHS)),
        ),
        max_size=6,
    )
)
def test_it_says_what_liquid_says(parts: list[str]) -> None:
    text = "".join(parts)
    quick = fill(text, VALUES)
    assert quick is None or quick == by_liquid(text, VALUES)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('Hi {{ contact.first_name | default: "there" }}, look: {{ cart.url }}', "Hi Ada, look: u"),
        ("{{contact.last_name|default:'friend'}}!", "friend!"),
        ("{{ company.name }} {{ contact.fields.size }}.", "Mugs ."),
        ("plain", "plain"),
        ("{{ cart.count }}", None),
        ("{{ now }}", None),
        ("{{ cart.url | upcase }}", None),
        ("{% if cart %}x{% endif %}", None),
        ("x" * 10_001, None),
    ],
)
def test_most_texts_need_no_liquid(text: str, filled: str | None) -> None:
    contact = Contact(first_name="Ada", company=Company(name="Mugs"))
    values = Values({"cart": {"url": "u", "count": 2}}, contact, datetime(2026, 3, 2, tzinfo=UTC))
    assert fill(text, values) == filled
    if filled is not None:
        assert by_liquid(text, values) == filled


def test_what_comes_out_too_long_is_left_to_liquid() -> None:
    assert fill("{{ a }}", {"a": "x" * 10_001}) is None
