"""How fast one phone may write: halved by a refusal, grown back, and known for each person."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.throttle import PAIR_BURST, PAIRS_KEPT, Throttle


def permits(throttle: Throttle, since: float, seconds: float, step: float = 0.01) -> int:
    count = round(seconds / step)
    return sum(throttle.permit(since + n * step) for n in range(1, count + 1))


def test_a_second_s_worth_at_once_then_as_many_each_second() -> None:
    throttle = Throttle(80, at=0)
    assert sum(throttle.permit(0) for _ in range(200)) == 80
    assert permits(throttle, 0, 2) in (159, 160)


def test_a_refusal_halves_the_rate_and_what_was_saved_up_is_gone() -> None:
    throttle = Throttle(80, at=0)
    throttle.slow_down(10)
    assert (throttle.per_s, throttle.permit(10)) == (40, False)
    throttle.slow_down(10.9)  # sent before we knew
    assert throttle.per_s == 40
    assert permits(throttle, 10, 1) in (39, 40)
    throttle.slow_down(11)
    assert throttle.per_s == 20
    for second in range(12, 30):
        throttle.slow_down(second)
    assert throttle.per_s == 1
    assert permits(throttle, 30, 3) == 3


def test_it_grows_back_by_the_second_however_much_goes_well() -> None:
    throttle = Throttle(80, at=0)
    throttle.slow_down(0)
    for n in range(1, 501):
        throttle.went_well(n / 100)
    assert round(throttle.per_s, 6) == 50
    throttle.went_well(500)  # a long silence proves nothing
    assert round(throttle.per_s, 6) == 52
    for second in range(501, 600):
        throttle.went_well(second)
    assert throttle.per_s == 80


def test_forty_five_to_one_person_then_one_in_six_seconds() -> None:
    throttle = Throttle(1000, at=0)
    for _ in range(45):
        assert throttle.wait_for(7, 0) == 0
        throttle.wrote_to(7, 0)
    assert round(throttle.wait_for(7, 0), 6) == 6
    assert throttle.wait_for(8, 0) == 0
    assert round(throttle.wait_for(7, 2), 6) == 4
    assert throttle.wait_for(7, 6) == 0
    throttle.wrote_to(7, 6)
    assert round(throttle.wait_for(7, 6), 6) == 6
    assert throttle.wait_for(7, 6 + 45 * 6) == 0


def test_what_others_wrote_shows_in_a_refusal() -> None:
    throttle = Throttle(80, at=0)
    throttle.wrote_too_often(7, 100)
    assert round(throttle.wait_for(7, 100), 6) == 6
    throttle.wrote_too_often(7, 103)
    assert round(throttle.wait_for(7, 103), 6) == 6


def test_people_who_are_paid_back_are_forgotten() -> None:
    throttle = Throttle(1000, at=0)
    for n in range(PAIRS_KEPT + 1):
        throttle.wrote_to(n, n)
    assert len(throttle._pairs) < 10


moves = st.lists(
    st.tuples(st.sampled_from(["permit", "slow", "well"]), st.floats(0, 5)), max_size=60
)


@given(st.sampled_from([1.0, 20.0, 80.0, 1000.0]), moves)
def test_never_faster_than_promised(full: float, acts: list[tuple[str, float]]) -> None:
    throttle, at, taken = Throttle(full, at=0), 0.0, 0
    for act, after in acts:
        at += after
        if act == "permit":
            taken += sum(throttle.permit(at) for _ in range(3))
        elif act == "slow":
            throttle.slow_down(at)
        else:
            throttle.went_well(at)
        assert 1 <= throttle.per_s <= full
    assert taken <= full + at * full + 1e-6


@given(st.lists(st.floats(0, 30), min_size=1, max_size=120))
def test_nobody_gets_more_than_a_burst_and_what_was_paid_back(gaps: list[float]) -> None:
    throttle, at, sent = Throttle(80, at=0), 0.0, 0
    for gap in gaps:
        at += gap
        if throttle.wait_for(1, at) == 0:
            throttle.wrote_to(1, at)
            sent += 1
    assert sent <= PAIR_BURST + at / 6 + 1e-6
