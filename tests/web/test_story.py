"""The story of a message: what it says of each state, and that no part of it is compulsory."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from gateway.channel import REMEDIES
from gateway.channels.cloud_api.answers import MEANINGS
from store.messages import Shown
from tests.web.conftest import NOW
from web.messages import errors
from web.messages.story import Line, explain
from web.messages.terms import Compared, Rule, Term

TERMS: dict[str, Any] = {
    "rules": [
        {"rule": "consent", "answer": "ok", "words": ""},
        {"rule": "gap", "answer": "exempt", "words": "It answers a live chat."},
        {"rule": "phones", "answer": "ok", "words": "Shop has the lowest load (10.1)."},
    ],
    "phone": {
        "id": 1,
        "name": "Shop",
        "how": "lowest",
        "score": 10.1,
        "seniority": 0.46,
        "today": 20,
        "load": 9.2,
        "failure_rate": 0.03,
        "failures": 0.9,
        "cooldown": 0.0,
    },
    "others": [
        {"id": 2, "name": "Outlet", "score": 31.5},
        {"id": 3, "name": "Old", "held": "has sent its 60 for today", "until": NOW.isoformat()},
    ],
    "held": 4,
}


def message(**told: Any) -> Shown:
    plain: dict[str, Any] = dict.fromkeys(Shown.__struct_fields__)
    plain |= {"id": 7, "contact_id": 3, "direction": "out", "state": "queued", "kind": "text"}
    plain |= {"content": {"type": "text", "body": "Hi"}, "preview": "Hi", "category": "service"}
    plain |= {"source": "automation", "priority": 1, "attempts": 0, "held": False, "why": []}
    return structs.replace(Shown(**(plain | {"created_at": NOW, "due_at": NOW})), **told)


def test_a_message_that_waits_says_until_when_and_why() -> None:
    later = NOW + timedelta(hours=9)
    why = ["It is outside the sending hours for this contact (Europe/Rome)."]
    story = explain(message(due_at=later, why=why))
    assert story.timeline == (
        Line(NOW, "queued", "An automation asked for it."),
        Line(later, "waits", f"It waits until then. {why[0]}"),
    )
    assert story.when == story.why == tuple(why)
    assert story.phone == ""


def test_what_keeps_it_just_now_is_told_as_the_gateway_sees_it() -> None:
    later = NOW + timedelta(minutes=9)
    story = explain(message(why=["The gap is one hour."]), later, ["Shop is resting."])
    assert story.timeline[-1] == Line(later, "waits", "It waits until then. Shop is resting.")
    assert story.when == story.why == ("The gap is one hour.", "Shop is resting.")
    turn = explain(message(), None, ["3 before it in line."])
    assert turn.timeline[-1] == Line(None, "waits", "3 before it in line.")


def test_a_held_one_and_one_whose_turn_it_is() -> None:
    assert explain(message(held=True)).timeline[-1].did == "held"
    assert explain(message()).timeline[-1].words.startswith("It is its turn")


def test_a_message_that_was_read_has_all_its_moments_in_order() -> None:
    at = [NOW + timedelta(hours=hours) for hours in range(1, 6)]
    told = message(
        state="read",
        due_at=at[0],
        claimed_at=at[1],
        sent_at=at[2],
        delivered_at=at[3],
        read_at=at[4],
        attempts=2,
        why=["The gap is one hour.", "Attempt 1: WhatsApp was busy", TERMS["rules"][2]["words"]],
        terms=TERMS,
    )
    story = explain(told)
    assert [line.did for line in story.timeline] == [
        *("queued", "waits", "claimed", "sent", "delivered", "read")
    ]
    assert story.timeline[1].words == "Until then it waited. The gap is one hour."
    assert story.timeline[2].words == "Handed to WhatsApp for the second time."
    assert story.attempts == ("Attempt 1: WhatsApp was busy",)
    assert story.when == ("The gap is one hour.",)


def test_receipts_in_whole_seconds_do_not_overtake_what_was_before() -> None:
    early = NOW - timedelta(milliseconds=400)
    told = message(state="delivered", claimed_at=NOW, sent_at=NOW, delivered_at=early)
    story = explain(told)
    assert [line.did for line in story.timeline] == ["queued", "claimed", "sent", "delivered"]


def test_why_it_was_given_up_is_told_once() -> None:
    words = "The contact did not write in the last 24 hours, so only a template may be sent."
    told = message(state="failed", failed_at=NOW, error=words, error_class="window_closed")
    story = explain(structs.replace(told, why=["The gap is one hour.", words]))
    assert story.when == ("The gap is one hour.",)
    assert story.why[-1] == words
    assert story.cost == "Nothing."


def test_the_terms_of_the_choice_are_told_in_numbers() -> None:
    story = explain(message(state="sent", claimed_at=NOW, terms=TERMS))
    assert story.phone == "Shop has the lowest load (10.1)."
    assert story.rules[1] == Rule(
        "Gap to the last message", "does not apply", "It answers a live chat."
    )
    assert story.score[0] == Term("Sent today × seniority", "20 × 0.46", 9.2)
    assert story.score[-1] == Term("Score", "the sum", 10.1)
    assert story.others == (
        Compared(2, "Outlet", 31.5, "", None),
        Compared(3, "Old", None, "has sent its 60 for today", NOW),
    )
    assert story.held == 4
    sticky = TERMS | {"rules": [], "phone": {"name": "Shop", "how": "sticky"}}
    told = explain(message(state="sent", claimed_at=NOW, terms=sticky))
    assert told.phone == "Shop already talks with this contact, so it stays with it."


@pytest.mark.parametrize(
    "terms",
    [None, [], "x", {"rules": 1, "phone": [], "others": {}, "held": "x"}, {"others": [{}, 1]}],
)
def test_terms_of_any_shape_are_no_fault(terms: Any) -> None:
    story = explain(message(state="sent", claimed_at=NOW, terms=terms, why=[None, {"why": "So."}]))
    assert story.why == ("So.",)
    assert story.phone == "So."


@pytest.mark.parametrize(
    ("billed", "said"),
    [
        (None, ""),
        ({"category": "marketing", "model": "PMP"}, "Paid as one marketing message."),
        ({"category": "utility"}, "Paid as one utility message."),
        ({"category": "marketing", "model": "CBP"}, "Part of a 24-hour marketing conversation."),
        ({"category": "service", "billable": False}, "Free, as a service message."),
        ({"category": "service", "type": "free_entry_point"}, "by an advertisement"),
    ],
)
def test_what_it_cost(billed: Any, said: str) -> None:
    assert said in explain(message(state="sent", billed=billed)).cost


def test_a_price_is_told_with_what_it_is_paid_for() -> None:
    told = message(state="read", billed={"category": "marketing", "model": "PMP"})
    assert explain(told, price="0.06 EUR").cost == (
        "Paid as one marketing message: 0.06 EUR by the price file."
    )


@pytest.mark.parametrize("state", ["failed", "suppressed", "expired", "cancelled"])
def test_what_did_not_go_says_when_and_why_not(state: str) -> None:
    told = message(state=state, failed_at=NOW, error="Because.", error_class="contact")
    story = explain(told)
    assert story.timeline[-1].did == state
    assert (story.error is None) == (state == "cancelled")


def test_nobody_knows_is_said() -> None:
    story = explain(message(state="unconfirmed", claimed_at=NOW, attempts=1))
    assert story.timeline[-1].at is None


def test_what_came_in_has_a_short_story() -> None:
    assert [line.did for line in explain(message(direction="in")).timeline] == ["received"]


def test_every_meaning_and_every_code_has_its_words() -> None:
    assert set(REMEDIES) <= set(errors.CLASSES)
    for code, meaning in MEANINGS.items():
        found = errors.explain(meaning, str(code), "said")
        assert found is not None
        assert found.happened
        assert (found.said, found.code) == ("said", str(code))
    assert errors.explain("from_the_future", None, None) == errors.UNKNOWN
    assert errors.explain(None, None, None) is None
