"""The settings panel over HTTP: what is stored, what is refused, and who may do it."""

from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest

from engine.webhooks import Attempt
from flows.effects import CallWebhook
from store.automations import automations
from tests.web.conftest import House, cart_flow
from web.builder.forms import trial

pytestmark = pytest.mark.anyio
PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def draft(house: House, made: int) -> dict[str, Any]:
    rows = await house.rows(automations.select().where(automations.c.id == made))
    return dict(rows[0].draft)


async def test_choosing_a_template_makes_room_for_what_it_wants(house: House) -> None:
    client = await house.signed_in("editor")
    made = await house.automation(
        cart_flow(start="one", steps={"one": {"type": "send_template", "language": "de"}})
    )
    address = f"/automations/{made}/draft/steps/one"
    page = await client.get(f"/automations/{made}/panel/step/one")
    assert "What fills" not in page.text  # nothing to fill in before there is a template
    answer = await client.patch(
        address, data={"part": "/template", "/template": "cart_reminder", "version": "0"}
    )
    assert answer.status_code == 200, answer.text
    step = (await draft(house, made))["steps"]["one"]
    assert step == {
        "type": "send_template",
        "template": "cart_reminder",
        "language": "en",
        "body": [""],
        "buttons": [{"index": 0, "kind": "quick_reply", "value": "stop"}],
        "at": step["at"],
    }
    assert "{{1}}" in answer.text
    assert "This is empty; WhatsApp refuses an empty variable." in answer.text


async def test_a_value_that_cannot_be_is_told_and_not_stored(house: House) -> None:
    client = await house.signed_in("editor")
    made = await house.automation(cart_flow())
    address = f"/automations/{made}/draft/steps/reply"
    kept = await draft(house, made)
    answer = await client.patch(
        address, data={"part": "/up_to", "/up_to~unit": "h", "/up_to~number": "abc"}
    )
    assert answer.status_code == 200
    assert "Not saved: write it like 30m, 2h or 1d." in answer.text
    assert "Draft-Version" not in answer.headers
    assert await draft(house, made) == kept
    answer = await client.patch(
        address, data={"part": "/up_to", "/up_to~unit": "d", "/up_to~number": "2"}
    )
    assert (await draft(house, made))["steps"]["reply"]["up_to"] == "2d"
    assert answer.headers["Draft-Version"] == "1"
    assert 'hx-target="#step-reply"' in answer.text
    assert 'hx-target="#f-up_to-said"' in answer.text
    assert 'id="f-up_to"' not in answer.text  # never the field that is being typed in
    again = await client.patch(
        address, data={"part": "/up_to", "/up_to~unit": "d", "/up_to~number": "2"}
    )
    assert "Draft-Version" not in again.headers
    # What makes no sense, but can be written down, is stored and told.
    none = await client.patch(
        address, data={"part": "/up_to", "/up_to~unit": "d", "/up_to~number": "0"}
    )
    assert "There must be time to answer." in none.text
    assert (await draft(house, made))["steps"]["reply"]["up_to"] == "0d"


async def test_lists_grow_move_and_shrink_with_their_lines(house: House) -> None:
    client = await house.signed_in("editor")
    steps = {
        "ask": {
            "type": "ask",
            "text": "Which size?",
            "options": [{"id": "s", "label": "Small"}, {"id": "m", "label": "Medium"}],
            "next": {"s": "end", "m": "end", "no_reply": "end"},
        },
        "end": {"type": "end"},
    }
    made = await house.automation(cart_flow(start="ask", steps=steps))
    address = f"/automations/{made}/draft/steps/ask"
    form = {
        "part": "/options",
        "/options/#": "2",
        "/options/0/label": "Small",
        "/options/1/label": "Middle",
    }
    added = await client.patch(address, data={**form, "act": "add:/options"})
    options = (await draft(house, made))["steps"]["ask"]["options"]
    assert [one["id"] for one in options] == ["s", "m", "option_1"]
    assert options[1]["label"] == "Middle"  # what was typed meanwhile is stored as well
    assert added.headers["Form-Focus"] == "f-options-2"
    stale = await client.patch(address, data={**form, "act": "remove:/options/0"})
    assert stale.status_code == 409
    assert "Somebody changed this list meanwhile." in stale.text
    form["/options/#"] = "3"
    await client.patch(address, data={**form, "act": "down:/options/0"})
    options = (await draft(house, made))["steps"]["ask"]["options"]
    assert [one["id"] for one in options] == ["m", "s", "option_1"]
    form |= {"/options/0/label": "Middle", "/options/1/label": "Small"}
    removed = await client.patch(address, data={**form, "act": "remove:/options/0"})
    step = (await draft(house, made))["steps"]["ask"]
    assert [one["id"] for one in step["options"]] == ["s", "option_1"]
    assert step["next"] == {"s": "end", "no_reply": "end"}
    assert 'hx-target="#form-next"' in removed.text
    nothing = await client.patch(address, data={**form, "/options/#": "2", "act": "up:/options/9"})
    assert nothing.status_code == 200
    assert len((await draft(house, made))["steps"]["ask"]["options"]) == 2


