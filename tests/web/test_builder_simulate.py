"""The simulator's panel over HTTP: a try-out comes along with each press, and goes back changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from store import scenarios
from store.events import events
from store.messages import messages
from store.runs import runs
from tests.web.conftest import House, cart_flow
from tests.web.tryout_panel import Panel, library
from web.builder.simulate import view

pytestmark = pytest.mark.anyio


@pytest.fixture
async def welcome(house: House) -> Panel:
    made = await house.automation(library("welcome"))
    return await Panel(await house.signed_in("editor"), made).open()


async def test_it_begins_by_the_first_trigger_and_stops_where_it_waits(welcome: Panel) -> None:
    assert welcome.status == 200
    assert "Simulator" in welcome.words
    assert "as Ada Byron , started by “hi”" in welcome.words
    assert "Bot: Hi Ada, welcome to Company A! 👋" in welcome.words
    assert "Waits until Mon 2 Mar 23:00 (12 hours)" in welcome.words
    assert welcome.walk("current") == "wait_choice"
    assert welcome.walk("passed") == [["@start", "start"], ["greet", "sent"]]
    assert welcome.walk("path") == ["@start", "greet", "wait_choice"]
    assert 'data-goto="greet"' in welcome.text


async def test_tap_reply_step_back_and_from_here_again(welcome: Panel) -> None:
    begun = welcome.session

    await welcome.tap("My order")
    assert "Which order?" in welcome.words
    assert welcome.walk("current") == "wait_number"
    await welcome.press("say", text="#1001")
    assert "We have noted “#1001”" in welcome.words
    assert "Finished" in welcome.words
    assert "Goal reached: Asked for help" in welcome.words
    assert "Tag + order question" in welcome.words

    await welcome.press("back")
    assert welcome.walk("current") == "wait_number"
    await welcome.press("say", text="no idea")
    assert "wants a person" in welcome.words
    await welcome.press("from", act="0")
    assert welcome.session == begun
    await welcome.press("restart")
    assert welcome.session == begun


async def test_time_goes_on_and_the_wait_runs_out(welcome: Panel) -> None:
    await welcome.press("hour")
    assert "Time passes: 1 hour" in welcome.words
    assert "Mon 2 Mar 12:00 Europe/Rome" in welcome.words
    await welcome.press("pick", at="2026-03-02T13:00")
    await welcome.press("jump")
    assert welcome.walk("passed")[-1] == ["wait_choice", "no_reply"]
    assert "Finished" in welcome.words
    await welcome.press("jump")
    assert welcome.status == 422
    assert "Nothing more happens by itself." in welcome.words


@pytest.mark.parametrize(
    ("do", "fields", "said"),
    [
        ("say", {"text": " "}, "Write something first."),
        ("say", {"text": "x" * 5000}, "at most"),
        ("tap", {"tap": "no"}, "not there any more"),
        ("tap", {"tap": '["a"]'}, "not there any more"),
        ("media", {"kind": "sculpture"}, "Choose a photo"),
        ("happen", {"number": "0"}, "Nothing listens"),
        ("pick", {"at": ""}, "Pick a day"),
        ("pick", {"at": "yesterday"}, "no day and time"),
        ("pick", {"at": "2020-01-01T10:00"}, "only goes forward"),
        ("pick", {"at": "9999-12-31T23:59"}, "between the years"),
        ("pick", {"at": "2099-12-31T23:59"}, "ten years"),
        ("from", {"act": "7"}, "not there any more"),
        ("from", {"act": "-1"}, "not there any more"),
        ("from", {"act": "9" * 5000}, "not there any more"),
        ("tap", {"tap": '["a", "\\ud800", 1]'}, "not there any more"),
        ("setup", {"trigger": "hello", "said": "  "}, "what the customer says first"),
        ("setup", {"trigger": "hello", "said": "hi", "zone": "Atlantis"}, "no time zone"),
        ("setup", {"trigger": "hello", "said": "hi", "consent": "maybe"}, "Consent is"),
        ("setup", {"trigger": "hello", "said": "hi", "start": "soon"}, "no day and time"),
        ("setup", {"trigger": "hello", "said": "hi", "first_name": "x" * 300}, "characters"),
        ("choose", {"answer-greet": "x"}, "Choose what the webhook answers"),
        ("choose", {"answer-greet": "9" * 5000}, "Choose what the webhook answers"),
        ("choose", {"answer-greet": "999"}, "cannot be answered"),
    ],
)
async def test_what_makes_no_sense_is_said_and_changes_nothing(
    welcome: Panel, do: str, fields: dict[str, str], said: str
) -> None:
    before = welcome.session
    await welcome.press(do, **fields)
    assert welcome.status == 422
    assert said in welcome.words
    assert welcome.session == before


@pytest.mark.parametrize("session", ["", "{}", "[", '{"start":"2026-03-02T10:00:00Z","x":1}'])
async def test_a_session_that_is_none_begins_again(welcome: Panel, session: str) -> None:
    begun = welcome.session
    await welcome.press("hour", session=session)
    assert welcome.status == 422
    assert "Start it again" in welcome.words
    assert welcome.session == begun


async def test_nothing_is_sent_or_stored(house: House, welcome: Panel) -> None:
    await welcome.tap("Show me offers")
    await welcome.press("day")
    for table in (runs, messages, events, scenarios.scenarios):
        [(count,)] = await house.rows(sa.select(sa.func.count()).select_from(table))
        assert count == 0


async def test_a_phone_without_buttons_shows_numbers_and_understands_them(welcome: Panel) -> None:
    await welcome.press("setup", trigger="hello", said="hello there", plain="on")
    assert "2. My order" in welcome.words
    assert 'name="tap"' not in welcome.text
    await welcome.press("say", text="2")
    assert welcome.walk("current") == "wait_number"


async def test_files_and_places_can_be_sent(welcome: Panel) -> None:
    for kind in ("image", "audio", "document"):
        await welcome.press("media", kind=kind)
        assert welcome.status == 200
        assert welcome.session["acts"][0]["event"]["content"]["media"] == kind
        await welcome.press("back")
    await welcome.press("location")
    assert "Piazza del Duomo" in welcome.words
    assert ["wait_choice", "other"] in welcome.walk("passed")


async def test_a_trigger_that_is_gone_is_none(welcome: Panel) -> None:
    await welcome.press("setup", trigger="gone")
    assert welcome.status == 200
    assert welcome.session.get("trigger", "") == ""
    assert welcome.session["first"] == {"type": "started"}


async def test_a_passage_is_kept_as_a_test(house: House, welcome: Panel) -> None:
    await welcome.tap("Show me offers")
    await welcome.keep(name="", parts=["exits"])
    assert (welcome.status, "Give the test a name." in welcome.words) == (422, True)
    await welcome.keep(name="Offers")
    assert "Choose at least one thing" in welcome.words
    await welcome.keep(name="Offers", parts=["exits", "messages", "exactly"])
    assert welcome.status == 200
    assert ">Offers</a>" in welcome.text.partition('hx-target="#sim-tests-list"')[2]
    await welcome.keep(name="Offers", parts=["exits"])
    assert welcome.status == 422
    assert "Offers" in welcome.words

    [(document,)] = await house.rows(sa.select(scenarios.scenarios.c.document))
    assert document["expect"]["exits"] == ["greet.sent", "wait_choice.offers", "interest.sent"]
    assert document["script"] == [{"after": "5s", "on_message": 1, "tap": "greet.offers"}]

    told = await welcome.client.get(f"{welcome.base}/panel/simulate/tests")
    assert "All passed" in told.text
    assert ">Offers</a>" in told.text


async def test_a_changed_draft_is_played_with_the_same_happenings(
    house: House, welcome: Panel
) -> None:
    await welcome.tap("My order")
    await welcome.keep(name="Order", parts=["exits"])
    document = library("welcome")
    document["steps"]["wait_choice"]["next"]["order"] = "person"
    automation = int(welcome.base.rpartition("/")[2])
    await _save(house, automation, document)

    await welcome.press("again")
    assert welcome.walk("current") == "end_help"
    told = await welcome.client.get(f"{welcome.base}/panel/simulate/tests")
    assert "1 of 1 failed" in told.text
    only = await welcome.press("again", only="walk")
    assert "Simulator" not in only.text
    assert only.walk("current") == "end_help"


async def test_a_draft_with_errors_is_played_as_far_as_it_goes(house: House) -> None:
    document = library("welcome")
    document["steps"]["interest"] = {"type": "send_message", "txet": "?", "next": {}}
    document["steps"]["odd"] = {"type": "unheard_of"}
    made = await house.automation(document)
    panel = await Panel(await house.signed_in("editor"), made).open()
    assert "The draft has" in panel.words
    await panel.tap("Show me offers")
    assert "this step cannot be read" in panel.words
    assert panel.walk("current") == "interest"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"spec": 1, "name": "Empty"}, "no step comes after Start"),
        ({"spec": 1, "name": "Gone", "start": "x", "steps": {}}, "no step comes after Start"),
        ({"spec": 99, "name": "Future"}, "The draft cannot be played"),
        ({"spec": 1, "name": "Odd", "steps": []}, "The draft cannot be played"),
    ],
)
async def test_what_cannot_be_played_says_so(
    house: House, document: dict[str, Any], said: str
) -> None:
    made = await house.automation(cart_flow())
    await _save(house, made, document)
    panel = await Panel(await house.signed_in("editor"), made).open()
    assert panel.status == 200
    assert said in panel.words
    await panel.press("say", text="Hello")
    assert panel.status == 200
    await panel.keep(name="It", parts=["exits"])
    assert panel.status == 422


async def test_a_passage_may_be_long_but_not_endless(welcome: Panel) -> None:
    session = {**welcome.session, "acts": [{"at": 5 * n} for n in range(299)]}
    await welcome.press("hour", session=json.dumps(session))
    assert welcome.status == 200
    await welcome.press("hour")
    assert welcome.status == 422
    assert "too long" in welcome.words


async def test_half_a_letter_is_told_nowhere(house: House) -> None:
    made = await house.automation(cart_flow())
    panel = await Panel(await house.signed_in("editor"), made).open()
    await panel.press("setup", trigger="cart", payload='{"note": "\\ud800"}')
    assert panel.status == 422
    assert "What is told must be JSON" in panel.words
    await panel.press("choose", **{"answer-remind": "200", "body-remind": '"\\ud800"'})
    assert panel.status == 200


async def test_a_passage_that_takes_too_long_is_given_up(
    welcome: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await welcome.press("hour")
    before = welcome.session
    monkeypatch.setattr(view, "LONGEST_S", -1.0)
    await welcome.press("hour")
    assert welcome.status == 422
    assert "takes too long to play" in welcome.words
    assert not welcome.session.get("acts")
    await welcome.keep(name="Too long", parts=["exits"])
    assert welcome.status == 422
    monkeypatch.setattr(view, "LONGEST_S", 10.0)
    await welcome.press("hour")
    assert welcome.session == before


async def _save(house: House, automation: int, document: dict[str, Any]) -> None:
    from store import automations

    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, automation, document, house.web.clock())
