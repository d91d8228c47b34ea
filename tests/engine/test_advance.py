"""The loop: what one event does to one run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.advance import STEPS_PER_ADVANCE, advance
from flows.contact import Contact
from flows.content import Text
from flows.effects import Effect, Send
from flows.events import Event, Replied, Started, Stopped, TimerDue, Verdict
from flows.run import Run
from tests.engine.flows import NOW, flow, greeting

ADA = Contact(id=1, first_name="Ada")


def drive(document: object, *events: Event, contact: Contact = ADA) -> tuple[Run, list[Effect]]:
    """All events at NOW; the run at the end and all effects."""
    run, effects = Run(7), list[Effect]()
    for event in events:
        result = advance(document, run, event, contact=contact, now=NOW)  # type: ignore[arg-type]
        run, contact = result.run, result.contact
        effects += result.effects
    return run, effects


def test_a_send_waits_for_its_verdict() -> None:
    run, effects = drive(greeting(), Started())
    assert run.step == "greet"
    assert run.wait is not None
    assert run.wait.for_ == {"verdict"}
    assert effects == [Send("greet", 1, Text("Hello Ada"))]


def test_the_wait_for_a_reply_begins_when_the_message_left() -> None:
    run, _ = drive(greeting(), Started(), Verdict(1, "sent"))
    assert run.step == "reply"
    assert run.wait is not None
    assert run.wait.until == NOW + timedelta(hours=24)


def test_a_reply_that_overtakes_the_verdict_is_not_lost() -> None:
    run, effects = drive(greeting(), Started(), Replied("yes", Text("yes")))
    assert run.step == "thank"
    assert isinstance(effects[-1], Send)
    assert effects[-1].content == Text("Thank you")
    late = advance(greeting(), run, Verdict(1, "failed"), contact=ADA, now=NOW)
    assert late.run == run
    assert late.trace == []


@pytest.mark.parametrize(
    "event",
    [Verdict(1, "sent"), Verdict(9, "sent"), TimerDue(1), TimerDue(2), Started()],
    ids=repr,
)
def test_an_event_of_another_wait_changes_nothing(event: Event) -> None:
    waiting, _ = drive(greeting(), Started(), Verdict(1, "sent"))
    after = advance(greeting(), waiting, event, contact=ADA, now=NOW)
    assert after.run == waiting
    assert after.trace == []
    assert after.effects == []


def test_a_timer_counts_only_when_its_time_has_come() -> None:
    waiting, _ = drive(greeting(), Started(), Verdict(1, "sent"))
    timer = TimerDue(waiting.seq)
    day = timedelta(hours=24)
    early = advance(greeting(), waiting, timer, contact=ADA, now=NOW + day - timedelta(seconds=1))
    due = advance(greeting(), waiting, timer, contact=ADA, now=NOW + day)
    assert early.run == waiting
    assert due.run.step == "remind"


def test_an_ended_run_stays_ended() -> None:
    run, _ = drive(greeting(), Started(), Stopped("by hand"))
    assert (run.status, run.reason) == ("stopped", "by hand")
    again = advance(greeting(), run, Verdict(1, "sent"), contact=ADA, now=NOW)
    assert again.run is run


def test_later_steps_of_one_advance_see_what_earlier_ones_did() -> None:
    document = flow(
        {
            "tag": {"type": "tag", "add": ["vip"], "next": {"done": "name"}},
            "name": {
                "type": "set_field",
                "field": "size",
                "value": "{{ contact.tags | join: ',' }}",
                "next": {"done": "if"},
            },
            "if": {
                "type": "if_else",
                "condition": {"type": "is", "value": "contact.fields.size", "to": "vip"},
                "next": {"yes": "end"},
            },
            "end": {"type": "end", "goal": "seen"},
        }
    )
    run, _ = drive(document, Started())
    assert (run.status, run.goal) == ("done", "seen")


def test_a_loop_without_a_wait_fails_with_words() -> None:
    document = flow(
        {
            "a": {"type": "tag", "add": ["x"], "next": {"done": "b"}},
            "b": {"type": "tag", "remove": ["x"], "next": {"done": "a"}},
        }
    )
    run, _ = drive(document, Started())
    assert run.status == "failed"
    assert f"{STEPS_PER_ADVANCE} steps" in run.reason
    assert "loop" in run.reason


def test_a_step_that_is_gone_fails_with_its_name() -> None:
    waiting, _ = drive(greeting(), Started())
    other = flow({"end": {"type": "end"}})
    result = advance(other, waiting, Verdict(1, "sent"), contact=ADA, now=NOW)
    assert result.run.status == "failed"
    assert "greet" in result.run.reason


def test_a_fault_inside_a_kind_fails_the_run_and_names_the_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = greeting()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(type(document.steps["greet"]), "enter", broken)
    run, _ = drive(document, Started())
    assert run.status == "failed"
    assert "greet" in run.reason
    assert "oops" in run.reason


def test_a_text_that_explodes_fails_the_run_not_the_worker() -> None:
    bomb = "{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}"
    document = flow({"send": {"type": "send_message", "text": bomb, "next": {}}})
    run, _ = drive(document, Started())
    assert run.status == "failed"
    assert "send" in run.reason


def test_the_same_arguments_give_the_same_answer() -> None:
    first = drive(greeting(), Started(), Verdict(1, "sent"), Replied("yes", Text("yes")))
    second = drive(greeting(), Started(), Verdict(1, "sent"), Replied("yes", Text("yes")))
    assert first == second
