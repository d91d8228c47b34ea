from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.duration import PATTERN, duration_words, parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [
        ("0s", 0, "no time"),
        ("1s", 1, "1 second"),
        ("30m", 1800, "30 minutes"),
        ("1h", 3600, "1 hour"),
        ("24h", 86_400, "1 day"),
        ("1d12h", 129_600, "1 day 12 hours"),
        ("23h30m", 84_600, "23 hours 30 minutes"),
        ("2d1h1m1s", 176_461, "2 days 1 hour 1 minute 1 second"),
        ("90m", 5400, "1 hour 30 minutes"),
        ("365d", 31_536_000, "365 days"),
    ],
)
def test_lengths(text: str, seconds: int, words: str) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert duration_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    "text",
    ["", "d", "1", "1 h", "h1", "1h1d", "-1h", "1.5h", "1w", "99999d", "1h\n", "١h", "1H"],
)
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 30m, 24h, 2d"):
        parse_duration(text)


@given(st.from_regex(PATTERN, fullmatch=True))
def test_whatever_the_schema_lets_through_can_be_read(text: str) -> None:
    length = parse_duration(text)
    assert length >= timedelta(0)
    assert duration_words(length)


@given(st.integers(0, 10**8))
def test_words_are_no_longer_than_needed(seconds: int) -> None:
    words = duration_words(timedelta(seconds=seconds))
    assert re.fullmatch(r"no time|\d+ \w+( \d+ \w+){0,3}", words)


@given(st.timedeltas(timedelta(0), timedelta(days=9999)))
def test_what_is_written_is_read_as_the_same_or_a_second_more(length: timedelta) -> None:
    read = parse_duration(write_duration(length))
    assert length <= read < length + timedelta(seconds=1)
