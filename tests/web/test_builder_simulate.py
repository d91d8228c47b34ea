"""The simulator's panel over HTTP: a try-out comes along with each press, and goes back changed."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from msgspec import structs

from store import companies, scenarios
from store.events import events
from store.messages import messages
from store.runs import runs
from tests.web.conftest import House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
LIBRARY = Path(__file__).parents[2] / "flows" / "library"
SESSION = re.compile(r'name="session" value="([^"]*)"')


def library(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((LIBRARY / f"{name}.json").read_text())
    return found


class Panel:
    """The panel as a browser holds it."""

    def __init__(self, client: httpx.AsyncClient, automation: int) -> None:
        self.client = client
        self.base = f"/automations/{automation}"
        self.text = ""
        self.status = 0

    async def open(self) -> Panel:
        return self._took(await self.client.get(f"{self.base}/panel/simulate"))

    async def press(self, do: str, **fields: str) -> Panel:
        form = {"session": self.session_text, "do": do, **fields}
        return self._took(await self.client.post(f"{self.base}/simulate", data=form))

    async def keep(self, **fields: Any) -> Panel:
        form = {"session": self.session_text, **fields}
        return self._took(await self.client.post(f"{self.base}/simulate/tests", data=form))

    async def tap(self, label: str) -> Panel:
        found = re.search(rf'name="tap" value="([^"]*)">{re.escape(label)}', self.text)
        assert found is not None, self.text
        return await self.press("tap", tap=html.unescape(found[1]))

    @property
    def session_text(self) -> str:
        found = SESSION.search(self.text)
        assert found is not None, self.text
        return html.unescape(found[1])

    @property
    def session(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.session_text)
        return found

    @property
    def words(self) -> str:
        """What people read."""
        shown = self.text.partition("<hx-partial")[0]
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())

    def walk(self, name: str) -> Any:
        found = re.search(rf'data-{name}="([^"]*)"', self.text)
        assert found is not None
        text = html.unescape(found[1])
        return text if name == "current" else json.loads(text)

    def _took(self, answer: httpx.Response) -> Panel:
        self.text, self.status = answer.text, answer.status_code
        return self


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
        ("setup", {"trigger": "hello", "said": "  "}, "what the customer says first"),
        ("setup", {"trigger": "hello", "said": "hi", "zone": "Atlantis"}, "no time zone"),
        ("setup", {"trigger": "hello", "said": "hi", "consent": "maybe"}, "Consent is"),
        ("setup", {"trigger": "hello", "said": "hi", "start": "soon"}, "no day and time"),
        ("setup", {"trigger": "hello", "said": "hi", "first_name": "x" * 300}, "characters"),
        ("choose", {"answer-greet": "x"}, "Choose what the webhook answers"),
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


async def test_another_contact_another_trigger_another_time(house: House) -> None:
    made = await house.automation(cart_flow())
    panel = await Panel(await house.signed_in("editor"), made).open()
    assert "Hi Ada, your cart is waiting." in panel.words

    await panel.press(
        "setup",
        trigger="cart",
        payload=json.dumps({"cart": {"total": "5.00"}}),
        first_name="Grace",
        tags="vip, new ,",
        language="it",
        start="2026-03-03T03:12",
        plain="on",
    )
    assert panel.status == 200
    assert panel.session["first"]["data"] == {"cart": {"total": "5.00"}}
    assert sorted(panel.session["contact"]["tags"]) == ["new", "vip"]
    assert "Hi Grace, your cart is waiting." in panel.words
    assert "Its message leaves Tue 3 Mar 09:00 (in 5 hours 48 minutes), not at 03:12" in panel.words
    assert "It is outside the sending hours for this contact (Europe/Rome)." in panel.words
    await panel.press("jump")
    assert panel.walk("passed")[-1] == ["remind", "sent"]

    await panel.press("setup", trigger="api")
    assert panel.session["first"] == {
        "type": "api",
        "automation_id": made,
        "data": {"order": "1001"},
    }
    await panel.press("setup", trigger="api", payload="{nothing")
    assert panel.status == 422
    assert "must be JSON" in panel.words
    await panel.press("setup", trigger="api", payload="[1]")
    assert "must be a JSON object" in panel.words
    await panel.press("setup", trigger="")
    assert panel.session.get("trigger", "") == ""
    assert panel.walk("current") == "remind"  # at 03:12 still


async def test_what_is_told_cannot_be_aimed_elsewhere(house: House) -> None:
    document = cart_flow(triggers={"tag": {"type": "tag_added", "tag": "vip"}})
    panel = await Panel(await house.signed_in("editor"), await house.automation(document)).open()
    assert panel.session["first"] == {"type": "tags_changed", "added": ["vip"]}
    await panel.press("setup", trigger="tag", payload='{"added": ["other"]}')
    assert "Nothing has started" in panel.words
    await panel.press("setup", trigger="tag", payload='{"added": 7}')
    assert panel.status == 422
    assert "cannot be told" in panel.words
    await panel.press("setup", trigger="tag", payload='{"type": "stopped", "added": ["vip"]}')
    assert panel.session["first"] == {"type": "tags_changed", "added": ["vip"]}


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


async def test_holidays_close_the_day(house: House) -> None:
    async with house.web.database.write() as tx:
        firm = await companies.get(tx, house.company)
        settings = structs.replace(firm.settings, holidays=(date(2026, 3, 2),))
        await companies.set_settings(tx, house.company, settings)
    made = await house.automation(cart_flow())
    panel = await Panel(await house.signed_in("editor"), made).open()
    assert "Its message leaves Tue 3 Mar 09:00" in panel.words
    assert "It is a holiday for this contact (Europe/Rome)." in panel.words


async def test_who_did_not_write_lately_gets_no_free_message(house: House) -> None:
    document = cart_flow(
        start="thank",
        steps={
            "thank": {"type": "send_message", "text": "Hello?", "next": {"failed": "end"}},
            "end": {"type": "end"},
        },
    )
    panel = await Panel(await house.signed_in("editor"), await house.automation(document)).open()
    assert "Failed: the service window is closed" in panel.words
    assert "only a template may be sent" in panel.words


async def test_the_next_message_fares_as_chosen_and_only_that(house: House) -> None:
    made = await house.automation(cart_flow())
    panel = await Panel(await house.signed_in("editor"), made).open()
    await panel.press("restart", next_state="failed", next_reason="no such number")
    assert "Failed: no such number" in panel.words
    await panel.press("restart")
    assert "Failed" not in panel.words.partition("What happens outside")[0]
    await panel.press("say", text="yes", next_state="failed", next_reason="too bad")
    assert panel.session["verdicts"] == [{"message": 2, "state": "failed", "reason": "too bad"}]
    await panel.press("back")
    assert "verdicts" not in panel.session


async def test_systems_answer_and_splits_go_as_chosen(house: House) -> None:
    document = cart_flow(
        start="ask",
        exit_rules=[{"on": "order.created"}],
        steps={
            "ask": {
                "type": "webhook",
                "name": "CRM",
                "url": "https://crm.example/x",
                "next": {"ok": "split", "failed": "end"},
            },
            "split": {
                "type": "split",
                "name": "Half",
                "parts": [{"exit": "a", "label": "A"}, {"exit": "b", "label": "B"}],
                "next": {"a": "wait", "b": "end"},
            },
            "wait": {"type": "delay", "duration": "7d", "next": {"after": "end"}},
            "end": {"type": "end"},
        },
    )
    panel = await Panel(await house.signed_in("editor"), await house.automation(document)).open()
    for way in ("a", "b", "a"):
        await panel.press("choose", **{"split-split": way})
        assert ["split", way] in panel.walk("passed")
    await panel.press("choose", **{"answer-ask": "500", "body-ask": "plain words"})
    assert ["ask", "failed"] in panel.walk("passed")
    assert panel.session["answers"] == [{"step": "ask", "status": 500, "body": "plain words"}]
    await panel.press("choose", **{"answer-ask": "", "body-ask": '{"points": 3}'})
    assert panel.session["answers"] == [{"step": "ask", "body": {"points": 3}}]
    await panel.press("choose", **{"answer-ask": "", "body-ask": ""})
    assert "answers" not in panel.session
    assert panel.walk("current") == "wait"

    await panel.press("happen", number="0")
    assert "Stopped" in panel.words
    kept = await panel.keep(name="Buys", parts=["exits", "end", "exactly"])
    assert "The test “Buys” is saved." in kept.words
    assert "Tests (1)" in kept.words


async def test_another_automation_ends_as_chosen(house: House) -> None:
    document = cart_flow(
        start="ask",
        steps={
            "ask": {
                "type": "sub_flow",
                "name": "Survey",
                "automation": "99",
                "results": [{"result": "glad", "label": "Is glad"}],
                "next": {"glad": "end", "done": "end", "failed": "end"},
            },
            "end": {"type": "end"},
        },
    )
    panel = await Panel(await house.signed_in("editor"), await house.automation(document)).open()
    assert "Survey ends well with “Is glad” without its end" in panel.words
    assert ["ask", "done"] in panel.walk("passed")
    await panel.press("choose", **{"ended-ask": "=glad"})
    assert ["ask", "glad"] in panel.walk("passed")
    await panel.press("choose", **{"ended-ask": "!"})
    assert ["ask", "failed"] in panel.walk("passed")
    await panel.press("choose", **{"ended-ask": ""})
    assert "answers" not in panel.session


async def test_a_copy_of_a_real_contact(house: House) -> None:
    made = await house.live()
    _, contact = await seed_run(house, made)
    editor = await house.signed_in("editor")
    panel = await Panel(editor, made).open()

    found = await editor.get(f"{panel.base}/panel/simulate/contacts?q=Rossi")
    assert "Ada Rossi" in found.text
    assert f'value="{contact}"' in found.text
    empty = await editor.get(f"{panel.base}/panel/simulate/contacts?q=nobody")
    assert "Nobody found by “nobody”" in empty.text

    await panel.press("person", contact=str(contact))
    assert panel.session["contact_id"] == contact
    assert "as Ada Rossi (a copy)" in panel.words
    assert "ada@example.com" in panel.words
    assert "+393312345678" not in panel.session_text
    await panel.press("person", contact="0")
    assert "as Ada Byron" in panel.words

    await panel.press("person", contact="987654321")
    assert panel.status == 422
    assert "not there any more" in panel.words
    assert "as Ada Byron" in panel.words

    other = await Panel(await house.signed_in("owner", "b"), made).open()
    assert other.status == 404


async def test_a_viewer_plays_but_sees_no_contacts_and_keeps_nothing(house: House) -> None:
    made = await house.live()
    _, contact = await seed_run(house, made)
    viewer = await house.signed_in("viewer")
    panel = await Panel(viewer, made).open()
    await panel.press("hour")
    assert panel.status == 200
    assert "Save as test" not in panel.words
    assert "As a copy of a contact" not in panel.words

    await panel.press("person", contact=str(contact))
    assert panel.status == 422
    assert "You may not look at contacts" in panel.words
    assert (await viewer.get(f"{panel.base}/panel/simulate/contacts?q=A")).status_code == 403
    form = {"session": panel.session_text, "name": "Mine", "parts": "exits"}
    assert (await viewer.post(f"{panel.base}/simulate/tests", data=form)).status_code == 403


async def test_a_passage_is_kept_as_a_test(house: House, welcome: Panel) -> None:
    await welcome.tap("Show me offers")
    await welcome.keep(name="", parts=["exits"])
    assert (welcome.status, "Give the test a name." in welcome.words) == (422, True)
    await welcome.keep(name="Offers")
    assert "Choose at least one thing" in welcome.words
    await welcome.keep(name="Offers", parts=["exits", "messages", "exactly"])
    assert welcome.status == 200
    await welcome.keep(name="Offers", parts=["exits"])
    assert welcome.status == 422
    assert "Offers" in welcome.words

    [(document,)] = await house.rows(sa.select(scenarios.scenarios.c.document))
    assert document["expect"]["exits"] == ["greet.sent", "wait_choice.offers", "interest.sent"]
    assert document["script"] == [{"after": "5s", "on_message": 1, "tap": "greet.offers"}]

    told = await welcome.client.get(f"{welcome.base}/panel/simulate/tests")
    assert "All passed" in told.text
    assert ">Offers</a>" in told.text


async def test_a_stop_is_a_test_with_the_companys_own_words(house: House) -> None:
    async with house.web.database.write() as tx:
        firm = await companies.get(tx, house.company)
        own = {"stop_words": ("basta",), "stop_confirmation": "Va bene, non scriviamo più."}
        settings = structs.replace(firm.settings, **own)
        await companies.set_settings(tx, house.company, settings)
    made = await house.automation(cart_flow())
    panel = await Panel(await house.signed_in("editor"), made).open()
    await panel.press("say", text="Basta!")
    assert "Bot: Va bene, non scriviamo più." in panel.words
    assert "Consent no" in panel.words
    await panel.keep(name="Says stop", parts=["exits", "messages", "end", "exactly"])
    assert "The test “Says stop” is saved." in panel.words


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


async def test_a_long_passage_stays_quick(house: House, welcome: Panel) -> None:
    for _ in range(3):
        await welcome.press("day")
    started = house.web.clock()
    session = {**welcome.session, "acts": [{"at": 5 * n} for n in range(299)]}
    await welcome.press("hour", session=json.dumps(session))
    assert welcome.status == 200
    await welcome.press("hour")
    assert welcome.status == 422
    assert "too long" in welcome.words
    assert house.web.clock() - started < timedelta(seconds=1)


async def _save(house: House, automation: int, document: dict[str, Any]) -> None:
    from store import automations

    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, automation, document, house.web.clock())
