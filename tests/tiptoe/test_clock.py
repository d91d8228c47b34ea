"""Clocks: aware, and movable together through one file."""

from datetime import UTC, timedelta
from pathlib import Path

from tiptoe.clock import clock_from, file_clock, real_clock, set_offset

CLOSE = timedelta(seconds=30)


def test_the_real_clock_is_aware() -> None:
    assert real_clock().tzinfo is UTC
    assert clock_from(None) is real_clock


def test_a_clock_file_moves_every_clock_on_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "clock"
    one, two = file_clock(path), clock_from(path)
    assert abs(one() - real_clock()) < CLOSE
    set_offset(path, timedelta(days=3).total_seconds())
    for clock in (one, two):
        assert abs(clock() - real_clock() - timedelta(days=3)) < CLOSE
        assert clock().tzinfo is UTC
    set_offset(path, -3600.5)
    assert abs(one() - real_clock() + timedelta(seconds=3600.5)) < CLOSE


def test_an_offset_that_is_there_is_kept(tmp_path: Path) -> None:
    set_offset(tmp_path / "clock", 7200)
    assert file_clock(tmp_path / "clock")() - real_clock() > timedelta(hours=1)
