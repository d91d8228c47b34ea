"""The sentence about what somebody else had set meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.drafts import Entry
from web.builder.draft.told import overwritten

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "steps": {
        "pause": {"type": "delay", "duration": "2d"},
        "say": {"type": "send_message", "text": "2d", "name": "Reminder"},
        "odd": {"type": "from_the_future", "x": 1},
    }
}


def entry(
    after: dict[str, Any], before: dict[str, Any] | None = None, ago: timedelta = timedelta(0)
) -> Entry:
    return Entry(3, "Edit", 1, NOW - ago, 9, before or {}, after, "", "")


def told(mine: str, other: Entry, author: str = "Emanuela", user: int | None = 2) -> str:
    return overwritten([mine], [(other, author)], user, NOW, DOCUMENT)


@pytest.mark.parametrize(
    ("mine", "after", "said"),
    [
        ("/steps/pause/duration", {"/steps/pause/duration": "2d"}, "set this to 2 days"),
        ("/steps/say/text", {"/steps/say/text": "2d"}, "set this to “2d”"),
        ("/steps/say/text", {"/steps/say/text": ""}, "set this to nothing"),
        ("/steps/odd/x", {"/steps/odd/x": 1}, "set this to 1"),
        ("/steps/pause/next", {"/steps/pause/next/after": "say"}, "connected this to Reminder"),
        ("/steps/pause/next/after", {"/steps/pause/next": {"after": "say"}}, "connected this just"),
        ("/steps/pause", {"/steps/pause/duration": "2d"}, "changed this"),
        ("/steps/pause/name", {"/steps/pause": {"type": "delay"}}, "changed this"),
        ("/entry/policy", {"/entry/policy": "restart"}, "changed this"),
        ("/start", {"/start": "say"}, "changed this"),
        ("/name", {"/name": "Ciao"}, "changed this"),
    ],
)
def test_what(mine: str, after: dict[str, Any], said: str) -> None:
    assert told(mine, entry(after)).startswith(f"Emanuela {said}")


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=70), "a minute ago"),
        (timedelta(minutes=12), "12 minutes ago"),
        (timedelta(minutes=61), "an hour ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=1), "a day ago"),
        (timedelta(days=30), "30 days ago"),
    ],
)
def test_when(ago: timedelta, said: str) -> None:
    sentence = told("/steps/pause/duration", entry({"/steps/pause/duration": "2d"}, ago=ago))
    assert sentence == f"Emanuela set this to 2 days {said}."


def test_who() -> None:
    taken = entry({}, {"/steps/pause/only": {}})
    assert told("/steps/pause/only", taken, author="") == "A program removed this just now."
    assert told("/steps/pause/only", taken, user=1) == ""  # oneself, in another window


def test_what_does_not_meet() -> None:
    for mine, theirs in (
        ("/steps/pause/duration", "/steps/pause/name"),
        ("/steps/pause/duration", "/steps/say/text"),
        ("/steps/pause/duration", "/steps/pause/at"),
        ("/steps/pause/at", "/steps/pause/at"),
    ):
        assert told(mine, entry({theirs: "x"})) == ""
