"""What a typed field holds, and where documents name fields."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.contact import FieldKind
from flows.fields import Unfit, fit
from flows.naming import uses_field


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("text", "  a ", "  a "),
        ("text", 12, "12"),
        ("text", True, "yes"),
        ("text", " ", None),
        ("choice", "M", "M"),
        ("number", "64.00", 64.0),
        ("number", "007", 7),
        ("number", "12,5", 12.5),
        ("number", "1,234.50", 1234.5),
        ("number", "3,50 €", 3.5),
        ("number", "1.234", 1.234),
        ("number", 7, 7),
        ("number", None, None),
        ("yes_no", "Sì", True),
        ("yes_no", "false", False),
        ("yes_no", 1, True),
        ("yes_no", False, False),
        ("date", "2026-03-31", "2026-03-31"),
        ("date", "31/3/2026", "2026-03-31"),
        ("date", "31.03.2026", "2026-03-31"),
        ("date", "2026-03-31T23:30:00Z", "2026-04-01"),
        ("date", date(2026, 3, 31), "2026-03-31"),
        ("date", datetime(2026, 3, 31, 23, 30, tzinfo=UTC), "2026-04-01"),
        ("moment", "2026-03-31T23:30:00Z", "2026-03-31T23:30:00+00:00"),
        ("moment", "2026-03-31 23:30", "2026-03-31T21:30:00+00:00"),
        ("moment", "2026-03-31", "2026-03-30T22:00:00+00:00"),
    ],
)
def test_values_that_fit(kind: FieldKind, value: Any, kept: Any) -> None:
    found = fit(kind, value, "Europe/Rome")
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("number", "lots", "“lots” is not a number"),
        ("number", True, "“yes” is not a number"),
        ("number", "NaN", "not a number"),
        ("number", 10**20, "not a number"),
        ("yes_no", "perhaps", "not yes or no"),
        ("date", "soon", "not a day"),
        ("date", "2026-02-30", "not a day"),
        ("date", "31/31/2026", "not a day"),
        ("moment", "noon", "not a day and time"),
        ("text", [1], "a list or an object"),
        ("number", {"a": 1}, "a list or an object"),
    ],
)
def test_values_that_do_not_fit(kind: FieldKind, value: Any, said: str) -> None:
    found = fit(kind, value, "Europe/Rome")
    assert isinstance(found, Unfit)
    assert said in found.why


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)


@given(st.sampled_from(get_args(FieldKind)), ANYTHING)
def test_what_is_kept_is_plain_and_fits_again(kind: FieldKind, value: Any) -> None:
    kept = fit(kind, value, "Asia/Tokyo")
    if isinstance(kept, Unfit):
        assert kept.why
    else:
        json.dumps(kept, allow_nan=kind == "text")
        assert fit(kind, kept, "Asia/Tokyo") == kept


@pytest.mark.parametrize(
    ("document", "uses"),
    [
        ({"steps": {"a": {"type": "set_field", "field": "size"}}}, True),
        ({"steps": {"a": {"type": "wait_for_reply", "save_to": "size"}}}, True),
        ({"steps": {"a": {"type": "webhook", "save_fields": {"size": "data.size"}}}}, True),
        ({"triggers": {"a": {"type": "webhook", "fields": {"size": "data.size"}}}}, True),
        ({"triggers": {"a": {"type": "field_changed", "field": "size"}}}, True),
        ({"exit_rules": [{"on": "field.changed", "name": "size"}]}, True),
        ({"entry": {"condition": {"value": "contact.fields.size"}}}, True),
        ({"steps": {"a": {"text": "Hi {{ contact.fields.size | upcase }}"}}}, True),
        ({"steps": {"a": {"text": "Hi {{ contact.fields['size'] }}"}}}, True),
        ({"steps": {"a": {"text": "Hi {{ contact.fields.size_of_shoe }} in your size"}}}, False),
        ({"steps": {"size": {"type": "tag", "add": ["size"]}}}, False),
        ("size", False),
        (None, False),
    ],
)
def test_where_documents_name_a_field(document: Any, uses: bool) -> None:
    assert uses_field(document, "size") is uses
