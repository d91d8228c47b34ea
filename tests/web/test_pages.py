"""The pages: what they show, what they change, who may."""

import json

import msgspec
import pytest
import sqlalchemy as sa

from flows.events import ApiCalled, Stopped
from store import lists, resolve
from store.addresses import Address
from store.automations import automations
from store.contacts import contacts
from store.events import events
from store.ids import new_id
from store.runs import runs
from store.users import users
from store.visits import visits
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio


async def test_an_empty_house_says_what_to_do(house: House) -> None:
    client = await house.signed_in()
    assert "Your first automation" in (await client.get("/automations")).text
    assert "No contacts yet" in (await client.get("/contacts")).text
    assert "Main" in (await client.get("/phones")).text
    assert (await client.get("/")).headers["location"] == "/automations"


async def test_a_document_is_checked_then_imported_published_paused_resumed(house: House) -> None:
    client = await house.signed_in("editor")
    text = json.dumps(cart_flow())
    checked = await client.post("/automations/import", data={"document": text, "do": "check"})
    assert checked.status_code == 200
    assert "Make a draft of it" in checked.text
    made = await client.post("/automations/import", data={"document": text, "do": "import"})
    assert made.status_code == 303
    address = made.headers["location"].split("?")[0]
    shown = await client.get(made.headers["location"])
    assert "Imported as a draft" in shown.text
    assert "Remind of the cart" in shown.text
    assert "Did they answer?" in shown.text
    published = await client.put(f"{address}/published")
    assert published.status_code == 200
    assert "Revision 1 is live." in published.text
    assert "Pause" in published.text
    paused = await client.put(f"{address}/paused")
    assert "nobody new comes in" in paused.text
    resumed = await client.delete(f"{address}/paused")
    assert "Live again." in resumed.text
    listed = (await client.get("/automations")).text
    assert "Cart left behind for 30 minutes + 1 more" in listed
    archived = await client.put(f"{address}/archived")
    assert "Archived." in archived.text
    assert f"/automations/{made}" not in (await client.get("/automations")).text
    assert "Abandoned cart" in (await client.get("/automations?status=archived")).text
    assert (await client.put(f"{address}/published")).status_code == 409
    back = await client.delete(f"{address}/archived")
    assert "Taken out of the archive" in back.text


async def test_a_file_is_imported_as_well(house: House) -> None:
    client = await house.signed_in("editor")
    file = {
        "file": ("flow.json", json.dumps(cart_flow("From a file")).encode(), "application/json")
    }
    made = await client.post("/automations/import", data={"do": "import"}, files=file)
    assert made.status_code == 303
    assert "From a file" in (await client.get(made.headers["location"])).text


async def test_all_problems_of_a_document_are_listed_by_step(house: House) -> None:
    wrong = cart_flow()
    wrong["steps"]["remind"]["templte"] = "x"
    wrong["steps"]["reply"]["up_to"] = "soon"
    wrong["steps"]["thank"] = {"type": "send_mesage"}
    client = await house.signed_in("editor")
    data = {"document": json.dumps(wrong), "do": "import"}
    checked = await client.post("/automations/import", data=data)
    assert checked.status_code == 422
    for said in (
        "Did you mean “template”?",
        "/steps/reply/up_to",
        "Did you mean “send_message”?",
    ):
        assert said in checked.text
    assert not await house.rows(sa.select(automations.c.id))


@pytest.mark.parametrize("text", ["", "{", "[]", "nope", "[" * 200_000, '{"a":' * 5000 + "1"])
async def test_what_is_no_document_is_refused_in_words(house: House, text: str) -> None:
    client = await house.signed_in("editor")
    answer = await client.post("/automations/import", data={"document": text, "do": "import"})
    assert answer.status_code == 422
    assert "problem" in answer.text


async def test_errors_keep_a_draft_from_being_published(house: House) -> None:
    made = await house.automation(cart_flow(start="nowhere"))
    client = await house.signed_in("editor")
    answer = await client.put(f"/automations/{made}/published")
    assert answer.status_code == 422
    assert "Not published" in answer.text
    assert "The first step “nowhere” does not exist." in answer.text


async def test_a_draft_that_cannot_be_read_is_listed_and_links_to_no_step(house: House) -> None:
    document = cart_flow()
    document["triggers"]["cart"] = {"type": "shop", "on": "cart.abandoned", "wait": "1s"}
    document["steps"]["broken"] = {"type": "delay", "for": "1d"}
    made = await house.automation(document)
    client = await house.signed_in()
    assert "the draft cannot be read" in (await client.get("/automations")).text
    text = (await client.get(f"/automations/{made}/more")).text
    assert "/steps/broken/for" in text
    assert "/triggers/cart/wait" in text
    assert 'href="#step-' not in text


