"""The world outside in the simulator: contacts, triggers, hours, systems, and who may see what."""

from __future__ import annotations

import json
from datetime import date

import pytest
from msgspec import structs

from store import companies
from tests.web.conftest import House, cart_flow
from tests.web.seed import seed_run
from tests.web.tryout_panel import Panel

pytestmark = pytest.mark.anyio


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
