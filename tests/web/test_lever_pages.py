"""Pages for publishing, revisions and levers: what they show, change and refuse."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.events import Event, MovedTo, Stopped
from store import automations
from store.events import events
from store.runs import runs
from store.templates import templates
from tests.web.conftest import House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio


async def draft(house: House, made: int, **steps: Any) -> None:
    document = cart_flow()
    for name, more in steps.items():
        document["steps"][name] = document["steps"].get(name, {}) | more
    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, made, document, house.clock())


async def told(house: House) -> list[Any]:
    rows = await house.rows(sa.select(events.c.data).order_by(events.c.id))
    return [msgspec.convert(row.data, Event) for row in rows]


async def test_the_first_publish_says_what_it_is(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    page = (await client.get(f"/automations/{made}/publish")).text
    assert "Publish revision 1" in page
    assert "4 steps. It starts by Cart left behind for 30 minutes + 1 more." in page
    assert "inside an older revision" not in page


async def test_publishing_shows_changes_and_follows_the_table(house: House) -> None:
    made = await house.live()
    await seed_run(house, made)
    await draft(house, made, reply={"up_to": "2d"})
    client = await house.signed_in("editor")
    page = (await client.get(f"/automations/{made}/publish")).text
    for said in (
        "Publish revision 2",
        "“Did they answer?”: up to 1 day → 2 days.",
        "1 contact is inside an older revision",
        'name="plan/reply"',
        "changed",
    ):
        assert said in page, said
    form = {"comment": "longer", "plan/reply": "move:nowhere"}
    wrong = await client.put(f"/automations/{made}/published", data=form)
    assert wrong.status_code == 422
    assert "the new revision has no such step" in wrong.text
    assert "longer" in wrong.text
    form["plan/reply"] = "move:thank"
    done = await client.put(f"/automations/{made}/published", data=form)
    assert done.status_code == 200
    assert "Revision 2 is live. 1 contact moved." in done.text
    assert done.headers["hx-push-url"] == f"/automations/{made}/more"
    assert f'href="/automations/{made}/revisions/1/publish"' in done.text
    [event] = await told(house)
    assert (event.step, event.from_step) == ("thank", "reply")


async def test_a_stale_publish_is_shown_what_there_is_now(house: House) -> None:
    made = await house.live()
    await draft(house, made, reply={"up_to": "2d"})
    client = await house.signed_in("editor")
    stale = await client.put(
        f"/automations/{made}/published", data={"expected": "0123456789abcdef"}
    )
    assert stale.status_code == 409
    assert "changed while you were looking" in stale.text
    assert "→ 2 days." in stale.text


async def test_nothing_changed_makes_nothing_new(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    page = (await client.get(f"/automations/{made}/publish")).text
    assert "Revision 1 has no changes" in page
    assert "disabled" in page
    assert "inside older ones" not in (await client.get(f"/automations/{made}/revisions")).text
    await client.put(f"/automations/{made}/published")
    assert "Revision 2" not in (await client.get(f"/automations/{made}/revisions")).text


async def test_who_stayed_is_moved_later_without_a_new_revision(house: House) -> None:
    made = await house.live()
    await seed_run(house, made)
    await draft(house, made, reply={"up_to": "2d"})
    client = await house.signed_in("editor")
    await client.put(f"/automations/{made}/published")
    listed = (await client.get(f"/automations/{made}/revisions")).text
    assert "Move who is inside older ones" in listed
    page = (await client.get(f"/automations/{made}/publish")).text
    assert "Revision 2 has no changes" in page
    assert "1 contact is inside an older revision" in page
    form = {"plan/reply": "leave"}
    done = await client.put(f"/automations/{made}/published", data=form)
    assert "Revision 2 is live. 1 run ended." in done.text
    assert await told(house) == [Stopped("revision 2 was published", from_step="reply")]


async def test_a_revision_whose_needs_are_gone_is_not_made_live(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    await draft(house, made, reply={"up_to": "2d"})
    await client.put(f"/automations/{made}/published")
    async with house.web.database.write() as tx:
        await tx.execute(sa.delete(templates))
    page = (await client.get(f"/automations/{made}/revisions/1/publish")).text
    assert "Make revision 1 live again" in page
    assert "Template “cart_reminder” in language “en” does not exist." in page
    refused = await client.put(f"/automations/{made}/revisions/1/published")
    assert refused.status_code == 422
    assert "Not published: 1 error to solve first." in refused.text


async def test_the_history_shows_who_and_restores(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    empty = await house.automation(cart_flow())
    assert "Nothing was published yet" in (await client.get(f"/automations/{empty}/revisions")).text
    await draft(house, made, reply={"up_to": "2d"})
    await client.put(f"/automations/{made}/published", data={"comment": "a day more"})
    page = (await client.get(f"/automations/{made}/revisions")).text
    for said in ("Revision 2", "a day more", "Editor of A", "Restore as draft"):
        assert said in page, said
    compared = (await client.get(f"/automations/{made}/compare?before=1&after=2")).text
    assert "up to 1 day → 2 days." in compared
    restored = await client.put(f"/automations/{made}/revisions/1/restored")
    assert "The draft is revision 1 again." in restored.text
    await draft(house, made, reply={"up_to": "9d"})
    assert "never published" in (await client.get(f"/automations/{made}/revisions")).text
    refused = await client.put(f"/automations/{made}/revisions/1/restored")
    assert refused.status_code == 409
    back = await client.put(f"/automations/{made}/revisions/1/published")
    assert "Revision 3 is live." in back.text
    viewer = await house.signed_in("viewer")
    seen = (await viewer.get(f"/automations/{made}/revisions")).text
    assert "What changed" in seen
    assert "Restore as draft" not in seen
    assert (await viewer.get(f"/automations/{made}/publish")).status_code == 403


async def test_a_draft_nobody_can_read_is_not_compared(house: House) -> None:
    made = await house.live()
    async with house.web.database.write() as tx:
        broken = {"name": "x", "steps": {"a": {"type": "gone"}}}
        await automations.save_draft(tx, house.company, made, broken, house.clock())
    client = await house.signed_in("editor")
    compared = await client.get(f"/automations/{made}/compare")
    assert compared.status_code == 200
    assert "cannot be read" in compared.text
    assert "cannot be read" in (await client.get(f"/automations/{made}/publish")).text


async def test_a_run_is_moved_ended_and_tried_again(house: House) -> None:
    made = await house.live()
    run, _ = await seed_run(house, made)
    client = await house.signed_in("editor")
    page = (await client.get(f"/runs/{run}")).text
    for said in ("Move…", "End this run", 'value="1/thank"'):
        assert said in page, said
    moved = await client.put(f"/runs/{run}/step", data={"to": "1/thank", "seen_at": "reply"})
    assert "The contact is being moved." in moved.text
    late = await client.put(f"/runs/{run}/step", data={"to": "1/end", "seen_at": "remind"})
    assert late.status_code == 409
    assert "has moved on" in late.text
    odd = await client.put(f"/runs/{run}/step", data={"to": "1/nowhere"})
    assert odd.status_code == 422
    assert "has no step" in odd.text
    refused = await client.put(f"/runs/{run}/retried")
    assert "going on already" in refused.text
    why = "moved to “Send message” by Editor of A"
    assert await told(house) == [MovedTo("thank", from_step="reply", why=why)]
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).values(status="failed", reason="no answer"))
    assert "Try again" in (await client.get(f"/runs/{run}")).text
    assert "being tried again" in (await client.put(f"/runs/{run}/retried")).text
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).values(status="done"))
    done = await client.put(f"/runs/{run}/retried")
    assert done.status_code == 409
    assert "come to its end" in done.text


async def test_all_inside_are_ended_from_the_list_of_runs(house: House) -> None:
    made = await house.live()
    for place in range(2):
        await seed_run(house, made, number=f"+39333000000{place}")
    client = await house.signed_in("editor")
    page = (await client.get(f"/automations/{made}/runs?step=reply")).text
    assert "End all 2" in page
    assert "Runs at Did they answer?" in page
    ended = await client.put(f"/automations/{made}/runs/stopped?step=reply")
    assert "2 runs are being ended." in ended.text
    again = await client.put(f"/automations/{made}/runs/stopped?step=reply")
    assert "all are being ended already" in again.text
    assert await told(house) == [Stopped("ended by Editor of A", from_step="reply")] * 2


async def test_all_runs_of_a_contact_are_ended(house: House) -> None:
    made = await house.live()
    _, contact = await seed_run(house, made)
    client = await house.signed_in("editor")
    assert "End all" in (await client.get(f"/contacts/{contact}")).text
    answer = await client.put(f"/contacts/{contact}/runs/stopped")
    assert answer.headers["hx-redirect"] == f"/contacts/{contact}"
    assert await told(house) == [Stopped("ended by Editor of A")]
    agent = await house.signed_in("agent")
    assert (await agent.put(f"/contacts/{contact}/runs/stopped")).status_code == 403


async def test_pause_test_mode_priority_and_archive(house: House) -> None:
    made = await house.live()
    await seed_run(house, made)
    client, address = await house.signed_in("editor"), f"/automations/{made}"
    assert "Paused by Editor of A" in (await client.put(f"{address}/paused")).text
    assert "Publishing resumes it" in (await client.get(f"{address}/publish")).text
    await client.delete(f"{address}/paused")
    assert "Publishing resumes it" not in (await client.get(f"{address}/publish")).text
    wrong = await client.put(f"{address}/test", data={"phone": "call me"})
    assert wrong.status_code == 422
    assert "This is not a phone number." in wrong.text
    begun = await client.put(f"{address}/test", data={"phone": "331 2345678"})
    assert "Only 1 chosen contact may enter" in begun.text
    assert "Ada Rossi" in begun.text
    more = await client.put(f"{address}/test", data={"phone": "+39 333 9999999"})
    assert "Only 2 chosen contacts" in more.text
    async with house.web.database.read() as tx:
        chosen = (await automations.get(tx, house.company, made)).test_contacts or []
    assert len(chosen) == 2
    for one in chosen:
        left = await client.delete(f"{address}/test/{one}")
    assert "Nobody may enter" in left.text
    over = await client.delete(f"{address}/test")
    assert "The test is over" in over.text
    assert "Test mode</span>" not in over.text
    assert (
        "Its priority is -5."
        in (await client.put(f"{address}/priority", data={"priority": "-5"})).text
    )
    for odd in ("", "high", "99999"):
        refused = await client.put(f"{address}/priority", data={"priority": odd})
        assert refused.status_code == 422
    assert "1 contact who is inside leaves now" in over.text
    archived = await client.put(f"{address}/archived")
    assert "Archived. 1 run is being ended." in archived.text
    assert await told(house) == [Stopped("the automation was archived by Editor of A")]
    assert (await client.get(f"{address}/publish")).status_code == 409
