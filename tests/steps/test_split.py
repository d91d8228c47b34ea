"""Dealing out by chance: fair to the weights, the same again when replayed, calm when changed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.contact import Contact
from flows.run import Run
from flows.step import Context, Leave
from steps.split import Part, Split

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MANY = 4_000


def way(split: Split, contact: int, *, seed: int = 0, step: str = "it") -> str:
    made = split.enter(Context(Run(seed), step, 1, Contact(id=contact), NOW, seed))
    assert isinstance(made, Leave)
    return made.exit


def split(*weights: int, sticky: bool = True) -> Split:
    return Split(parts=[Part(exit=f"p{n}", weight=w) for n, w in enumerate(weights)], sticky=sticky)


@pytest.mark.parametrize("sticky", [True, False])
@pytest.mark.parametrize("weights", [(1, 1), (90, 10), (5, 3, 2), (1, 0)])
def test_each_part_gets_its_share(weights: tuple[int, ...], sticky: bool) -> None:
    dealt = Counter(way(split(*weights, sticky=sticky), n, seed=n) for n in range(MANY))
    for number, weight in enumerate(weights):
        assert abs(dealt[f"p{number}"] / MANY - weight / sum(weights)) < 0.03


def test_a_contact_goes_the_same_way_each_time() -> None:
    assert {way(split(1, 1), 5, seed=seed) for seed in range(50)} == {way(split(1, 1), 5)}
    drawn = {way(split(1, 1, sticky=False), 5, seed=seed) for seed in range(50)}
    assert drawn == {"p0", "p1"}


def test_two_splits_deal_independently() -> None:
    both = Counter(
        (way(split(1, 1), n, step="one"), way(split(1, 1), n, step="two")) for n in range(MANY)
    )
    assert all(abs(count / MANY - 0.25) < 0.03 for count in both.values())


def test_other_weights_move_only_as_many_as_they_must() -> None:
    before = {n: way(split(50, 50), n) for n in range(MANY)}
    after = {n: way(split(60, 40), n) for n in range(MANY)}
    moved = [n for n in before if before[n] != after[n]]
    assert all(after[n] == "p0" for n in moved)
    assert abs(len(moved) / MANY - 0.1) < 0.02


def test_a_new_part_takes_from_all_and_moves_nobody_between_the_old_ones() -> None:
    before = {n: way(split(1, 1), n) for n in range(MANY)}
    after = {n: way(split(1, 1, 1), n) for n in range(MANY)}
    assert {after[n] for n in before if before[n] != after[n]} == {"p2"}


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=10), st.integers(), st.integers())
def test_somebody_is_always_chosen_and_never_by_a_weight_of_nothing(
    weights: list[int], contact: int, seed: int
) -> None:
    made = split(*weights, sticky=False)
    if not any(weights):
        assert list(made.problems())
        return
    chosen = way(made, contact, seed=seed)
    assert weights[int(chosen[1:])] > 0
    assert way(made, contact, seed=seed) == chosen
