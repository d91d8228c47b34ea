"""Changes of a draft over HTTP: patches, undo and redo, refusals."""

import json
import random
from contextlib import suppress
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from flows.editing import EditRefused, read_changes
from store import automations, drafts
from tests.web.conftest import House, cart_flow
from tests.web.editor import Editor, Json, draft, opened, partials, said
from web.builder.draft.commit import commit, go_to
from web.builder.draft.drawings import KEPT, Drawings
from web.builder.drawing import draw
from web.security.who import Who

pytestmark = pytest.mark.anyio


LINE = {"do": "connect", "step": "thank", "exit": "failed", "to": "remind"}


async def test_a_change_is_kept_and_its_cards_are_sent(both_houses: House) -> None:
    house = both_houses
    made = await house.automation(cart_flow())
    editor = await opened(house, made)
    answer = await editor.change(
        {"do": "add", "kind": "delay", "after": {"step": "thank", "exit": "sent"}}
    )
    assert answer.status_code == 200, answer.text
    assert (answer.headers["draft-version"], answer.headers["draft-seq"]) == ("1", "1")
    assert answer.headers["draft-open"] == "delay"
    assert said(answer) == "Delay added"
    found = partials(answer)
    assert ("#step-thank", "outerMorph") in found
    assert ("#step-thank", "afterend") in found
    assert "Undo: Add Delay" in answer.text
    steps = (await draft(house, made))["steps"]
    assert steps["thank"]["next"] == {"sent": "delay"}
    assert steps["delay"]["next"] == {"after": "end"}


async def test_neighbours_whose_problems_changed_are_sent(house: House) -> None:
    editor = await opened(house, await house.automation(cart_flow()))
    answer = await editor.change({"do": "delete", "steps": ["end"]})
    assert sorted(partials(answer)) == [
        ("#step-end", "delete"),
        ("#step-reply", "outerMorph"),
        ("#step-thank", "outerMorph"),
    ]
    assert "Exit “No reply” leads nowhere." in answer.text
    assert said(answer) == "End deleted. Undo with Control Z"


async def test_a_pure_move_sends_the_bar_only(house: House) -> None:
    editor = await opened(house, await house.automation(cart_flow()))
    answer = await editor.change({"do": "move", "steps": {"thank": [80, 80], "end": [800, 80]}})
    assert partials(answer) == []
    assert said(answer) == ""
    beside = await editor.change({"do": "move", "steps": {"thank": [81.5, 80], "end": [0, 0]}})
    assert ("#step-thank", "outerMorph") not in partials(beside)  # it is where it was
    assert ("#step-end", "outerMorph") in partials(beside)  # all of them, when one is off the grid
    tidied = await editor.change({"do": "tidy"})
    assert ("#step-thank", "outerMorph") in partials(tidied)
    assert said(tidied) == "Tidied up. Undo with Control Z"


async def test_undo_redo_and_the_history(both_houses: House) -> None:
    house = both_houses
    made = await house.automation(cart_flow())
    editor = await opened(house, made)
    await editor.change({"do": "edit", "place": "/steps/thank/name", "value": "Thanks"})
    await editor.change({"do": "delete", "steps": ["thank"]})
    undone = await editor.at("undo")
    assert said(undone) == "Undone: Delete Thanks"
    assert "Redo: Delete Thanks" in undone.text
    assert any(swap == "afterend" for _, swap in partials(undone))
    again = await editor.at("redo")
    assert said(again) == "Done again: Delete Thanks"
    assert ("#step-thank", "delete") in partials(again)
    assert said(await editor.at("redo")) == "There is nothing to redo"
    first = await editor.at("0")
    assert said(first) == "Undone: 2 changes"
    # what was only shown as arranged is where it was too
    assert await draft(house, made) == cart_flow()
    assert said(await editor.at("undo")) == "There is nothing to undo"
    assert (await editor.at("sideways")).status_code == 422


async def test_what_is_sent_twice_is_done_once(house: House) -> None:
    made = await house.automation(cart_flow())
    editor = await opened(house, made)
    for _ in range(2):
        editor.version = 0  # the answer was lost
        answer = await editor.change({"do": "add", "kind": "delay"}, key="1-2-3-4")
        assert answer.status_code == 200
        assert answer.headers["draft-version"] == "1"
        assert answer.headers["draft-open"] == "delay"
        assert any(swap == "afterend" for _, swap in partials(answer))
    other = await editor.change({"do": "add", "kind": "delay"}, key="5-6-7-8")
    assert other.headers["draft-version"] == "2"
    late = await editor.change({"do": "add", "kind": "delay"}, key="1-2-3-4")
    assert late.headers["draft-version"] == "2"


async def test_the_list_keeps_the_order_of_travel(house: House) -> None:
    steps = {
        "first": {"type": "tag", "add": ["a"], "next": {"done": "last"}},
        "last": {"type": "end"},
        "loose": {"type": "tag", "add": ["b"]},
    }
    editor = await opened(house, await house.automation(cart_flow(start="first", steps=steps)))
    answer = await editor.change(
        {"do": "insert", "step": "loose", "onto": {"step": "first", "exit": "done"}}
    )
    assert partials(answer) == [("#cards", "innerMorph")]
    order = [answer.text.index(f'id="step-{one}"') for one in ("first", "loose", "last")]
    assert order == sorted(order)


