"""States only move forward, and a run hears one verdict."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channel import SendError
from gateway.news import Receipt, ReceiptState
from gateway.states import RANK, accepted, after_receipt, rank, verdict
from store.in_hand import InHand

AT = datetime(2026, 11, 18, tzinfo=UTC)


def message(state: str) -> InHand:
    return InHand(
        id=1, company_id=1, contact_id=1, run_id=1, automation_id=1, seq=1, state=state,
        content={}, template=None, phone_id=1, channel_id=None, attempts=1, claimed_by="w",
        claimed_at=AT, due_at=AT, sent_at=None, delivered_at=None, read_at=None, failed_at=None,
        error_class=None, error_code=None, error=None, why=[],
    )  # fmt: skip


STARTS = ("sending", "unconfirmed", "queued", "cancelled", "sent", "failed")
states = st.sampled_from(STARTS)
receipts = st.lists(
    st.tuples(st.sampled_from(get_args(ReceiptState)), st.integers(0, 100)), max_size=8
)


@given(states, receipts, st.integers(0, 8))
def test_any_order_and_number_of_news(
    start: str, told: list[tuple[ReceiptState, int]], own: int
) -> None:
    only_moves_forward(start, told, own)


@pytest.mark.slow
def test_ten_thousand_orders_of_news() -> None:
    chance = random.Random(4)
    for _ in range(10_000):
        start = chance.choice(STARTS)
        told = [
            (chance.choice(get_args(ReceiptState)), chance.randint(0, 100))
            for _ in range(chance.randint(0, 8))
        ]
        only_moves_forward(start, told, chance.randint(0, 8))


def only_moves_forward(start: str, told: list[tuple[ReceiptState, int]], own: int) -> None:
    now, verdicts, seen = message(start), [], [rank(start)]
    for place, (state, minute) in enumerate([*told, (None, 0)]):
        before = now
        if place == own:
            now = accepted(now, "wamid.1", AT, ())
        if state:
            error = SendError("contact", 131026) if state == "failed" else None
            at = AT + timedelta(minutes=minute)
            now = after_receipt(now, Receipt("p", "wamid.1", state, at, error=error))
        seen.append(rank(now.state))
        verdicts += [verdict(before, now)] if verdict(before, now) else []
    assert seen == sorted(seen)
    ranks = [RANK[state] for state, _ in told] + [rank(start)]
    ranks += [RANK["sent"]] if own <= len(told) else []
    assert rank(now.state) == max(ranks)
    assert len(verdicts) == (1 if rank(start) == 0 and max(ranks) > 0 else 0)
    if now.state == "read":
        assert now.delivered_at is not None
        assert now.read_at is not None
    if any(state != "failed" for state, _ in told):
        assert now.sent_at is not None


@given(receipts.filter(bool))
def test_the_end_does_not_depend_on_the_order(told: list[tuple[ReceiptState, int]]) -> None:
    def end(news: list[tuple[ReceiptState, int]]) -> str:
        now = message("sending")
        for state, _ in news:
            now = after_receipt(now, Receipt("p", "wamid.1", state, AT))
        return now.state

    assert end(told) == end(told[::-1]) == end(sorted(told))
