"""Several people change one draft: all of it is kept, and each is told what matters to them."""

import asyncio

import pytest
import sqlalchemy as sa

from store import automations, drafts, users
from tests.web.conftest import House, cart_flow
from tests.web.editor import Json, draft, opened, partials, said
from web.builder.draft.drawings import Drawings

pytestmark = pytest.mark.anyio

LINE = {"do": "connect", "step": "thank", "exit": "failed", "to": "remind"}


async def test_many_at_once_all_are_done(both_houses: House) -> None:
    house = both_houses
    made = await house.automation(cart_flow())
    editors = [await opened(house, made, role) for role in ("editor", "admin", "owner")]
    answers = await asyncio.gather(
        *(one.change({"do": "add", "kind": "delay"}) for one in editors for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len((await draft(house, made))["steps"]) == 4 + 9
    async with house.web.database.read() as tx:
        standing = await drafts.standing(tx, house.company, made)
    assert (standing.version, standing.seq) == (9, 9)


class TestSeveralEditors:
    async def test_different_steps_both_apply_and_each_learns_of_the_other(
        self, house: House
    ) -> None:
        made = await house.automation(cart_flow())
        ann, bob = await opened(house, made), await opened(house, made, "owner")
        await ann.change({"do": "edit", "place": "/steps/thank/text", "value": "Grazie!"})
        answer = await bob.change({"do": "edit", "place": "/steps/reply/up_to", "value": "2d"})
        assert said(answer) == ""
        found = partials(answer)
        assert ("#step-thank", "outerMorph") in found
        assert ("#step-reply", "outerMorph") in found
        assert answer.headers["draft-version"] == "2"
        steps = (await draft(house, made))["steps"]
        assert (steps["thank"]["text"], steps["reply"]["up_to"]) == ("Grazie!", "2d")
        news = await ann.news()
        assert partials(news) == [("#step-reply", "outerMorph")]
        assert partials(await ann.news()) == []

    async def test_the_same_field_the_later_wins_and_says_so(self, house: House) -> None:
        made = await house.automation(cart_flow())
        async with house.web.database.write() as tx:
            await tx.execute(
                sa.update(users.users)
                .where(users.users.c.email == "owner@a.test")
                .values(name="Emanuela")
            )
        ann, ema = await opened(house, made), await opened(house, made, "owner")
        await ema.change({"do": "edit", "place": "/steps/reply/up_to", "value": "2d"})
        house.clock.pass_by(seconds=70)
        answer = await ann.change({"do": "edit", "place": "/steps/reply/up_to", "value": "3d"})
        assert answer.status_code == 200
        assert said(answer) == "Emanuela set this to 2 days a minute ago."
        assert ("#toasts", "innerHTML") in partials(answer)
        assert 'data-seq="1"' in answer.text
        await ann.at("1")
        assert (await draft(house, made))["steps"]["reply"]["up_to"] == "2d"

    async def test_nobody_undoes_what_they_have_not_seen(self, house: House) -> None:
        made = await house.automation(cart_flow())
        ann, ema = await opened(house, made), await opened(house, made, "owner")
        await ann.change({"do": "edit", "place": "/steps/thank/text", "value": "Grazie!"})
        await ema.change({"do": "edit", "place": "/steps/reply/up_to", "value": "2d"})
        press = {"seq": "undo", "version": str(ann.version), "from": "1"}
        refused = await ann.client.put(f"{ann.base}/draft/at", data=press)
        assert refused.status_code == 409
        assert "somebody else changed the draft a moment ago" in refused.text
        assert ("#step-reply", "outerMorph") in partials(refused)
        assert (await draft(house, made))["steps"]["reply"]["up_to"] == "2d"
        press = {
            "seq": "undo",
            "version": refused.headers["draft-version"],
            "from": refused.headers["draft-seq"],
        }
        assert (await ann.client.put(f"{ann.base}/draft/at", data=press)).status_code == 200
        assert (await draft(house, made))["steps"]["reply"]["up_to"] == "24h"

    async def test_a_step_back_whose_answer_was_lost_is_not_done_twice(self, house: House) -> None:
        made = await house.automation(cart_flow())
        ann = await opened(house, made)
        for text in ("One", "Two"):
            await ann.change({"do": "edit", "place": "/steps/thank/text", "value": text})
        for press, left in (("undo", "One"), ("redo", "Two")):
            stood = {"undo": "2", "redo": "1"}[press]
            fields = {"seq": press, "version": str(ann.version), "from": stood}
            for _ in range(2):  # sent again with the version it knew
                answer = await ann.client.put(f"{ann.base}/draft/at", data=fields)
                assert answer.status_code == 200
                assert (await draft(house, made))["steps"]["thank"]["text"] == left
            ann.version = int(answer.headers["draft-version"])
        fields = {"seq": "0", "version": str(ann.version), "from": "2"}
        await ann.client.put(f"{ann.base}/draft/at", data=fields)
        assert (await draft(house, made))["steps"]["thank"]["text"] == "Thank you!"

    @pytest.mark.parametrize(
        ("theirs", "mine", "told"),
        [
            (
                {"do": "connect", "step": "thank", "exit": "failed", "to": "reply"},
                LINE,
                "Owner of A connected this to Did they answer? just now.",
            ),
            (
                {"do": "edit", "place": "/steps/thank/text", "value": "Ciao"},
                {"do": "delete", "steps": ["thank"]},
                "Owner of A changed this just now.",
            ),
            (
                {"do": "move", "steps": {"thank": [0, 0]}},
                {"do": "edit", "place": "/steps/thank/text", "value": "Ciao"},
                "",
            ),
        ],
    )
    async def test_what_is_told(self, house: House, theirs: Json, mine: Json, told: str) -> None:
        made = await house.automation(cart_flow())
        ann, other = await opened(house, made), await opened(house, made, "owner")
        await other.change({"do": "move", "steps": {"end": [0, 0]}})
        await ann.news()
        await other.change(theirs)
        answer = await ann.change(mine)
        assert answer.headers["draft-version"] == "3"
        if told:
            assert said(answer) == told
        else:
            assert said(answer) == ""

    async def test_a_vanished_step_is_refused_with_the_cards_as_they_are(
        self, house: House
    ) -> None:
        made = await house.automation(cart_flow())
        ann, other = await opened(house, made), await opened(house, made, "owner")
        await other.change({"do": "delete", "steps": ["thank"]})
        answer = await ann.change(
            {"do": "connect", "step": "reply", "exit": "no_reply", "to": "thank"}
        )
        assert answer.status_code == 409
        assert "“Send message” is not there any more" in answer.text
        found = partials(answer)
        assert ("#step-thank", "delete") in found
        assert ("#step-reply", "outerMorph") in found
        assert ("#toasts", "innerHTML") in found
        assert answer.headers["draft-version"] == "1"
        # deleting what is gone already is what was wanted
        assert (await other.change({"do": "delete", "steps": ["thank"]})).status_code == 200

    async def test_whoever_was_away_for_long_gets_all_cards(self, house: House) -> None:
        made = await house.automation(cart_flow())
        editor = await opened(house, made)
        house.app.state["drawings"] = Drawings()  # another process, or long ago
        async with house.web.database.write() as tx:
            await automations.save_draft(
                tx, house.company, made, cart_flow(start="reply"), house.clock()
            )
        assert partials(await editor.news()) == [("#cards", "innerMorph")]
        editor.version = 99
        assert partials(await editor.news()) == [("#cards", "innerMorph")]

    async def test_the_first_change_after_a_restart_is_small_all_the_same(
        self, house: House
    ) -> None:
        editor = await opened(house, await house.automation(cart_flow()))
        house.app.state["drawings"] = Drawings()
        assert partials(await editor.change(LINE)) == [("#step-thank", "outerMorph")]
