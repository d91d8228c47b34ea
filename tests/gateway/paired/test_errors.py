"""What the library's error texts mean."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.channel import SendError, remedy
from gateway.paired.errors import classify


@pytest.mark.parametrize(
    ("text", "meaning", "code"),
    [
        ("server returned error 463", "number_in_danger", 463),
        ("server returned error 429", "throttle", 429),
        ("info query returned status 429: rate-overlimit", "throttle", 429),
        ("server returned error 479", "our_request", 479),
        ("server returned error 400", "our_request", 400),
        ("server returned error 503", "temporary", 503),
        ("client is nil", "unreachable", 0),
        ("websocket not connected", "unreachable", 0),
        ("failed to get device list: websocket disconnected before info query returned response",
         "unreachable", 0),
        ("websocket disconnected before message send returned response", "uncertain", 0),
        ("timed out waiting for message send response", "uncertain", 0),
        ("context deadline exceeded", "uncertain", 0),
        ("no LID found for 391@s.whatsapp.net from server", "contact", 0),
        ("can't send message to unknown server hosted", "contact", 0),
        ("failed to upload: status code 500", "media", 500),
        ("something new", "temporary", 0),
        ("", "temporary", 0),
    ],
)  # fmt: skip
def test_texts(text: str, meaning: str, code: int) -> None:
    found = classify(text)
    assert (found.meaning, found.code) == (meaning, code)
    assert found.message


def test_a_number_that_may_not_begin_chats_keeps_those_it_has() -> None:
    locked = remedy(SendError("number_in_danger", 463))
    assert (locked.rest, locked.alert) == (None, "critical")
    assert remedy(SendError("number_in_danger", 131048)).rest is not None


def test_a_persons_number_that_was_too_fast_rests_for_minutes() -> None:
    slow = remedy(SendError("throttle", 429))
    assert slow.rest == timedelta(minutes=15)
    assert slow.retry_after(1) == 900
    assert remedy(SendError("throttle", 130429)).rest == timedelta(seconds=2)
