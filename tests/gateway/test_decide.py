"""The order in which questions are asked, and what each answer says."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from gateway.asked import CompanyFacts, ContactFacts, MessageFacts
from gateway.balance import PhoneFacts
from gateway.budget import is_budgeted
from gateway.decide import Later, Never, SendNow, decide, need_of
from gateway.fleet import Fleet
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
PENDING = {"template_status": "PENDING"}
TEMPLATE = {"kind": "template"}
OF_B = {"template_status": "APPROVED", "template_in": frozenset({"B"})}
OF_A = structs.replace(PHONE, account="A")
PAIRED = structs.replace(PHONE, id=3, paced=True, needs_window=False, carries=frozenset({"text"}))


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
        Fleet(phones, now),
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
IN_CHAT = SENT_ONCE | {"last_inbound_at": NOW - 9 * MINUTE}
HANDED_OVER = {"handed_over": True}
TWO = {"marketing": (NOW - 20 * HOUR, NOW - 22 * HOUR)}
AT_MOST_TWO = {"marketing_per_day": 2}


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
        ({"message": PENDING}, ("later", NOW + 30 * MINUTE)),
        ({"message": PENDING | {"expires_at": NOW + MINUTE}}, ("later", NOW + MINUTE)),
        ({"message": {"template_status": "PAUSED"}}, ("failed", "template")),
        ({"message": {"template_status": "REJECTED"}}, ("failed", "template")),
        ({"message": {"template_status": "DELETED"}}, ("failed", "template")),
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
        ({"contact": IN_CHAT, "message": {"priority": 1}}, ("now", 1)),
        ({"contact": IN_CHAT}, ("later", NOW + 50 * MINUTE)),  # an offer is no answer
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
        # a person has the chat
        ({"contact": HANDED_OVER}, ("suppressed", "handed_over")),
        ({"contact": HANDED_OVER, "message": {"category": "utility"}}, ("now", 1)),
        ({"contact": HANDED_OVER, "message": {"category": "authentication"}}, ("now", 1)),
        (
            {"contact": HANDED_OVER | OPEN, "message": FREE | {"category": "utility"}},
            ("suppressed", "handed_over"),
        ),
        ({"contact": HANDED_OVER, "message": {"source": "person"}}, ("now", 1)),
        ({"contact": HANDED_OVER, "message": {"source": "system"}}, ("now", 1)),
        ({"contact": HANDED_OVER, "message": {"source": "api"}}, ("now", 1)),
        ({"contact": HANDED_OVER, "message": {"run_id": 7}}, ("suppressed", "handed_over")),
        ({"contact": HANDED_OVER | {"handed_over_run": 7}, "message": {"run_id": 7}}, ("now", 1)),
        (
            {"contact": HANDED_OVER | {"handed_over_run": 7}, "message": {"run_id": 8}},
            ("suppressed", "handed_over"),
        ),
        # budget
        ({"contact": TWO, "company": {"marketing_per_day": 3}}, ("now", 1)),
        ({"contact": TWO, "company": AT_MOST_TWO}, ("later", NOW + 2 * HOUR)),
        ({"contact": TWO, "company": {"marketing_per_day": 1}}, ("later", NOW + 4 * HOUR)),
        (
            {"contact": TWO, "company": {"marketing_per_week": 2}},
            ("later", NOW + 6 * DAY + 2 * HOUR),
        ),
        (
            {"contact": TWO, "company": {"marketing_per_day": 2, "marketing_per_week": 2}},
            ("later", NOW + 6 * DAY + 2 * HOUR),
        ),
        (
            {"contact": {"marketing": (NOW - 24 * HOUR, NOW - 20 * HOUR)}, "company": AT_MOST_TWO},
            ("now", 1),
        ),
        (
            {"contact": {"marketing": (NOW - 14 * HOUR,)}, "company": {"marketing_per_day": 1}},
            ("later", datetime(2026, 11, 19, 8, 0, tzinfo=UTC)),  # free at 22:00, open at 9:00
        ),
        (
            {"contact": TWO, "company": AT_MOST_TWO, "message": {"over_budget": "drop"}},
            ("suppressed", "over_budget"),
        ),
        (
            {"contact": TWO, "company": AT_MOST_TWO, "message": {"expires_at": NOW + HOUR}},
            ("later", NOW + HOUR),
        ),
        (
            {"contact": TWO, "company": AT_MOST_TWO, "message": {"expires_at": NOW + 3 * HOUR}},
            ("later", NOW + 2 * HOUR),
        ),
        ({"contact": TWO, "company": AT_MOST_TWO, "message": {"priority": 0}}, ("now", 1)),
        ({"contact": TWO, "company": AT_MOST_TWO, "message": {"category": "utility"}}, ("now", 1)),
        ({"contact": TWO, "company": AT_MOST_TWO, "message": {"category": "service"}}, ("now", 1)),
        ({"contact": TWO, "company": AT_MOST_TWO, "message": {"source": "person"}}, ("now", 1)),
        (
            {"contact": TWO, "company": AT_MOST_TWO, "message": {"source": "api"}},
            ("later", NOW + 2 * HOUR),
        ),
        # company and phone days
        ({"company": {"daily_limit": 5, "sent_today": 5}}, ("later", COMPANY.day_ends)),
        ({"company": {"daily_limit": 5, "sent_today": 4}}, ("now", 1)),
        (
            {"phones": (structs.replace(PHONE, daily_limit=1, sent_today=1),)},
            ("later", COMPANY.day_ends),
        ),
        ({"phones": ()}, ("later", NOW + MINUTE)),
        # what no phone can ever send
        ({"message": TEMPLATE, "phones": (PAIRED,)}, ("failed", "template")),
        ({"message": TEMPLATE, "phones": (PAIRED, PHONE)}, ("now", 1)),
        ({"message": TEMPLATE | OF_B, "phones": (OF_A,)}, ("failed", "template")),
        ({"message": TEMPLATE | OF_B, "phones": (OF_A, OTHER)}, ("now", 2)),
        # phones
        ({"phones": (PHONE, OTHER), "message": {"wants_phone": 2}}, ("now", 2)),
        ({"phones": (PHONE, OTHER), "contact": {"last_phone_id": 2}}, ("now", 2)),
    ],
)
def test_decisions(case: dict[str, Any], answer: tuple[str, Any]) -> None:
    assert asked(**case) == answer


@pytest.mark.parametrize(
    ("wrote", "left", "opens"),
    [
        (None, None, True),
        (None, 23, False),
        (None, 25, True),
        (23, None, False),
        (25, 23, True),  # that was an answer, which WhatsApp does not count
        (48, 23, False),
        (48, 25, True),
        (30, 40, True),
    ],
)
def test_whom_whatsapp_counts_as_turned_to(
    wrote: int | None, left: int | None, *, opens: bool
) -> None:
    """Hours since they wrote to us, and since we last wrote to them."""
    inbound, out = (None if one is None else NOW - one * HOUR for one in (wrote, left))
    contact = structs.replace(CONTACT, last_inbound_at=inbound, last_left_at=out)
    assert need_of(MESSAGE, contact, NOW, live=False).opens is opens


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
    decision = decide(message, contact, COMPANY, Fleet((PHONE,), now), now)
    if isinstance(decision, SendNow):
        assert is_allowed(now, COMPANY.hours, zones)
    else:
        assert isinstance(decision, Later)
        assert decision.at > now


def test_a_message_over_the_budget_says_when_it_tries_again() -> None:
    def why(**message: Any) -> str:
        decision = decide(
            structs.replace(MESSAGE, **message),
            structs.replace(CONTACT, **TWO),
            structs.replace(COMPANY, **AT_MOST_TWO),
            Fleet((PHONE,), NOW),
            NOW,
        )
        return decision.why[0]

    said = "The contact had 2 marketing messages in the last 24 hours, at most 2"
    assert why() == f"{said}; tries again Wed 18 Nov 14:00 (Europe/Rome)."
    assert why(over_budget="drop") == f"{said}; its automation drops what is over."
    gone = why(expires_at=NOW + HOUR)
    assert gone == f"{said}, and there is no room for it before it expires."


CLAIMS = 1_000
ALWAYS_OPEN = week(dict.fromkeys(WEEKDAYS, ("00:00", "24:00")))


@given(
    st.integers(0, 2**32),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 9),
    st.integers(1, 600),
    st.booleans(),
)
@settings(max_examples=25)
def test_no_sequence_of_claims_goes_over_the_budget(
    seed: int, per_day: int | None, per_week: int | None, pace: int, always_open: bool
) -> None:
    company = structs.replace(
        COMPANY,
        gap_minutes=0,
        hours=ALWAYS_OPEN if always_open else COMPANY.hours,
        marketing_per_day=per_day,
        marketing_per_week=per_week,
    )
    chance = random.Random(seed)
    now, left, free = NOW, list[datetime](), 0
    for _ in range(CLAIMS):
        now += chance.randint(0, pace) * MINUTE + timedelta(seconds=chance.randint(0, 59))
        message = structs.replace(
            MESSAGE,
            category=chance.choice(["marketing", "marketing", "utility", "service"]),
            source=chance.choice(["automation", "automation", "api", "person"]),
            priority=chance.choice([0, 1, 2, 2]),
            over_budget=chance.choice(["defer", "drop"]),
        )
        contact = structs.replace(CONTACT, marketing=tuple(left))
        decision = decide(message, contact, company, Fleet((PHONE,), now), now)
        counted = is_budgeted(message.category, message.source, message.priority)
        if isinstance(decision, SendNow) and counted:
            left.append(now)
        elif isinstance(decision, Later) and counted and chance.random() < 0.5:
            # The moment is exact: whoever comes then finds room, and nobody before.
            early = decision.at - timedelta(seconds=1)
            before = decide(message, contact, company, Fleet((PHONE,), early), early)
            assert not isinstance(before, SendNow)
            now = decision.at
            again = decide(message, contact, company, Fleet((PHONE,), now), now)
            assert isinstance(again, SendNow) or not always_open
            left += [now] if isinstance(again, SendNow) else []
        free += not counted
        for limit, span in ((per_day, DAY), (per_week, 7 * DAY)):
            assert limit is None or sum(at > now - span for at in left) <= limit
    assert free
    if per_day is None and per_week is None and always_open:
        assert len(left) > CLAIMS / 4
