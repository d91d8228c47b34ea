"""Gaps, days, permits, balance and breaker as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gateway.balance import Need, PhoneFacts, full, out, score_of, seniority
from gateway.channel import REMEDIES, SendError, remedy
from gateway.fleet import Chosen, Fleet, NoPhone
from gateway.pacing import (
    Bucket,
    daily_cap,
    gap_ends,
    is_live,
    jittered,
    next_day,
    own_gap,
    people_cap,
    warm_up,
)
from gateway.quality import Taken, failure_rate, is_worrying, judged, rest_after

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
        (1, None, False),
        (1, NOW - 9 * MINUTE, True),
        (1, NOW - 10 * MINUTE, False),
        (2, NOW - 9 * MINUTE, False),  # an offer is no answer
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
        ({"sent_today": 10, "sent_lately": 10}, 10 * 1.5 + 30 * 0.5 / 15),
        ({"sent_today": 10, "sent_lately": 10, "failed_lately": 5}, 15 + 30 * 5.5 / 15),
        ({"gap_until": NOW + 3 * MINUTE}, 33.0),
        ({"failures_in_row": 2}, 43.0),
    ],
)
def test_score(facts: dict[str, Any], value: float) -> None:
    assert score_of(phone(1, **facts), NOW).total == pytest.approx(value)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": "logged_out"}, "is logged out"),
        ({"status": "draining"}, ""),
        ({"paused_until": NOW + MINUTE}, "is resting"),
        ({"breaker_until": NOW + MINUTE}, "is resting after failures"),
        ({"gap_until": NOW + MINUTE}, "keeps its own pace"),
        ({"daily_limit": 5, "sent_today": 5}, "has sent its 5 for today"),
        ({"hourly_limit": 5, "sent_this_hour": 5}, "has sent its 5 for this hour"),
        ({"daily_limit": 5, "sent_today": 4, "paused_until": NOW}, ""),
    ],
)
def test_eligibility(facts: dict[str, Any], words: str) -> None:
    one = phone(1, **facts)
    held = out(one, NOW) or full(one, NOW)
    assert (held.why if held else "") == words
    if held:
        assert held.at > NOW


SILENT = {
    "paced": True,
    "unreceipted": 10,
    "last_sent_at": NOW - MINUTE,
    "added_at": NOW - 60 * MINUTE,
}


def test_a_phone_without_receipts_is_out_and_tries_one_message_now_and_then() -> None:
    held = out(phone(1, **SILENT), NOW)
    assert held is not None
    assert (held.at, held.why) == (NOW + 119 * MINUTE, "gets no receipts from WhatsApp")
    for heard in (
        {"unreceipted": 9},
        {"last_receipt_at": NOW - 29 * MINUTE},
        {"last_sent_at": NOW - 120 * MINUTE},
    ):
        assert out(phone(1, **SILENT | heard), NOW) is None


def chosen(*phones: PhoneFacts, **need: Any) -> int:
    choice = Fleet(phones, NOW).choose(Need(**need))
    return choice.phone.id if isinstance(choice, Chosen) else 0


def test_choice() -> None:
    light, busy = phone(1, sent_today=1), phone(2, sent_today=50)
    choice = Fleet([light, busy], NOW).choose(Need())
    assert isinstance(choice, Chosen)
    total = score_of(light, NOW).total
    assert (choice.phone, choice.why) == (light, f"Phone 1 has the lowest load ({total:.1f}).")
    assert chosen(light, busy, mine=(2,)) == 2
    away = structs.replace(busy, status="paused")
    alone = Fleet([light, away], NOW).choose(Need(mine=(2,)))
    assert alone.why == "Phone 1 is the only phone that can send now."
    # ties: unused for longest, then the older one
    assert chosen(phone(1, last_sent_at=NOW), phone(2)) == 2
    assert chosen(phone(2), phone(1)) == 1


def test_what_a_choice_was_made_of() -> None:
    fleet = Fleet([phone(1), phone(2, sent_today=9), phone(3, gap_until=NOW + MINUTE)], NOW)
    choice = fleet.choose(Need())
    assert isinstance(choice, Chosen)
    assert choice.plain() == {
        "phone": {
            "id": 1, "name": "Phone 1", "how": "lowest", "score": 3.0, "seniority": 1.5,
            "today": 0, "load": 0.0, "failure_rate": 0.1, "failures": 3.0, "cooldown": 0.0,
        },
        "others": [
            {"id": 2, "name": "Phone 2", "score": 16.5},
            {"id": 3, "name": "Phone 3", "held": "keeps its own pace",
             "until": (NOW + MINUTE).isoformat()},
        ],
        "held": 1,
    }  # fmt: skip


PACED = {"paced": True, "needs_window": False}
RESTING = {"campaigns_rest_until": NOW + MINUTE}


@pytest.mark.parametrize(
    ("facts", "need", "can"),
    [
        ({"status": "draining"}, {}, False),
        ({"status": "draining"}, {"mine": (1,)}, True),
        ({"carries": frozenset({"text"})}, {"kind": "template"}, False),
        ({"carries": frozenset({"text"})}, {"kind": "text"}, True),
        ({"account": "A"}, {"accounts": frozenset({"B"})}, False),
        ({"account": "A"}, {"accounts": frozenset({"A", "B"})}, True),
        ({}, {"accounts": frozenset({"B"})}, True),  # nobody knows its account
        ({}, {"windows": frozenset({2})}, False),
        ({}, {"windows": frozenset({1})}, True),
        (PACED, {"windows": frozenset()}, True),
        (RESTING, {"campaign": True}, False),
        (RESTING, {}, True),
        ({"no_new_until": NOW + MINUTE}, {"opens": True}, False),
        ({"no_new_until": NOW + MINUTE}, {}, True),
        (PACED | {"no_new_until": NOW + MINUTE}, {"opens": True, "mine": (1,)}, True),
        (PACED | {"no_new_until": NOW + MINUTE}, {"opens": True}, False),
        (PACED | {"no_new_until": NOW + MINUTE}, {"fresh": True}, False),
        (PACED | {"fresh_limit": 2, "fresh_today": 2}, {"fresh": True}, False),
        (PACED | {"fresh_limit": 2, "fresh_today": 1}, {"fresh": True}, True),
        ({"people_limit": 9, "people_lately": 9}, {"opens": True}, False),
        ({"people_limit": 9, "people_lately": 9}, {}, True),
        ({"daily_limit": 2, "sent_today": 2}, {}, False),
        ({"daily_limit": 2, "sent_today": 2}, {"live": True}, True),
        ({"gap_until": NOW + MINUTE}, {"live": True}, False),
    ],
)
def test_what_a_phone_can_take(facts: dict[str, Any], need: dict[str, Any], can: bool) -> None:
    assert chosen(phone(1, **facts), **need) == int(can)


def test_places_are_counted_and_come_back_with_time() -> None:
    hour_ends = NOW + 30 * MINUTE
    one = phone(1, daily_limit=3, hourly_limit=2, hour_ends=hour_ends)
    fleet = Fleet([one], NOW)
    for _ in range(2):
        fleet.take(1, Need())
    refused = fleet.choose(Need())
    assert isinstance(refused, NoPhone)
    assert (refused.at, "2 for this hour" in refused.why) == (hour_ends, True)
    fleet.move(hour_ends)
    fleet.take(1, Need(), gap=MINUTE)
    refused = fleet.choose(Need())
    assert isinstance(refused, NoPhone)  # the pace is over before the day is
    assert (refused.at, "3 for today" in refused.why) == (one.day_ends, True)
    fleet.move(one.day_ends)
    assert isinstance(fleet.choose(Need()), Chosen)
    assert (fleet.phones[1].sent_today, fleet.phones[1].sent_this_hour) == (0, 0)


def test_people_are_counted_over_all_numbers_of_an_account() -> None:
    facts = {"account": "A", "people_limit": 2, "people_ends": NOW + 5 * MINUTE}
    fleet = Fleet([phone(1, **facts), phone(2, **facts), phone(3, account="B")], NOW)
    fleet.take(1, Need(opens=True))
    fleet.take(2, Need(opens=True))
    fleet.take(3, Need(opens=True))
    choice = fleet.choose(Need(opens=True))
    assert isinstance(choice, Chosen)
    assert choice.phone.id == 3
    fleet.move(NOW + 5 * MINUTE)
    assert fleet.why_not(fleet.phones[1], Need(opens=True)) is None


def test_nobody_can() -> None:
    soon, later = phone(1, paused_until=NOW + MINUTE), phone(2, breaker_until=NOW + 9 * MINUTE)
    assert Fleet([soon, later], NOW).choose(Need()) == NoPhone(
        NOW + MINUTE,
        "No phone can send now: Phone 1 is resting; Phone 2 is resting after failures.",
    )
    nobody = Fleet([], NOW).choose(Need())
    assert isinstance(nobody, NoPhone)
    assert nobody.at > NOW


@pytest.mark.parametrize(
    ("days", "cap"),
    [(0, 20), (2.9, 20), (3, 40), (7, 60), (14, 80), (29.9, 80), (30, 150), (90, 200), (900, 200)],
)
def test_warm_up(days: float, cap: int) -> None:
    assert warm_up(timedelta(days=days)) == cap


@pytest.mark.parametrize(
    ("days", "own", "more", "cap"),
    [
        (1, None, {}, 20),
        (1, 500, {}, 20),  # a new number is not hurried, whatever is set
        (1, 10, {}, 10),
        (60, None, {}, 150),
        (60, 500, {}, 500),
        (60, 30, {}, 30),
        (60, None, {"woke": timedelta(days=2)}, 80),
        (60, 500, {"woke": timedelta(days=2)}, 80),
        (60, None, {"woke": timedelta(days=3)}, 150),
        (60, None, {"written": 50, "answered": 4}, 75),
        (60, None, {"written": 50, "answered": 5}, 150),
        (60, None, {"written": 49, "answered": 0}, 150),
        (60, 1, {"written": 50, "answered": 0}, 1),
    ],
)
def test_daily_cap(days: int, own: int | None, more: dict[str, Any], cap: int) -> None:
    facts = {"woke": None, "written": 0, "answered": 0} | more
    assert daily_cap(timedelta(days=days), own, **facts) == cap


@pytest.mark.parametrize(
    ("hours", "told", "quality", "looked", "cap"),
    [
        (2, None, "UNKNOWN", None, 250),
        (30, None, "GREEN", 2, 250),  # nobody looked since its first day was over
        (30, None, "GREEN", 25, 1000),
        (30, None, "RED", 25, 250),
        (30, 250, "GREEN", 25, 250),
        (30, -1, "GREEN", 25, 1000),
        (24 * 7, None, "UNKNOWN", None, None),
        (24 * 7, 2000, "GREEN", None, 2000),
        (24 * 7, -1, "GREEN", None, None),
    ],
)
def test_first_weeks(
    hours: int, told: int | None, quality: str, looked: int | None, cap: int | None
) -> None:
    at = None if looked is None else timedelta(hours=looked)
    assert people_cap(timedelta(hours=hours), told, quality=quality, looked_at=at) == cap


@given(st.integers(0, 60_000), st.integers(0, 60_000), st.integers(0, 2**62), st.booleans())
def test_own_pace(least: int, more: int, salt: int, live: bool) -> None:
    gap = own_gap((least, least + more), salt, live=live).total_seconds()
    assert gap >= 8
    assert gap <= (15 if live else max(8, (least + more) / 1000))


@pytest.mark.parametrize(
    ("taken", "quality"),
    [
        (Taken(), "UNKNOWN"),
        (Taken(sent=19, failed=19), "UNKNOWN"),
        (Taken(sent=100, settled=100, delivered=95, people=50, answered=20), "GREEN"),
        (Taken(sent=100, settled=100, delivered=80, people=50, answered=20), "YELLOW"),
        (Taken(sent=100, settled=100, delivered=60, people=50, answered=20), "RED"),
        (Taken(sent=100, settled=10, delivered=0, people=50, answered=20), "GREEN"),
        (Taken(sent=100, settled=100, delivered=95, people=50, answered=4), "YELLOW"),
        (Taken(sent=100, settled=100, delivered=95, people=50, answered=1), "RED"),
        (Taken(sent=100, failed=11, settled=80, delivered=80), "YELLOW"),
        (Taken(sent=100, failed=21, settled=70, delivered=70), "RED"),
    ],
)
def test_quality_of_a_paired_phone(taken: Taken, quality: str) -> None:
    found, why = judged(taken)
    assert found == quality
    assert why


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
