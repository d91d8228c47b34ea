"""`tiptoe demo` as a person starts it, and how it counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from engine.scene import Words
from flows.contact import Company
from tests.engine.flows import NOW
from tiptoe.demo.cast import EARLY, MIX, Prompter, customers
from tiptoe.demo.score import compare
from tiptoe.demo.show import RULES, next_monday


def got(text: str, number: str = "1", at: str = "2026-03-02T10:00:00+00:00") -> dict[str, Any]:
    return {
        "direction": "out",
        "wa_id": number,
        "text": text,
        "status": "read",
        "type": "template",
        "at": at,
    }


@pytest.mark.parametrize(
    ("expected", "messages", "faults"),
    [
        (["a", "b"], [got("a"), got("b")], (0, 0, 0, 0)),
        (["a", "b"], [got("a")], (1, 0, 0, 0)),
        (["a"], [got("a"), got("a")], (0, 1, 0, 0)),
        (["a", "b"], [got("b"), got("a")], (0, 0, 1, 0)),
        ([], [got("a")], (0, 1, 0, 0)),
        (["a"], [got("a", at="2026-03-02T03:00:00+00:00")], (0, 0, 0, 1)),
        (["a"], [got("b")], (1, 1, 0, 0)),
    ],
)
def test_every_fault_is_counted(
    expected: list[str], messages: list[dict[str, Any]], faults: tuple[int, ...]
) -> None:
    score = compare({"1": expected}, messages)
    assert (score.lost, score.doubled, score.out_of_order, score.at_night) == faults
    assert score.flawless == (not any(faults))


def test_the_simulator_knows_what_each_story_should_get() -> None:
    prompter, words = Prompter(), Words(stopped=RULES.stop_confirmation)
    company = Company(1, "Shop", "Europe/Rome", "en")
    cast = customers(len(MIX), next_monday(NOW))
    counts = {one.story.name: len(prompter.expected(one, company, words)) for one in cast}
    assert counts[EARLY.name] == 0
    assert counts["never answers"] == 3
    assert counts["taps a button"] == 3
    assert counts["writes STOP"] == 2
    assert counts["orders after the reminder"] == 1


@pytest.mark.slow
def test_a_small_demo_is_flawless_and_says_so_in_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tiptoe", "demo", "--contacts", "10", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["contacts"], figures["doubled"], figures["lost"]) == (10, 0, 0)
    assert figures["sent"] == 22
    assert figures["recovered"] == 2
    assert figures["opted_out"] == 2


def test_a_folder_that_holds_a_demo_is_refused(tmp_path: Any) -> None:
    (tmp_path / "tiptoe.db").touch()
    done = subprocess.run(
        [sys.executable, "-m", "tiptoe", "demo", "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "empty folder" in done.stderr