async def test_a_draft_is_edited_as_json_and_may_have_problems(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    edited = cart_flow("Renamed", start=None)
    saved = await client.post(f"/automations/{made}/draft", data={"document": json.dumps(edited)})
    assert saved.status_code == 303
    page = (await client.get(saved.headers["location"])).text
    assert "The draft is saved." in page
    assert "Draft has changes" in page
    assert "Nothing says where to begin." in page
    broken = await client.post(f"/automations/{made}/draft", data={"document": '{"a": '})
    assert broken.status_code == 422
    assert "This is not JSON" in broken.text
    assert "{&#34;a&#34;: " in broken.text  # what was typed is not lost


async def test_the_cart_wait_is_changed_in_the_page(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    address = f"/automations/{made}/draft/triggers/cart/wait"
    for wrong in ("soon", "0m", "30s"):
        refused = await client.put(address, data={"wait": wrong, "then": "save"})
        assert refused.status_code == 422, wrong
        assert 'role="alert"' in refused.text
    saved = await client.put(address, data={"wait": "5m", "then": "save"})
    assert "The wait is saved in the draft." in saved.text
    assert "Draft has changes" in saved.text
    live = await client.put(address, data={"wait": "2m", "then": "publish"})
    assert "revision 2 is live" in live.text
    assert "Draft has changes" not in live.text
    gone = await client.put(f"/automations/{made}/draft/triggers/api/wait", data={"wait": "2m"})
    assert gone.status_code == 409


async def test_export_gives_the_document_back(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("viewer")
    answer = await client.get(f"/automations/{made}/export")
    assert json.loads(answer.text) == cart_flow()
    assert 'filename="abandoned-cart.json"' in answer.headers["content-disposition"]


async def test_a_contact_is_started_by_hand(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    wrong = await client.post(f"/automations/{made}/runs", data={"phone": "call me"})
    assert wrong.status_code == 422
    assert "This is not a phone number." in wrong.text
    started = await client.post(
        f"/automations/{made}/runs", data={"phone": "333 123 4567", "name": "Ada"}
    )
    assert started.status_code == 303
    [row] = await house.rows(sa.select(events.c.kind, events.c.data))
    assert row.kind == "api"
    assert msgspec.convert(row.data, ApiCalled) == ApiCalled(made, by="person")
    [contact] = await house.rows(sa.select(contacts.c.name, contacts.c.country))
    assert tuple(contact) == ("Ada", "IT")
    draft = await house.automation(cart_flow())
    refused = await client.post(f"/automations/{draft}/runs", data={"phone": "333 123 4567"})
    assert refused.status_code == 409


async def test_a_run_is_told_in_words_and_can_be_ended(house: House) -> None:
    made = await house.live()
    run_id, contact_id = await seed_run(house, made)
    client = await house.signed_in("editor")
    listed = (await client.get(f"/automations/{made}/runs")).text
    assert "Ada Rossi" in listed
    assert "Did they answer?" in listed
    page = (await client.get(f"/runs/{run_id}")).text
    for said in (
        "Remind of the cart",
        "on to “Did they answer?”",
        "Hi Ada, your cart is waiting.",
        "delivered",
        "outside sending hours, so at 09:00",
        "waits up to 1 day",
        " by: Cart left behind for 30 minutes<",
    ):
        assert said in page, said
    for _ in range(2):
        ended = await client.put(f"/runs/{run_id}/stopped")
        assert ended.status_code == 200
    [row] = await house.rows(sa.select(events.c.data, events.c.run_id, events.c.contact_id))
    assert (row.run_id, row.contact_id) == (run_id, contact_id)
    assert msgspec.convert(row.data, Stopped).reason == "ended by Editor of A"


async def test_a_contact_page_shows_person_messages_and_runs(house: House) -> None:
    made = await house.live()
    _, contact_id = await seed_run(house, made)
    client = await house.signed_in("agent")
    for asked in ("Rossi", "331 2345", ""):
        assert "Ada Rossi" in (await client.get("/contacts", params={"q": asked})).text
    assert "Nobody fits" in (await client.get("/contacts", params={"q": "nobody"})).text
    assert "Ada Rossi" in (await client.get("/contacts", params={"tag": "vip"})).text
    page = (await client.get(f"/contacts/{contact_id}")).text
    for said in (
        "Hi Ada, your cart is waiting.",
        "vip",
        "ada@example.com",
        "Abandoned cart",
        ">its run",
    ):
        assert said in page, said
    assert "http://sandbox.test/chats/393312345678" in page


async def test_contacts_are_paged_by_cursor(house: House) -> None:
    async with house.web.database.write() as tx:
        people = [
            resolve.Person([Address("phone", f"+3933300{place:05}")], name=f"Person {place}")
            for place in range(60)
        ]
        await resolve.resolve_many(tx, house.company, people, now=NOW)
    client = await house.signed_in()
    first = (await client.get("/contacts")).text
    assert "Person 59" in first
    assert "Person 9<" not in first
    cursor = first.split("before=")[1].split('"')[0]
    second = (await client.get(f"/contacts?before={cursor}")).text
    assert "Person 9<" in second
    assert "Person 10<" not in second
    assert (await client.get("/contacts?before=x")).status_code == 400


async def test_another_companys_things_are_not_there(house: House) -> None:
    made = await house.live(company=house.other_company)
    run_id, contact_id = await seed_run(house, made, company=house.other_company)
    client = await house.signed_in("owner")
    for address in (
        f"/automations/{made}",
        f"/automations/{made}/more",
        f"/automations/{made}/runs",
        f"/automations/{made}/export",
        f"/runs/{run_id}",
        f"/contacts/{contact_id}",
    ):
        answer = await client.get(address)
        assert answer.status_code == 404, address
        assert "Automations" in answer.text  # the navigation stays
    for method, address in (
        ("PUT", f"/automations/{made}/published"),
        ("PUT", f"/automations/{made}/paused"),
        ("DELETE", f"/automations/{made}/paused"),
        ("PUT", f"/automations/{made}/archived"),
        ("DELETE", f"/automations/{made}/archived"),
        ("PUT", f"/runs/{run_id}/stopped"),
    ):
        assert (await client.request(method, address)).status_code == 404, address
    for address, data in (
        (f"/automations/{made}/draft", {"document": "{}"}),
        (f"/automations/{made}/runs", {"phone": "+393331234567"}),
    ):
        assert (await client.post(address, data=data)).status_code == 404, address
    assert "Ada Rossi" not in (await client.get("/contacts")).text
    assert f"/automations/{made}" not in (await client.get("/automations")).text
    [row] = await house.rows(sa.select(automations.c.status))
    assert row.status == "live"


async def test_text_from_outside_is_never_markup(house: House) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    made = await house.live(cart_flow(evil[:100]))
    _, contact_id = await seed_run(house, made, name=evil, text=evil)
    client = await house.signed_in()
    for address in ("/automations", f"/automations/{made}", "/contacts", f"/contacts/{contact_id}"):
        page = (await client.get(address)).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


async def test_runs_of_revisions_whose_kinds_are_gone_still_show(house: House) -> None:
    made = await house.automation({"name": "Odd", "steps": {"a": {"type": "from_the_future"}}})
    run = new_id(NOW)
    async with house.web.database.write() as tx:
        contact = await resolve.resolve(
            tx, house.company, [Address("phone", "+393331234567")], now=NOW
        )
        await tx.execute(
            sa.insert(runs).values(
                id=run,
                company_id=house.company,
                automation_id=made,
                revision_id=0,
                contact_id=contact,
                status="failed",
                step="a",
                state={},
                started_at=NOW,
                reason="the kind is not known",
            )
        )
        await tx.execute(
            sa.insert(visits).values(
                company_id=house.company,
                run_id=run,
                automation_id=made,
                step="a",
                kind="from_the_future",
                at=NOW,
                did="failed",
                why="the kind is not known",
            )
        )
    client = await house.signed_in()
    assert "the kind is not known" in (await client.get(f"/runs/{run}")).text
    assert (await client.get(f"/automations/{made}")).status_code == 200
    assert (await client.get("/automations")).status_code == 200


async def test_a_chat_is_taken_over_assigned_and_given_back(house: House) -> None:
    _, contact = await seed_run(house, await house.live())
    async with house.web.database.write() as tx:
        await lists.join_rows(tx, [(house.company, contact, "Spring sale")], NOW)
    client = await house.signed_in("agent")
    address = f"/contacts/{contact}"
    shown = (await client.get(address)).text
    assert "Spring sale" in shown
    assert "Take over" in shown
    taken = (await client.put(f"{address}/hand-over")).text
    assert "The chat is yours." in taken
    assert "Give back to automations" in taken
    back = (await client.delete(f"{address}/hand-over")).text
    assert "Given back" in back
    [(agent,)] = await house.rows(sa.select(users.c.id).where(users.c.email == "agent@a.test"))
    [(other,)] = await house.rows(sa.select(users.c.id).where(users.c.email == "owner@b.test"))
    assert (
        "Assigned to Agent of A."
        in (await client.put(f"{address}/assigned", data={"to": str(agent)})).text
    )
    assert (await client.put(f"{address}/assigned", data={"to": str(other)})).status_code == 422
    assert "Assigned to nobody." in (await client.put(f"{address}/assigned")).text


async def test_notes_are_kept_with_their_author(house: House) -> None:
    _, contact = await seed_run(house, await house.live())
    client = await house.signed_in("agent")
    address = f"/contacts/{contact}/notes"
    written = await client.post(address, data={"text": "Wants the <b>blue</b> one"})
    assert written.status_code == 303
    shown = (await client.get(f"/contacts/{contact}")).text
    assert "Wants the &lt;b&gt;blue&lt;/b&gt; one" in shown
    assert "Agent of A, " in shown
    for text in ("  ", "x" * 5_001):
        refused = await client.post(address, data={"text": text})
        assert refused.status_code == 422
        assert "1 to 5,000 characters" in refused.text
    viewer = await house.signed_in("viewer")
    assert (await viewer.post(address, data={"text": "x"})).status_code == 403