async def test_conditions_are_built_by_buttons(house: House) -> None:
    client = await house.signed_in("editor")
    made = await house.automation(
        cart_flow(start="one", steps={"one": {"type": "if_else"}, "end": {"type": "end"}})
    )
    address = f"/automations/{made}/draft/steps/one"

    async def do(act: str, **more: str) -> Any:
        posted = {name.replace("__", "/"): value for name, value in more.items()}
        answer = await client.patch(address, data={"part": "/condition", "act": act, **posted})
        assert answer.status_code == 200, answer.text
        return (await draft(house, made))["steps"]["one"].get("condition")

    leaf = {"type": "is", "value": "contact.tags", "op": "contains", "to": ""}
    assert await do("add:/condition") == {"type": "all", "of": [leaf]}
    grouped = await do("group:/condition")
    assert grouped == {"type": "all", "of": [leaf, {"type": "any", "of": [leaf]}]}
    turned = await do("negate:/condition/of/0")
    assert turned["of"][0] == {"type": "not", "of": leaf}
    compared = await do("compare:/condition/of/1/of/0")
    assert compared["of"][1]["of"][0]["to_value"] == "contact.name"
    typed = await do(
        "",
        __condition__of__0__of__value="~other",
        **{"/condition/of/0/of/value~text": "order.total", "/condition/of/0/of/op": "at_least"},
        __condition__of__0__of__to="12,5",
    )
    assert typed["of"][0]["of"] == {**leaf, "value": "order.total", "op": "at_least", "to": 12.5}
    assert (await do("remove:/condition/of/0"))["of"][0]["type"] == "any"
    assert await do("remove:/condition/of/7") is not None
    assert await do("remove:/condition") == {"type": "all", "of": []}


async def test_an_exit_is_led_on_by_its_select(house: House) -> None:
    client = await house.signed_in("editor")
    made = await house.automation(cart_flow())
    address = f"/automations/{made}/draft/steps/reply"
    await client.patch(address, data={"part": "/next/other", "/next/other": "end"})
    assert (await draft(house, made))["steps"]["reply"]["next"]["other"] == "end"
    new = await client.patch(address, data={"part": "/next/other", "/next/other": "+note"})
    step = (await draft(house, made))["steps"]
    assert step[step["reply"]["next"]["other"]]["type"] == "note"
    assert new.headers["Draft-Open"] == step["reply"]["next"]["other"]
    await client.patch(address, data={"part": "/next/other", "/next/other": ""})
    assert "other" not in (await draft(house, made))["steps"]["reply"]["next"]
    wrong = await client.patch(address, data={"part": "/next/other", "/next/other": "nowhere"})
    assert wrong.status_code in (409, 422)
    start = f"/automations/{made}/draft/steps/@start"
    await client.patch(start, data={"part": "/next/start", "/next/start": "reply"})
    assert (await draft(house, made))["start"] == "reply"


async def test_the_start_card_is_stored_where_it_belongs(house: House) -> None:
    client = await house.signed_in("editor")
    made = await house.automation(cart_flow())
    page = await client.get(f"/automations/{made}/panel/step/@start")
    assert "Cart left behind for 30 minutes" in page.text
    start = f"/automations/{made}/draft/steps/@start"
    wait = {"/triggers/cart/wait~unit": "h", "/triggers/cart/wait~number": "2"}
    answer = await client.patch(start, data={"part": "/triggers/cart/wait", **wait})
    assert "Cart left behind for 2 hours" in answer.text
    assert (await draft(house, made))["triggers"]["cart"]["wait"] == "2h"
    await client.patch(start, data={"part": "/entry", "/entry/policy": "parallel"})
    assert (await draft(house, made))["entry"] == {"policy": "parallel"}
    rules = {"part": "/exit_rules", "/exit_rules/#": "1", "/exit_rules/0/on": "tag.added"}
    shown = await client.patch(start, data=rules)
    assert (await draft(house, made))["exit_rules"] == [{"on": "tag.added"}]
    assert 'name="/exit_rules/0/name"' in shown.text  # which tag is asked for now
    language = {"part": "/language", "/language": "~other", "/language~text": "Italian"}
    assert "Not saved" in (await client.patch(start, data=language)).text
    assert (await draft(house, made)).get("language", "en") == "en"


