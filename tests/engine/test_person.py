"""One contact with several automations: what one changes happens to the others in turn."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from engine.asked import Moved
from engine.person import Person
from engine.scene import Lineup, Live, Words
from flows.contact import Contact
from flows.content import Text
from flows.document import AnyFlow
from flows.effects import CallWebhook
from flows.events import (
    ApiCalled,
    Happened,
    MovedTo,
    Replied,
    Retried,
    ShopHappened,
    Stopped,
    TagsChanged,
    TimerDue,
    Verdict,
)
from tests.engine.flows import NOW, SEND, flow

END: dict[str, Any] = {"type": "end"}
WAITS: dict[str, Any] = {"type": "delay", "duration": "1d", "next": {"after": "end"}}


def person(*flows: AnyFlow, **more: Any) -> Person:
    """Somebody in a company where these automations are live, numbered from 1."""
    live = [Live(number, number, one) for number, one in enumerate(flows, 1)]
    ids = itertools.count(100)
    return Person(Contact(id=1), [], Lineup(live), {}, Words(), lambda: next(ids), **more)


def tags(name: str, **more: Any) -> AnyFlow:
    return flow(
        {"tag": {"type": "tag", "add": [name], "next": {"done": "end"}}, "end": END}, **more
    )


def on_tag(name: str) -> dict[str, Any]:
    return {"triggers": {"tag": {"type": "tag_added", "tag": name}}}


def of(somebody: Person, automation_id: int) -> list[Moved]:
    return [one for one in somebody.moved.values() if one.active.automation_id == automation_id]


def test_a_tag_starts_the_automation_that_listens_to_it() -> None:
    ada = person(tags("vip"), tags("welcomed", **on_tag("vip")))
    ada.happen(ApiCalled(1), NOW)
    assert [one.active.run.status for one in of(ada, 2)] == ["done"]
    assert of(ada, 2)[0].active.run.chain == 1
    assert ada.contact.tags == {"vip", "welcomed"}


def test_a_tag_that_was_there_already_is_no_news() -> None:
    ada = person(tags("vip"), tags("welcomed", **on_tag("vip")))
    ada.contact = ada.contact.with_tags(frozenset({"vip"}), frozenset())
    ada.happen(ApiCalled(1), NOW)
    assert of(ada, 2) == []


def test_two_automations_that_wake_each_other_come_to_an_end() -> None:
    steps = {
        "off": {"type": "tag", "remove": ["a", "b"], "next": {"done": "on"}},
        "end": END,
    }
    first = flow(
        steps | {"on": {"type": "tag", "add": ["b"], "next": {"done": "end"}}}, **on_tag("a")
    )
    second = flow(
        steps | {"on": {"type": "tag", "add": ["a"], "next": {"done": "end"}}}, **on_tag("b")
    )
    ada = person(first, second)
    ada.happen(TagsChanged(frozenset({"a"})), NOW)
    assert [one.active.run.chain for one in ada.moved.values()] == [0, 1, 2, 3, 4, 5]
    assert {one.active.run.status for one in ada.moved.values()} == {"done"}


def test_a_run_does_not_hear_of_its_own_tag() -> None:
    waits = {
        "type": "wait_for_event",
        "lines": [{"exit": "vip", "on": "tag.added", "name": "vip"}],
        "up_to": "1d",
        "next": {"vip": "end", "timeout": "end"},
    }
    own = flow(
        {
            "tag": {"type": "tag", "add": ["vip"], "next": {"done": "wait"}},
            "wait": waits,
            "end": END,
        },
        exit_rules=[{"on": "tag.added", "name": "vip"}],
    )
    other = flow({"wait": waits, "end": END})
    ada = person(own, other)
    ada.happen(ApiCalled(2), NOW)
    ada.happen(ApiCalled(1), NOW)
    assert of(ada, 1)[0].active.run.status == "waiting"
    assert of(ada, 2)[0].active.run.status == "done"


def test_a_consent_taken_back_by_a_step_ends_the_others_and_lets_its_own_finish() -> None:
    refuses = flow(
        {
            "no": {"type": "consent", "consent": "no", "next": {"done": "tag"}},
            "tag": {"type": "tag", "add": ["left"], "next": {"done": "end"}},
            "end": END,
        }
    )
    ada = person(refuses, flow({"wait": WAITS, "end": END}))
    ada.happen(ApiCalled(2), NOW)
    ada.happen(ApiCalled(1), NOW)
    assert of(ada, 1)[0].active.run.status == "done"
    assert of(ada, 2)[0].active.run.status == "stopped"
    assert ada.contact.tags == {"left"}


def test_an_event_of_the_company_wakes_who_waits_for_it() -> None:
    waits = flow(
        {
            "wait": {
                "type": "wait_for_event",
                "lines": [{"exit": "booked", "on": "custom", "name": "booking.made"}],
                "up_to": "1d",
                "next": {"booked": "end", "timeout": "end"},
            },
            "end": END,
        }
    )
    ada = person(waits)
    ada.happen(ApiCalled(1), NOW)
    ada.happen(Happened("booking.lost"), NOW)
    assert of(ada, 1)[0].active.run.status == "waiting"
    ada.happen(Happened("booking.made", {"at": "noon"}), NOW)
    assert of(ada, 1)[0].active.run.variables["answers"]["wait"] == {"at": "noon"}


# --- sub-flows ---------------------------------------------------------------------------------

CALL = {
    "type": "sub_flow",
    "automation": "2",
    "results": [{"result": "happy"}],
    "next": {"happy": "end", "done": "other", "failed": "bad"},
}
CALLER = {"call": CALL, "end": END, "other": END, "bad": END}


def test_a_sub_flow_gives_its_result_back() -> None:
    ends = {"type": "end", "result": "happy", "values": {"stars": "5"}}
    ada = person(flow(CALLER), flow({"end": ends}))
    ada.happen(ApiCalled(1), NOW)
    [caller] = of(ada, 1)
    assert (caller.active.run.status, caller.active.run.step) == ("done", "end")
    assert caller.active.run.variables["answers"]["call"] == {"stars": "5"}


def test_a_sub_flow_that_waits_keeps_its_caller_waiting() -> None:
    ada = person(flow(CALLER), flow({"wait": WAITS, "end": END}))
    ada.happen(ApiCalled(1), NOW)
    assert of(ada, 1)[0].active.run.status == "waiting"
    due, run_id, seq = ada.next_timer() or pytest.fail("nothing waits")
    ada.happen(TimerDue(seq), due, run_id)
    assert of(ada, 1)[0].active.run.step == "other"


def test_a_sub_flow_that_is_not_live_leaves_by_failed() -> None:
    ada = person(flow(CALLER))
    ada.happen(ApiCalled(1), NOW)
    [caller] = of(ada, 1)
    assert caller.active.run.step == "bad"
    assert "automation 2 is not live" in caller.trace[-2].why


def test_stopping_the_caller_stops_what_it_called_and_nothing_is_sent() -> None:
    caller = flow(CALLER, exit_rules=[{"on": "order.created"}])
    ada = person(caller, flow({"greet": SEND | {"next": {"sent": "end"}}, "end": END}))
    ada.happen(ApiCalled(1), NOW)
    assert len(ada.sends) == 1
    ada.happen(ShopHappened("order.created"), NOW)
    assert {one.active.run.status for one in ada.moved.values()} == {"stopped"}
    assert ada.sends == []


def test_a_sub_flow_that_calls_itself_fails_with_the_reason() -> None:
    itself = flow({"call": CALL, "end": END, "other": END, "bad": {"type": "end"}})
    ada = person(flow(CALLER), itself)
    ada.happen(ApiCalled(1), NOW)
    assert of(ada, 1)[0].active.run.status == "done"
    assert any("circle" in one.active.run.reason for one in of(ada, 2))


def test_stop_others_spares_itself_and_who_waits_for_it() -> None:
    stops = flow({"stop": {"type": "stop_others", "next": {"done": "end"}}, "end": END})
    ada = person(flow(CALLER), stops, flow({"wait": WAITS, "end": END}))
    ada.happen(ApiCalled(3), NOW)
    ada.happen(ApiCalled(1), NOW)
    assert of(ada, 3)[0].active.run.status == "stopped"
    assert of(ada, 1)[0].active.run.step == "other"


# --- levers ------------------------------------------------------------------------------------

STORY = {
    "one": SEND | {"next": {"sent": "wait"}},
    "wait": WAITS | {"next": {"after": "two"}},
    "two": SEND | {"text": "Second", "next": {"sent": "end"}},
    "end": END,
}


def started(**more: Any) -> tuple[Person, int]:
    ada = person(flow(STORY), **more)
    ada.happen(ApiCalled(1), NOW)
    [run_id] = ada.runs
    return ada, run_id


def test_moved_to_a_step_that_has_sent_it_is_not_sent_again() -> None:
    ada, run_id = started()
    ada.happen(Verdict(1, "sent"), NOW, run_id)
    ada.sends.clear()
    ada.happen(MovedTo("one", why="revision 2"), NOW, run_id)
    assert ada.sends == []
    assert ada.runs[run_id].run.step == "wait"


def test_a_person_may_have_it_sent_again() -> None:
    ada, run_id = started()
    ada.happen(Verdict(1, "sent"), NOW, run_id)
    ada.sends.clear()
    ada.happen(MovedTo("one", again=True), NOW, run_id)
    assert len(ada.sends) == 1


def test_what_is_queued_is_recalled_by_a_move_away() -> None:
    ada, run_id = started()
    ada.happen(MovedTo("two"), NOW, run_id)
    assert [sent.send.step for sent in ada.sends] == ["two"]
    assert ada.recalled == [run_id]


def test_moved_to_where_it_waits_it_goes_on_waiting_under_the_new_revision() -> None:
    later = STORY | {"two": SEND | {"text": "Third", "next": {"sent": "end"}}}
    ada, run_id = started(revisions={9: flow(later)})
    ada.happen(Verdict(1, "sent"), NOW, run_id)
    until = ada.runs[run_id].run.wait
    ada.happen(MovedTo("wait", revision_id=9), NOW, run_id)
    assert ada.runs[run_id].run.wait == until
    assert ada.runs[run_id].revision_id == 9
    ada.sends.clear()
    due, _, seq = ada.next_timer() or pytest.fail("nothing waits")
    ada.happen(TimerDue(seq), due, run_id)
    assert isinstance(ada.sends[0].send.content, Text)
    assert ada.sends[0].send.content.body == "Third"


def test_a_plan_leaves_alone_who_has_gone_on() -> None:
    ada, run_id = started()
    before = ada.runs[run_id]
    ada.happen(MovedTo("end", from_step="wait"), NOW, run_id)
    assert ada.runs[run_id] is before


def test_moved_to_nowhere_it_fails_with_words() -> None:
    ada, run_id = started()
    ada.happen(MovedTo("nowhere"), NOW, run_id)
    assert of(ada, 1)[0].active.run.reason == "step “nowhere” is not in this flow"


def test_a_failed_run_tries_its_step_again() -> None:
    broken = {
        "call": {
            "type": "webhook",
            "url": "https://example.com/{{ contact.name | nothing }}",
            "next": {"ok": "end"},
        },
        "end": END,
    }
    ada = person(flow(broken))
    ada.happen(ApiCalled(1), NOW)
    [moved] = of(ada, 1)
    assert moved.active.run.status == "failed"
    ada.runs[moved.active.run.id] = moved.active  # as the engine loads it once it waits again
    moved.active = ada.runs[moved.active.run.id] = _mended(moved.active)
    ada.happen(Retried("by hand"), NOW, moved.active.run.id)
    assert isinstance(ada.calls[0].call, CallWebhook)
    assert moved.active.run.status == "waiting"


def _mended(active: Any) -> Any:

    call = {"type": "webhook", "url": "https://example.com/", "next": {"ok": "end"}}
    return structs.replace(active, flow=flow({"call": call, "end": END}))


def test_a_stop_by_hand_ends_it_once() -> None:
    ada, run_id = started()
    ada.happen(Stopped("enough"), NOW, run_id)
    ada.happen(Stopped("enough"), NOW, run_id)
    assert [line.did for line in of(ada, 1)[0].trace].count("ended") == 1


# --- test mode and priority --------------------------------------------------------------------


def test_only_the_chosen_may_enter_what_is_being_tested_and_as_often_as_they_like() -> None:
    waits = flow({"wait": WAITS, "end": END}, entry={"policy": "once_ever"})
    ada = person(waits)
    ada.live = Lineup([Live(1, 1, waits, test_contacts=frozenset({2}))])
    ada.happen(ApiCalled(1), NOW)
    assert ada.moved == {}
    ada.live = Lineup([Live(1, 1, waits, test_contacts=frozenset({1}))])
    ada.happen(ApiCalled(1), NOW)
    ada.happen(ApiCalled(1), NOW + timedelta(minutes=1))
    assert [one.active.run.status for one in ada.moved.values()] == ["stopped", "waiting"]


def test_of_two_that_fit_as_well_the_higher_priority_answers() -> None:
    word = {"triggers": {"word": {"type": "customer_message", "rules": [{"words": ["hi"]}]}}}
    low, high = (flow({"wait": WAITS, "end": END}, **word) for _ in range(2))
    ada = person()
    ada.live = Lineup([Live(1, 1, low), Live(2, 2, high, priority=5)])
    ada.happen(Replied("hi", Text("hi")), NOW)
    assert [one.active.automation_id for one in ada.moved.values()] == [2]


# --- what a replay needs -----------------------------------------------------------------------


def test_the_first_line_of_an_event_holds_it_and_the_contact_only_when_it_is_another() -> None:
    ada, run_id = started()
    ada.happen(Verdict(1, "sent"), NOW, run_id)
    lines = ada.moved[run_id].trace
    assert [sorted(line.data) for line in lines] == [
        ["chain", "contact", "event", "parent", "revision"],
        [],
        ["event"],
        [],
    ]
    ada.contact = ada.contact.with_tags(frozenset({"new"}), frozenset())
    due, _, seq = ada.next_timer() or pytest.fail("nothing waits")
    ada.happen(TimerDue(seq), due, run_id)
    assert sorted(lines[4].data) == ["contact", "event"]
