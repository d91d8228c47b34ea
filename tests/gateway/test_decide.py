"""The order in which questions are asked, and what each answer says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gateway.balance import PhoneFacts
from gateway.decide import (
    CompanyFacts,
    ContactFacts,
    Later,
    MessageFacts,
    Never,
    SendNow,
    decide,
)
from gateway.window import WEEKDAYS, is_allowed, week

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OPEN = {"last_inbound_at": NOW - HOUR, "last_phone_id": 1}
MESSAGE = MessageFacts(
    id=1, priority=2, category="marketing", source="automation", is_template=True
)
CONTACT = ContactFacts(zones=("Europe/Rome",))
COMPANY = CompanyFacts(
    hours=week({**dict.fromkeys(WEEKDAYS[:6], ("09:00", "20:00"))}),
    gap_minutes=60,
    day_ends=datetime(2026, 11, 18, 23, 0, tzinfo=UTC),
)
PHONE = PhoneFacts(id=1, added_at=NOW - DAY, day_ends=COMPANY.day_ends, name="One")
OTHER = structs.replace(PHONE, id=2, name="Two")
FREE = {"is_template": False}
PAUSED = {"template_status": "PAUSED"}


def asked(
    message: dict[str, Any] | None = None,
    contact: dict[str, Any] | None = None,
    company: dict[str, Any] | None = None,
    phones: tuple[PhoneFacts, ...] = (PHONE,),
    now: datetime = NOW,
) -> tuple[str, Any]:
    decision = decide(
        structs.replace(MESSAGE, **message or {}),
        structs.replace(CONTACT, **contact or {}),
        structs.replace(COMPANY, **company or {}),
        phones,
        now,
    )
    assert all(words.endswith(".") for words in decision.why)
    match decision:
        case SendNow(phone_id=phone_id):
            return "now", phone_id
        case Later(at=at):
            return "later", at
        case Never(state=state, reason=reason):
            return state, reason


SENT_ONCE = {"last_out_at": NOW - 10 * MINUTE}


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        ({}, ("now", 1)),
        # consent and block
        ({"contact": {"consent": "no"}}, ("suppressed", "opted_out")),
        (
            {"contact": {"consent": "no"}, "message": {"category": "utility"}},
            ("suppressed", "opted_out"),
        ),
        (
            {"contact": {"consent": "no"}, "message": {"source": "api"}},
            ("suppressed", "opted_out"),
        ),
        ({"contact": {"consent": "no"}, "message": {"source": "system"}}, ("now", 1)),
        ({"contact": {"consent": "no"}, "message": {"source": "person"}}, ("now", 1)),
        ({"contact": {"blocked": True}}, ("suppressed", "blocked")),
        (
            {"contact": {"blocked": True}, "message": {"source": "person"}},
            ("suppressed", "blocked"),
        ),
        (
            {"contact": {"deleted": True}, "message": {"source": "system"}},
            ("suppressed", "deleted"),
        ),
        ({"contact": {"reachable": False}}, ("failed", "contact")),
        # expiry
        ({"message": {"expires_at": NOW}}, ("expired", "expired")),
        ({"message": {"expires_at": NOW + MINUTE}}, ("now", 1)),
        # template
        ({"message": {"template_status": "APPROVED"}}, ("now", 1)),
        ({"message": PAUSED}, ("later", NOW + 30 * MINUTE)),
        ({"message": PAUSED | {"expires_at": NOW + MINUTE}}, ("later", NOW + MINUTE)),
        ({"message": {"template_status": "REJECTED"}}, ("failed", "template")),
        # service window
        ({"message": FREE}, ("failed", "window_closed")),
        ({"message": FREE, "contact": OPEN}, ("now", 1)),
        (
            {"message": FREE, "contact": {"last_inbound_at": NOW - DAY}},
            ("failed", "window_closed"),
        ),
        (
            {"message": FREE, "contact": {"last_inbound_at": NOW - DAY + MINUTE}},
            ("now", 1),
        ),
        (
            {"message": FREE, "contact": {"windows": {2: NOW - HOUR}}, "phones": (PHONE, OTHER)},
            ("now", 2),
        ),
        ({"message": FREE, "phones": (structs.replace(PHONE, needs_window=False),)}, ("now", 1)),
        # gap
        ({"contact": SENT_ONCE}, ("later", NOW + 50 * MINUTE)),
        ({"contact": SENT_ONCE, "company": {"gap_minutes": 0}}, ("now", 1)),
        ({"contact": SENT_ONCE, "message": {"priority": 0}}, ("now", 1)),
        ({"contact": SENT_ONCE | {"last_inbound_at": NOW - 9 * MINUTE}}, ("now", 1)),
        ({"contact": SENT_ONCE, "message": {"source": "person"}}, ("now", 1)),
        ({"contact": SENT_ONCE, "message": {"source": "system"}}, ("now", 1)),
        # sending window
        ({"now": NIGHT}, ("later", datetime(2026, 11, 19, 8, 0, tzinfo=UTC))),
        ({"now": NIGHT, "message": {"priority": 0}}, ("now", 1)),
        (
            {"now": NIGHT, "message": {"category": "utility"}},
            ("later", datetime(2026, 11, 19, 8, 0, tzinfo=UTC)),
        ),
        (
            {
                "now": NIGHT,
                "message": {"category": "utility"},
                "company": {"transactional_any_hour": True},
            },
            ("now", 1),
        ),
        (
            {"now": NIGHT, "company": {"transactional_any_hour": True}},
            ("later", datetime(2026, 11, 19, 8, 0, tzinfo=UTC)),
        ),
        ({"now": NIGHT, "message": {"expires_at": NIGHT + HOUR}}, ("later", NIGHT + HOUR)),
        ({"company": {"hours": week({})}}, ("later", NOW + DAY)),
        # company and phone days
        ({"company": {"daily_limit": 5, "sent_today": 5}}, ("later", COMPANY.day_ends)),
        ({"company": {"daily_limit": 5, "sent_today": 4}}, ("now", 1)),
        (
            {"phones": (structs.replace(PHONE, daily_limit=1, sent_today=1),)},
            ("later", COMPANY.day_ends),
        ),
        ({"phones": ()}, ("later", NOW + MINUTE)),
        # phones
        ({"phones": (PHONE, OTHER), "message": {"wants_phone": 2}}, ("now", 2)),
        ({"phones": (PHONE, OTHER), "contact": {"last_phone_id": 2}}, ("now", 2)),
    ],
)
def test_decisions(case: dict[str, Any], answer: tuple[str, Any]) -> None:
    assert asked(**case) == answer


@given(
    st.integers(0, 200 * 1440).map(lambda minute: NOW + minute * MINUTE),
    st.sampled_from(["marketing", "utility", "service"]),
    st.sampled_from([1, 2]),
    st.none() | st.integers(11, 3000),
    st.lists(
        st.sampled_from(["Europe/Rome", "America/New_York", "Australia/Lord_Howe"]),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
def test_what_automations_send_is_always_inside_the_hours(
    now: datetime, category: str, priority: int, wrote: int | None, zones: list[str]
) -> None:
    message = structs.replace(MESSAGE, category=category, priority=priority)
    inbound = None if wrote is None else now - wrote * MINUTE
    contact = structs.replace(CONTACT, zones=tuple(zones), last_inbound_at=inbound)
    decision = decide(message, contact, COMPANY, (PHONE,), now)
    if isinstance(decision, SendNow):
        assert is_allowed(now, COMPANY.hours, zones)
    else:
        assert isinstance(decision, Later)
        assert decision.at > now
