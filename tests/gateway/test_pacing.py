"""Gaps, days, permits, balance and breaker as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gateway.balance import Chosen, NoPhone, PhoneFacts, choose, held_back, score, seniority
from gateway.channel import REMEDIES, SendError, remedy
from gateway.pacing import Bucket, gap_ends, is_live, jittered, next_day
from gateway.quality import failure_rate, is_worrying, rest_after

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PHONE = PhoneFacts(id=1, added_at=NOW, day_ends=NOW + timedelta(hours=12), name="One")


def phone(phone_id: int, **facts: Any) -> PhoneFacts:
    return structs.replace(PHONE, id=phone_id, name=f"Phone {phone_id}", **facts)


@pytest.mark.parametrize(
    ("priority", "wrote", "live"),
    [
        (0, None, True),
        (0, NOW - 59 * MINUTE, True),
        (0, NOW - 60 * MINUTE, False),
        (2, None, False),
        (2, NOW - 9 * MINUTE, True),
        (2, NOW - 10 * MINUTE, False),
    ],
)
def test_live_chat(priority: int, wrote: datetime | None, live: bool) -> None:
    assert is_live(priority, wrote, NOW) is live


def test_gap() -> None:
    assert gap_ends(None, 60) is None
    assert gap_ends(NOW, 60) == NOW + 60 * MINUTE


@pytest.mark.parametrize(
    ("now", "zone", "then"),
    [
        ("2026-11-18 11:00", "Europe/Rome", "2026-11-18 23:00"),
        ("2026-11-18 23:30", "Europe/Rome", "2026-11-19 23:00"),
        ("2026-03-28 23:30", "Europe/Rome", "2026-03-29 22:00"),  # a day of 23 hours
        ("2026-11-18 11:00", "Asia/Kolkata", "2026-11-18 18:30"),
    ],
)
def test_next_day(now: str, zone: str, then: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert next_day(at, zone) == datetime.fromisoformat(then).replace(tzinfo=UTC)


@given(st.floats(0.1, 1000), st.integers(0, 2**62))
def test_jitter_only_lengthens(seconds: float, salt: int) -> None:
    assert seconds * 0.999 <= jittered(seconds, salt).total_seconds() <= seconds * 1.2501


@given(st.floats(1, 1000), st.lists(st.floats(0, 0.2), max_size=60))
def test_bucket_never_gives_more_than_its_rate(per_s: float, waits: list[float]) -> None:
    bucket, at, taken = Bucket.full(per_s, 0.0), 0.0, 0
    for wait in waits:
        at += wait
        bucket = bucket.at_time(at)
        if bucket.left >= 1:
            bucket, taken = bucket.less(1), taken + 1
    assert taken <= per_s * (at + 1) + 1


@pytest.mark.parametrize(
    ("days", "weight"), [(0, 1.5), (7, 1.33), (30, 0.92), (90, 0.46), (2000, 0.3)]
)
def test_seniority(days: int, weight: float) -> None:
    assert seniority(NOW - timedelta(days=days), NOW) == pytest.approx(weight, abs=0.01)


@pytest.mark.parametrize(
    ("facts", "value"),
    [
        ({}, 3.0),
        ({"sent_today": 10}, 10 * 1.5 + 30 * 0.5 / 15),
        ({"sent_today": 10, "failed_today": 5}, 15 + 30 * 5.5 / 15),
        ({"gap_until": NOW + 3 * MINUTE}, 33.0),
        ({"failures_in_row": 2}, 43.0),
    ],
)
def test_score(facts: dict[str, Any], value: float) -> None:
    assert score(phone(1, **facts), NOW) == pytest.approx(value)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": "logged_out"}, "Phone 1 is logged out"),
        ({"paused_until": NOW + MINUTE}, "Phone 1 is resting"),
        ({"breaker_until": NOW + MINUTE}, "Phone 1 is resting after failures"),
        ({"gap_until": NOW + MINUTE}, "Phone 1 keeps its own pace"),
        ({"daily_limit": 5, "sent_today": 5}, "Phone 1 has sent its 5 for today"),
        ({"daily_limit": 5, "sent_today": 4, "paused_until": NOW}, ""),
    ],
)
def test_eligibility(facts: dict[str, Any], words: str) -> None:
    held = held_back(phone(1, **facts), NOW)
    assert (held.why if held else "") == words
    if held:
        assert held.at > NOW


def test_choice() -> None:
    light, busy = phone(1, sent_today=1), phone(2, sent_today=50)
    assert choose([light, busy], (None, None), NOW) == Chosen(
        light, f"Phone 1 has the lowest load ({score(light, NOW):.1f})."
    )
    sticky = choose([light, busy], (None, 2), NOW)
    assert isinstance(sticky, Chosen)
    assert sticky.phone == busy
    away = structs.replace(busy, status="paused")
    assert choose([light, away], (2,), NOW).why == "Phone 1 is the only phone that can send now."
    # ties: unused for longest, then the older one
    used, unused = phone(1, last_sent_at=NOW), phone(2)
    chosen = choose([used, unused], (), NOW)
    assert isinstance(chosen, Chosen)
    assert chosen.phone == unused


def test_nobody_can() -> None:
    soon, later = phone(1, paused_until=NOW + MINUTE), phone(2, breaker_until=NOW + 9 * MINUTE)
    assert choose([soon, later], (), NOW) == NoPhone(
        NOW + MINUTE,
        "No phone can send now: Phone 1 is resting; Phone 2 is resting after failures.",
    )
    nobody = choose([], (), NOW)
    assert isinstance(nobody, NoPhone)
    assert nobody.at > NOW


def test_quality() -> None:
    assert failure_rate(0, 0) == pytest.approx(0.1)
    assert failure_rate(95, 0) == pytest.approx(0.005)
    assert failure_rate(0, 50) <= 1
    assert [is_worrying(19, 19), is_worrying(20, 4), is_worrying(20, 5)] == [False, False, True]
    minutes = [rest.total_seconds() / 60 if rest is not None else None for rest in
               (rest_after(n) for n in range(1, 10))]  # fmt: skip
    assert minutes == [0, 0, 15, 15, 60, 60, 60, None, None]


def test_every_meaning_has_a_remedy() -> None:
    for meaning, what in REMEDIES.items():
        assert remedy(SendError(meaning)) == what
        assert what.retry_after(1) is None or what.retry_s
    assert [REMEDIES["temporary"].retry_after(n) for n in range(1, 6)] == [5, 20, 60, 180, None]
    assert REMEDIES["throttle"].retry_after(99) == 60
    assert REMEDIES["uncertain"].retry_after(1) is None
    assert remedy(SendError("template", 132015)).stop_template
    assert not remedy(SendError("template", 132000)).stop_template