async def test_new_cards_come_behind_one_that_is_there(house: House) -> None:
    made = await house.automation(cart_flow())
    editor = await opened(house, made)
    chain = {
        "a": {"type": "tag", "next": {"done": "b"}},
        "b": {"type": "tag", "next": {"done": "c"}},
        "c": {"type": "end"},
    }
    answer = await editor.change({"do": "paste", "clip": {"steps": chain}})
    found = partials(answer)
    assert [one for one in found if one[1] != "delete"] == [("#step-end", "afterend")]
    assert answer.text.index('id="step-a"') < answer.text.index('id="step-b"')
    assert answer.text.index('id="step-b"') < answer.text.index('id="step-c"')
    assert said(answer) == "3 steps pasted"


async def test_what_changes_nothing_makes_no_entry(house: House) -> None:
    editor = await opened(house, await house.automation(cart_flow()))
    answer = await editor.change({"do": "connect", "step": "remind", "exit": "sent", "to": "reply"})
    assert (answer.status_code, answer.headers["draft-version"]) == (200, "0")
    assert partials(answer) == []


async def test_a_long_day_of_edits_can_be_taken_back(both_houses: House) -> None:
    """What a database makes of numbers, empty objects and the order of keys never gets between an
    entry and the document it leads to.
    """
    house = both_houses
    made = await house.automation(cart_flow())
    who = Who(house.company, "A", ZoneInfo("UTC"), "en", "IT", "editor", "Ann")
    chance = random.Random(7)
    seen = {0: cart_flow()}
    for _ in range(80):
        steps = list((await draft(house, made))["steps"])
        step, other = chance.choice(steps), chance.choice(steps)
        exits = ("sent", "after", "done", "other", "no_reply", "yes")
        wishes: list[Json] = [
            {"do": "add", "kind": chance.choice(("delay", "ask", "if_else", "set_field", "tag"))},
            {"do": "add", "kind": "delay", "after": {"step": step, "exit": chance.choice(exits)}},
            {"do": "connect", "step": step, "exit": chance.choice(exits), "to": other},
            {"do": "delete", "steps": [step], "join": chance.random() < 0.5},
            {"do": "duplicate", "steps": list({step, other})},
            {"do": "move", "steps": {step: [chance.randint(-999, 999), 1.5]}},
            {"do": "edit", "place": f"/steps/{step}/name", "value": chance.choice(("è", "", "b"))},
            {
                "do": "edit",
                "place": f"/steps/{step}/at_least",
                "value": chance.choice((1, 1.0, 1e3)),
            },
            {"do": "edit", "place": f"/steps/{step}/only", "value": {"days": [], "start": None}},
            {"do": "tidy"},
        ]
        changes = read_changes(json.dumps([chance.choice(wishes)]))
        with suppress(EditRefused):
            done = await commit(cast("Any", None), who, house.web, made, changes, version=None)
            seen[done.seq] = await draft(house, made)
    assert len(seen) > 30
    for seq in (*reversed(seen), *seen, max(seen) // 2, 0):
        await go_to(who, house.web, made, str(seq), None)
        assert await draft(house, made) == seen[seq]


class TestRefusals:
    async def test_what_makes_no_sense_puts_the_card_back(self, house: House) -> None:
        made = await house.automation(cart_flow())
        editor = await opened(house, made)
        answer = await editor.change(
            {"do": "move", "steps": {"end": [0, 0]}},
            {"do": "connect", "step": "thank", "exit": "sent", "to": "thank"},
        )
        assert answer.status_code == 422
        assert "A step cannot lead to itself." in answer.text
        assert ("#step-end", "outerMorph") in partials(answer)
        assert await draft(house, made) == cart_flow()  # all or nothing

    @pytest.mark.parametrize("text", ["", "[]", "{", '[{"do":"x"}]', '[{"do":"move","steps":3}]'])
    async def test_what_is_no_list_of_changes(self, house: House, text: str) -> None:
        editor = await opened(house, await house.automation(cart_flow()))
        answer = await editor.client.post(f"{editor.base}/draft/changes", data={"changes": text})
        assert answer.status_code == 422
        assert "cannot be read" in answer.text

    async def test_a_version_that_is_none(self, house: House) -> None:
        editor = await opened(house, await house.automation(cart_flow()))
        for version in ("", "-1", "x", "9" * 30):
            answer = await editor.client.get(
                f"{editor.base}/draft/patches", params={"since": version}
            )
            assert partials(answer) == [("#cards", "innerMorph")]

    async def test_archived(self, house: House) -> None:
        made = await house.automation(cart_flow())
        editor = await opened(house, made)
        await editor.change(LINE)
        async with house.web.database.write() as tx:
            await automations.archive(tx, house.company, made, house.clock())
        for answer in (await editor.change(LINE), await editor.at("undo")):
            assert answer.status_code == 409
            assert "This automation is archived" in answer.text

    async def test_too_large(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("web.builder.draft.commit.DOCUMENT_LIMIT", 300)
        editor = await opened(house, await house.automation(cart_flow()))
        answer = await editor.change({"do": "add", "kind": "delay"})
        assert answer.status_code == 422
        assert "300 characters at most" in answer.text
        smaller = await editor.change({"do": "delete", "steps": ["thank", "end", "reply"]})
        assert smaller.status_code == 200

    async def test_who_may(self, house: House) -> None:
        made = await house.automation(cart_flow())
        other = await house.automation(cart_flow(), house.other_company)
        viewer = await opened(house, made, "viewer")
        assert (await viewer.change(LINE)).status_code == 403
        assert (await viewer.at("undo")).status_code == 403
        assert (await viewer.news()).status_code == 200
        stranger = Editor(await house.signed_in("editor"), other)
        assert (await stranger.change(LINE)).status_code == 404
        assert (await stranger.at("undo")).status_code == 404
        assert (await stranger.news()).status_code == 404
        nobody = house.client(**{"hx-request": "true"})
        answer = await nobody.get(f"/automations/{made}/draft/patches")
        assert answer.status_code == 401

    async def test_too_many_steps(self, house: House) -> None:
        steps = {f"s{n}": {"type": "end"} for n in range(1000)}
        made = await house.automation(cart_flow(start="s0", steps=steps))
        editor = await opened(house, made)
        answer = await editor.change({"do": "duplicate", "steps": ["s1"]})
        assert answer.status_code == 422
        assert "1,000 steps at most" in answer.text


async def test_every_other_way_to_write_a_draft_is_an_entry(house: House) -> None:
    made = await house.live(cart_flow())
    editor, machine = await opened(house, made), house.machine()
    longer = cart_flow()
    longer["steps"]["reply"]["up_to"] = "2d"
    assert (await machine.put(f"/api/v1/automations/{made}/draft", json=longer)).status_code == 200
    assert partials(await editor.news()) == [("#step-reply", "outerMorph")]
    answer = await editor.client.put(
        f"/automations/{made}/revisions/1/restored", params={"force": "true"}
    )
    assert answer.status_code == 200
    await editor.news()
    assert said(await editor.at("undo")) == "Undone: Restore revision 1"
    assert (await draft(house, made))["steps"]["reply"]["up_to"] == "2d"
    async with house.web.database.read() as tx:
        found = await drafts.history(tx, house.company, made)
    assert [one.author for one in found] == ["Editor of A", ""]


async def test_ids_of_steps_that_contacts_have_been_to_are_not_used_again(house: House) -> None:
    from store.visits import step_counts

    made = await house.automation(cart_flow())
    async with house.web.database.write() as tx:
        await tx.execute(
            sa.insert(step_counts).values(automation_id=made, step="delay", name="after", n=3)
        )
    editor = await opened(house, made)
    answer = await editor.change({"do": "add", "kind": "delay"})
    assert answer.headers["draft-open"] == "delay_2"


async def test_a_document_of_any_form_can_be_edited_as_far_as_it_goes(house: House) -> None:
    odd = {"name": "Odd", "steps": {"a b": {"type": "x"}, "c": None, "d": {"type": "delay"}}}
    made = await house.automation(odd)
    editor = await opened(house, made)
    answer = await editor.change({"do": "delete", "steps": ["a b"]})
    assert partials(answer) == [("#cards", "innerMorph")]  # no selector can name it
    assert (await editor.change({"do": "move", "steps": {"c": [0, 0]}})).status_code == 422
    none = await house.automation({"name": "None", "steps": []})
    assert (await (await opened(house, none)).change({"do": "tidy"})).status_code == 422


def test_only_so_many_drawings_are_kept_and_their_cards_once() -> None:
    kept, document = Drawings(), cart_flow()
    for version in range(KEPT + 1):
        document["steps"]["thank"]["text"] = f"Thank you {version}"
        kept.keep(1, version, draw(document, None))
        assert kept.find(1, 0) is not None
    assert kept.find(1, 1) is None
    first, last = kept.find(1, 2), kept.find(1, KEPT)
    assert first is not None
    assert last is not None
    assert [one.step for one in last.changed_since(first)] == ["thank"]
    assert first.card("remind") is last.card("remind")


async def test_letters_that_no_database_keeps(both_houses: House) -> None:
    house = both_houses
    made = await house.automation(cart_flow())
    editor = await opened(house, made)
    text = "a\0b\n“è” 👋 <script>{{ contact.name }}"
    answer = await editor.change({"do": "edit", "place": "/steps/thank/text", "value": text})
    assert answer.status_code == 200
    assert "<script>{{" not in answer.text
    assert (await draft(house, made))["steps"]["thank"]["text"] == text.replace("\0", "")
    huge = {"do": "edit", "place": "/steps/reply/tries", "value": 10**40}
    assert (await editor.change(huge)).status_code == 422
    await editor.at("undo")
    assert await draft(house, made) == cart_flow()
