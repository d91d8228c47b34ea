"""The simulated month: the same for the same seed, and what it is there to show."""

import pytest

from benchmarks.senders import Gateway, RoundRobin
from benchmarks.year import QUICK, month, table

pytestmark = pytest.mark.slow
MESSAGES = 2_500


def test_a_month_is_decided_by_its_seed() -> None:
    assert month(Gateway, 3, 400) == month(Gateway, 3, 400)
    assert month(RoundRobin, 3, 400) == month(RoundRobin, 3, 400)
    assert month(RoundRobin, 3, 400) != month(RoundRobin, 4, 400)


def test_the_gateway_keeps_the_hours_and_taking_turns_does_not() -> None:
    ours, turns = month(Gateway, 1, MESSAGES), month(RoundRobin, 1, MESSAGES)
    assert (ours.outside, ours.low) == (0, 0)
    assert turns.outside > turns.sent / 4
    assert turns.blocks > ours.blocks
    assert ours.sent > MESSAGES / 2


def test_numbers_of_low_quality_rest_from_campaigns_but_answer() -> None:
    ours = month(Gateway, 2, 3 * MESSAGES, QUICK)
    turns = month(RoundRobin, 2, 3 * MESSAGES, QUICK)
    assert ours.red_days > 0  # or the next line would say nothing
    assert (ours.low, ours.outside, ours.bans) == (0, 0, 0)
    assert turns.low > 0
    assert turns.red_days > ours.red_days


def test_every_message_has_its_end_in_the_books() -> None:
    for make in (Gateway, RoundRobin):
        told = month(make, 5, MESSAGES)
        assert told.due == told.sent + told.left_out + told.waiting + told.lost
        assert sum(day.sent for day in told.days) == told.sent


def test_the_table_names_both() -> None:
    shown = table([month(Gateway, 1, 400)], [month(RoundRobin, 1, 400)])
    assert "outside the allowed hours" in shown
    assert "round robin" in shown