async def test_a_webhook_trigger_shows_its_address(house: House) -> None:
    client = await house.signed_in("editor")
    made = await house.automation(cart_flow(triggers={"in": {"type": "webhook"}}))
    page = await client.get(f"/automations/{made}/panel/step/@start")
    assert "http://tiptoe.test/hooks/in/" in page.text
    viewer = await house.signed_in("viewer")
    seen = await viewer.get(f"/automations/{made}/panel/step/@start")
    assert seen.status_code == 200
    assert "/hooks/in/" not in seen.text


async def test_roles_companies_and_what_is_gone(house: House) -> None:
    made = await house.automation(cart_flow())
    panel = f"/automations/{made}/panel/step/reply"
    address = f"/automations/{made}/draft/steps/reply"
    name = {"part": "/name", "/name": "Other"}
    viewer = await house.signed_in("viewer")
    assert "You may look at it, but not change it." in (await viewer.get(panel)).text
    for path in (address, f"{address}/trial", f"{address}/kept"):
        way = viewer.patch if path == address else viewer.post
        assert (await way(path, data=name)).status_code == 403
    stranger = await house.signed_in("owner", "b")
    assert (await stranger.get(panel)).status_code == 404
    assert (await stranger.patch(address, data=name)).status_code == 404
    client = await house.signed_in("editor")
    assert (await client.get(f"/automations/{made}/panel/step/nowhere")).status_code == 404
    gone = await client.patch(f"/automations/{made}/draft/steps/nowhere", data=name)
    assert gone.status_code == 409
    unknown = await client.patch(address, data={"part": "/nothing", "/nothing": "x"})
    assert unknown.status_code == 409
    assert (await client.patch(address, data={})).status_code == 409
    assert (await client.patch(address, data=name)).status_code == 200
    assert (await draft(house, made))["steps"]["reply"]["name"] == "Other"


async def test_a_step_that_cannot_be_read_is_shown_and_mended(house: House) -> None:
    client = await house.signed_in("editor")
    steps = {
        "odd": {"type": "teleport", "to": "Rome"},
        "wrong": {"type": "delay", "mode": "never", "duration": 5, "weekdays": "mon"},
        "end": {"type": "end"},
    }
    made = await house.automation(cart_flow(start="wrong", steps=steps))
    odd = await client.get(f"/automations/{made}/panel/step/odd")
    assert "This step cannot be read" in odd.text
    assert "teleport" in odd.text
    page = await client.get(f"/automations/{made}/panel/step/wrong")
    assert page.status_code == 200
    assert "“never” is not possible here." in page.text
    address = f"/automations/{made}/draft/steps/wrong"
    for part, value in (("/mode", "duration"), ("/weekdays", "mon")):
        answer = await client.patch(address, data={"part": part, part: value})
        assert answer.status_code == 200, answer.text
    length = {"/duration~unit": "h", "/duration~number": "5"}
    await client.patch(address, data={"part": "/duration", **length})
    mended = (await draft(house, made))["steps"]["wrong"]
    assert (mended.get("mode", "duration"), mended["duration"]) == ("duration", "5h")


