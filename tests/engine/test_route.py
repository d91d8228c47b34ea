"""What one event means for one contact, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from engine.route import route
from engine.scene import Active, Lineup, Live, Scene, Words
from flows.contact import Contact
from flows.content import Tap, Text, payload
from flows.events import ApiCalled, ConsentChanged, Replied, ShopHappened
from flows.run import Run, Waiting
from tests.engine.flows import NOW, flow, greeting

ADA = Contact(id=1, first_name="Ada")


def keyword(word: str, match: str = "exact", **more: Any) -> Any:
    trigger = {"type": "customer_message", "rules": [{"match": match, "words": [word]}]}
    return greeting(triggers={"word": trigger}, name=f"{match} {word}", **more)


def catch_all() -> Any:
    return greeting(triggers={"all": {"type": "customer_message", "catch_all": True}}, name="all")


def live(*documents: Any) -> Lineup:
    return Lineup(Live(number, number * 10, one) for number, one in enumerate(documents, 1))


def waiting(run_id: int, document: Any = None, *for_: Any, sent: bool = False) -> Active:
    wait = Waiting(frozenset(for_ or ("reply",)))
    run = Run(run_id, step="reply", seq=1, wait=wait)
    return Active(run, 1, 10, document or greeting(), sent)


def scene(**more: Any) -> Scene:
    return structs.replace(Scene(ADA, [], Lineup(), {}), **more)


def said(text: str) -> Replied:
    return Replied(text, Text(text))


@pytest.mark.parametrize("text", ["STOP", " stop! ", "Disiscrivi", "opt out", "Arrêt", "basta"])
def test_a_stop_word_ends_everything_and_is_confirmed_once(text: str) -> None:
    runs = [waiting(1), waiting(2)]
    routing = route(said(text), scene(runs=runs, live=live(catch_all())), NOW)
    assert routing.consent == "no"
    assert [stop.run_id for stop in routing.stops] == [1, 2]
    assert routing.confirm
    assert routing.starts == ()
    again = route(said(text), scene(contact=structs.replace(ADA, consent="no")), NOW)
    assert again.confirm == ""


@pytest.mark.parametrize("text", ["please stop sending", "end of the month?", "stopwatch"])
def test_a_stop_word_inside_a_sentence_is_no_stop(text: str) -> None:
    assert route(said(text), scene(), NOW).consent is None


def test_a_companys_own_stop_word_counts() -> None:
    routing = route(said("Schluss!"), scene(words=Words(stop=frozenset({"schluss"}))), NOW)
    assert routing.consent == "no"


def test_a_tapped_stop_button_is_a_stop() -> None:
    for content in (
        Tap(payload(9, "offer", "stop"), "No more"),
        Tap("stop", "No more", "template"),
    ):
        assert route(Replied("No more", content), scene(), NOW).consent == "no"


def test_start_takes_a_stop_back_and_is_otherwise_a_word_like_any() -> None:
    out = structs.replace(ADA, consent="no")
    assert route(said("start"), scene(contact=out), NOW).consent == "yes"
    routing = route(said("start"), scene(live=live(keyword("start"))), NOW)
    assert routing.consent is None
    assert len(routing.starts) == 1


def test_a_chat_that_a_person_has_taken_stays_quiet() -> None:
    contact = structs.replace(ADA, handed_over=True)
    routing = route(said("hi"), scene(contact=contact, live=live(catch_all())), NOW)
    assert routing.starts == ()
    assert "person" in routing.why[0]


def test_a_tap_finds_its_own_run_not_the_newest() -> None:
    routing = route(
        Replied("Yes", Tap(payload(1, "ask", "yes"), "Yes")),
        scene(runs=[waiting(1), waiting(2)]),
        NOW,
    )
    assert routing.resumes == (1,)


def test_a_tap_on_an_old_question_starts_nothing() -> None:
    routing = route(
        Replied("Yes", Tap(payload(99, "ask", "yes"), "Yes")),
        scene(live=live(keyword("yes"), catch_all())),
        NOW,
    )
    assert routing.starts == ()
    assert "over" in routing.why[0]


def test_the_newest_waiting_run_hears_before_any_keyword() -> None:
    routing = route(
        said("promo"), scene(runs=[waiting(1), waiting(2)], live=live(keyword("promo"))), NOW
    )
    assert routing.resumes == (2,)
    assert routing.starts == ()


@pytest.mark.parametrize(("sent", "resumes"), [(True, (1,)), (False, ())])
def test_an_answer_can_only_be_to_a_message_that_left(sent: bool, resumes: tuple[int]) -> None:
    runs = [waiting(1, None, "verdict", sent=sent)]
    assert route(said("hello"), scene(runs=runs), NOW).resumes == resumes


@pytest.mark.parametrize(
    ("documents", "text", "winner"),
    [
        ([("promo", "contains"), ("promo", "exact")], "promo", 2),
        ([("pro", "starts_with"), ("promo", "starts_with")], "promo today", 2),
        ([("promo", "regex"), ("promo", "contains")], "the promo", 2),
        ([("promo", "exact"), ("promo", "exact")], "Promo!", 1),
    ],
    ids=["exact first", "longer first", "regex last", "older first"],
)
def test_the_best_keyword_starts_alone(
    documents: list[tuple[str, str]], text: str, winner: int
) -> None:
    known = live(*(keyword(*one) for one in documents))
    routing = route(said(text), scene(live=known), NOW)
    assert [start.live.automation_id for start in routing.starts] == [winner]


def test_the_catch_all_is_last_and_nothing_is_explained() -> None:
    known = live(catch_all(), keyword("promo"))
    assert route(said("promo"), scene(live=known), NOW).starts[0].live.automation_id == 2
    assert route(said("what?"), scene(live=known), NOW).starts[0].live.automation_id == 1
    assert route(said("what?"), scene(), NOW).why == ("no keyword fits",)


def order() -> ShopHappened:
    return ShopHappened(kind="order.created", data={"order": {"id": "1"}})


def shop(on: str, **more: Any) -> Any:
    return greeting(triggers={"shop": {"type": "shop", "on": on}}, **more)


def test_an_order_ends_the_runs_that_say_so() -> None:
    ends = greeting(exit_rules=[{"on": "order.created"}])
    routing = route(order(), scene(runs=[waiting(1, ends), waiting(2)]), NOW)
    assert [stop.run_id for stop in routing.stops] == [1]


def test_every_automation_of_a_shop_event_starts() -> None:
    known = live(shop("order.created"), shop("order.created"), shop("order.paid"))
    routing = route(order(), scene(live=known), NOW)
    assert [start.live.automation_id for start in routing.starts] == [1, 2]
    assert routing.starts[0].data == {"order": {"id": "1"}}


def test_an_abandoned_cart_starts_only_the_automation_it_is_due_for() -> None:
    known = live(shop("cart.abandoned"), shop("cart.abandoned"))
    event = ShopHappened(kind="cart.abandoned", automation_id=2, cart_id=5)
    routing = route(event, scene(live=known), NOW)
    assert [(one.live.automation_id, one.cart_id) for one in routing.starts] == [(2, 5)]


def test_nobody_who_said_stop_is_started_by_anything() -> None:
    out = structs.replace(ADA, consent="no")
    known = live(shop("order.created"), greeting())
    for event in (order(), ApiCalled(2)):
        assert route(event, scene(contact=out, live=known), NOW).starts == ()


def test_consent_taken_away_elsewhere_ends_everything() -> None:
    routing = route(ConsentChanged("no", "whatsapp"), scene(runs=[waiting(1)]), NOW)
    assert routing.consent == "no"
    assert len(routing.stops) == 1
    assert routing.confirm == ""


ENTRY: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({}, {"runs": [waiting(1)]}, False),
    ({"policy": "parallel"}, {"runs": [waiting(1)]}, True),
    ({"policy": "once_ever"}, {"entered": {1: NOW - timedelta(days=400)}}, False),
    ({"not_again_within": "7d"}, {"entered": {1: NOW - timedelta(days=6)}}, False),
    ({"not_again_within": "7d"}, {"entered": {1: NOW - timedelta(days=7)}}, True),
    (
        {"condition": {"type": "is", "value": "contact.tags", "op": "contains", "to": "vip"}},
        {},
        False,
    ),
    ({"condition": {"type": "is", "value": "contact.first_name", "to": "Ada"}}, {}, True),
]


@pytest.mark.parametrize(("entry", "more", "enters"), ENTRY)
def test_the_entry_policy_decides_and_says_why(
    entry: dict[str, Any], more: dict[str, Any], enters: bool
) -> None:
    known = live(greeting(entry=entry))
    routing = route(ApiCalled(1), scene(live=known, **more), NOW)
    assert bool(routing.starts) == enters
    assert routing.why[0]


def test_restart_ends_the_run_before() -> None:
    known = live(greeting(entry={"policy": "restart"}))
    routing = route(ApiCalled(1), scene(live=known, runs=[waiting(5)]), NOW)
    assert routing.starts[0].instead_of == (5,)


def test_what_is_not_live_does_not_start() -> None:
    assert "not live" in route(ApiCalled(7), scene(), NOW).why[0]


def test_a_flow_without_steps_is_no_trouble() -> None:
    assert route(ApiCalled(1), scene(live=live(flow({}))), NOW).starts