async def test_a_new_step_that_is_asked_for_again_is_one(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    form = {"part": "/next/other", "/next/other": "+note", "key": "1-2-3+note"}
    for _ in range(2):  # the first answer was lost
        answer = await client.patch(f"/automations/{made}/draft/steps/reply", data=form)
        assert answer.headers["draft-open"] == "note"
    assert len((await draft(house, made))["steps"]) == 5


async def test_secrets_stay_out_of_the_page(house: House) -> None:
    client = await house.signed_in("editor")
    hook = {
        "type": "webhook",
        "url": "http://127.0.0.1:9/",
        "headers": {"Authorization": "Bearer 12345", "X-Id": "{{ contact.id }}"},
    }
    made = await house.automation(cart_flow(start="hook", steps={"hook": hook}))
    page = await client.get(f"/automations/{made}/panel/step/hook")
    assert "12345" not in page.text
    assert "{{ contact.id }}" in page.text
    address = f"/automations/{made}/draft/steps/hook"
    posted = {
        "part": "/headers",
        "/headers/#": "2",
        "/headers/0~key": "Authorization",
        "/headers/0": "••••••••",
        "/headers/1~key": "X-Contact",
        "/headers/1": "{{ contact.id }}",
        "/headers/2~key": "Accept",
        "/headers/2": "application/json",
    }
    await client.patch(address, data=posted)
    assert (await draft(house, made))["steps"]["hook"]["headers"] == {
        "Authorization": "Bearer 12345",
        "X-Contact": "{{ contact.id }}",
        "Accept": "application/json",
    }
    tried = await client.post(f"{address}/trial")
    assert "an address inside a private network" in tried.text
    assert "12345" not in tried.text
    await client.post(f"{address}/kept", data={"path": "data.points", "to": "name"})
    await client.post(f"{address}/kept", data={"path": "data.points", "to": "field:points"})
    hook = (await draft(house, made))["steps"]["hook"]
    assert (hook["save"], hook["save_fields"]) == (
        {"points": "data.points"},
        {"points": "data.points"},
    )
    assert (await client.post(f"{address}/kept", data={"path": "", "to": ""})).status_code == 422


async def test_a_file_is_uploaded_for_a_message(house: House) -> None:
    client = await house.signed_in("editor")
    media = {"media": "video", "link": "https://a.test/film"}
    message = {"type": "send_message", "text": "Look!", "media": media}
    made = await house.automation(cart_flow(start="one", steps={"one": message}))
    address = f"/automations/{made}/draft/steps/one/files"
    picture = {"file": ("cat.png", PNG, "image/png")}
    place = {"place": "/media/sha256"}
    answer = await client.post(address, data=place, files=picture)
    assert answer.status_code == 200, answer.text
    kept = (await draft(house, made))["steps"]["one"]["media"]
    assert kept == {"media": "image", "sha256": sha256(PNG).hexdigest()}
    assert "A file is chosen." in answer.text
    wrong = await client.post(address, data=place, files={"file": ("a.png", b"", "image/png")})
    assert "Not saved: The file is empty." in wrong.text
    assert (await client.post(address, data={"place": "/text"}, files=picture)).status_code == 422
    form = {"part": "/media", "act": "clear:/media/sha256", "/media/sha256": kept["sha256"]}
    await client.patch(address.removesuffix("/files"), data=form)
    assert (await draft(house, made))["steps"]["one"]["media"] == {"media": "image"}


async def test_a_button_that_is_pressed_again_by_the_line_does_nothing_twice(house: House) -> None:
    client = await house.signed_in("editor")
    tag = {"type": "tag", "add": ["a", "b", "c"]}
    made = await house.automation(cart_flow(start="one", steps={"one": tag}))
    form = {"part": "/add", "/add/#": "3", "act": "remove:/add/0", "key": "1-2-3-4"}
    address = f"/automations/{made}/draft/steps/one"
    for _ in range(2):
        await client.patch(address, data=form)
    assert (await draft(house, made))["steps"]["one"]["add"] == ["b", "c"]
    undone = await client.put(f"/automations/{made}/draft/at", data={"seq": "undo"})
    assert undone.status_code == 200
    assert (await draft(house, made))["steps"]["one"]["add"] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", ["automations/0", "automations/99", "automations/99999999999"])
async def test_other_automations_are_not_there(house: House, kind: str) -> None:
    client = await house.signed_in("editor")
    assert (await client.get(f"/{kind}/panel/step/one")).status_code == 404
    assert (
        await client.patch(f"/{kind}/draft/steps/one", data={"part": "/name"})
    ).status_code == 404


async def test_a_trial_shows_what_came_back_and_what_of_it_can_be_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[CallWebhook] = []

    async def answered(*given: Any) -> Attempt:
        asked.append(given[2])
        return Attempt(ok=True, status=200, body={"data": {"points": 12, "tags": ["a"]}})

    monkeypatch.setattr(trial, "attempt", answered)
    client = await house.signed_in("editor")
    hook = {
        "type": "webhook",
        "url": "https://crm.test/{{ contact.first_name }}",
        "body": '{"cart": {{ cart.total | json }}}',
    }
    made = await house.automation(cart_flow(start="hook", steps={"hook": hook}))
    tried = await client.post(f"/automations/{made}/draft/steps/hook/trial")
    assert (asked[0].url, asked[0].body) == ("https://crm.test/Ada", '{"cart": "64.00"}')
    assert "Answered 200" in tried.text
    assert "data.points" in tried.text
    assert "data.tags.0" in tried.text
    broken = {"type": "webhook", "url": "nowhere"}
    other = await house.automation(cart_flow(start="hook", steps={"hook": broken}))
    said = await client.post(f"/automations/{other}/draft/steps/hook/trial")
    assert "It cannot be tried: the address came out as “nowhere”." in said.text


async def test_many_steps_are_listed_once(house: House) -> None:
    client = await house.signed_in("editor")
    ends = {f"end{number}": {"type": "end"} for number in range(200)}
    ask = {"type": "ask", "options": [{"id": f"o{n}", "label": f"{n}"} for n in range(10)]}
    made = await house.automation(cart_flow(start="ask", steps={"ask": ask, **ends}))
    page = await client.get(f"/automations/{made}/panel/step/ask")
    assert page.text.count('value="end77"') == 1
    assert page.text.count("data-options-from") == 13
