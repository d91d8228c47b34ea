"""The list of automations: filters, menus of its lines, folders, and beginning anew."""

from typing import Any

import pytest

from store import automations, folders, scenarios
from tests.web.conftest import House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
HTMX = {"hx-request": "true"}


def by_hand(name: str) -> dict[str, Any]:
    return cart_flow(name, triggers={"by_hand": {"type": "api"}})


async def test_an_empty_list_offers_three_to_begin_with(house: House) -> None:
    client = await house.signed_in("editor")
    page = (await client.get("/automations")).text
    for key in ("welcome", "abandoned_cart", "order_shipped"):
        assert f'href="/automations/gallery/{key}"' in page
    assert "Start from nothing" in page
    viewer = await house.signed_in("viewer")
    assert "Start from nothing" not in (await viewer.get("/automations")).text


async def test_it_is_filtered_by_status_trigger_folder_and_name(house: House) -> None:
    cart = await house.live(cart_flow("Cart"))
    hand = await house.automation(by_hand("By hand"))
    async with house.web.database.write() as tx:
        await folders.put_in(tx, house.company, hand, "Tries & tests", house.clock())
    client = await house.signed_in("viewer")

    async def shown(query: str) -> set[int]:
        page = (await client.get(f"/automations?{query}")).text
        return {one for one in (cart, hand) if f'id="row-{one}"' in page}

    assert await shown("") == {cart, hand}
    assert await shown("status=live") == {cart}
    assert await shown("trigger=shop") == {cart}
    assert await shown("trigger=api") == {cart, hand}
    assert await shown("folder=Tries+%26+tests") == {hand}
    assert await shown("q=hand&trigger=shop") == set()
    assert await shown("status=nonsense&trigger=nonsense") == {cart, hand}
    page = (await client.get("/automations?folder=Tries+%26+tests&trigger=api")).text
    assert "/automations?status=live&amp;trigger=api&amp;folder=Tries+%26+tests" in page


async def test_pausing_and_archiving_can_be_taken_back(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    paused = await client.put(f"/automations/rows/{made}/paused", headers=HTMX)
    assert f'hx-target="#row-{made}" hx-swap="outerMorph"' in paused.text
    assert "Paused" in paused.text
    assert f'hx-delete="/automations/rows/{made}/paused"' in paused.text
    again = await client.put(f"/automations/rows/{made}/paused", headers=HTMX)
    assert again.status_code == 200
    live = await client.delete(f"/automations/rows/{made}/paused", headers=HTMX)
    assert "is live again." in live.text
    await seed_run(house, made)
    listed = await client.get("/automations")
    assert "1 contact who is inside leaves it now" in listed.text
    archived = await client.put(f"/automations/rows/{made}/archived", headers=HTMX)
    assert f'hx-target="#row-{made}" hx-swap="delete"' in archived.text
    assert "1 run is being ended" in archived.text
    out = await client.delete(f"/automations/rows/{made}/archived", headers=HTMX)
    assert out.headers["hx-redirect"] == "/automations"
    async with house.web.database.read() as tx:
        assert (await automations.get(tx, house.company, made)).status == "paused"


async def test_a_draft_cannot_be_paused(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    refused = await client.put(f"/automations/rows/{made}/paused", headers=HTMX)
    assert refused.status_code == 409
    assert "Only live automations can be paused" in refused.text


async def test_folders_are_asked_for_and_taken_back(house: House) -> None:
    made = await house.automation(cart_flow("Cart"))
    client = await house.signed_in("editor")
    address = f"/automations/rows/{made}/folder"
    asked = await client.get(address, headers=HTMX)
    assert "Folder of “Cart”" in asked.text
    put = await client.put(address, data={"folder": "  Shop   news "}, headers=HTMX)
    assert "is in the folder “Shop news” now." in put.text
    assert 'hx-vals="{&#34;folder&#34;: &#34;&#34;}"' in put.text
    assert '<option value="Shop news">' in (await client.get(address, headers=HTMX)).text
    out = await client.put(address, data={"folder": ""}, headers=HTMX)
    assert "is in no folder any more." in out.text
    long = await client.put(address, data={"folder": "x" * 61}, headers=HTMX)
    assert long.status_code == 422
    assert "at most 60 letters" in long.text


async def test_a_copy_is_a_draft_with_the_tests_and_the_folder(house: House) -> None:
    made = await house.live(cart_flow("Cart"))
    test = {"name": "One", "first": {"type": "started"}, "expect": {"status": "done"}}
    async with house.web.database.write() as tx:
        await folders.put_in(tx, house.company, made, "Shop", house.clock())
        await scenarios.create(tx, house.company, made, test, house.clock())
    client = await house.signed_in("editor")
    for name in ("Cart (copy)", "Cart (copy) 2"):
        answer = await client.post(f"/automations/{made}/copies")
        assert answer.status_code == 303
        copy = int(answer.headers["location"].rsplit("/", 1)[1])
        async with house.web.database.read() as tx:
            found = await automations.get(tx, house.company, copy)
            tests = await scenarios.of_automation(tx, house.company, copy)
        assert (found.name, found.status) == (name, "draft")
        assert found.draft["name"] == name
        assert [one.name for one in tests] == ["One"]
    listed = await client.get("/automations?folder=Shop")
    assert listed.text.count('id="row-') == 3


async def test_a_new_one_is_empty_and_starts_by_hand(house: House) -> None:
    client = await house.signed_in("editor")
    for name in ("New automation", "New automation 2"):
        answer = await client.post("/automations", headers=HTMX)
        address = answer.headers["hx-redirect"]
        async with house.web.database.read() as tx:
            found = await automations.get(tx, house.company, int(address.rsplit("/", 1)[1]))
        assert found.name == name
        assert found.draft["triggers"] == {"by_hand": {"type": "api"}}
        assert (await client.get(address)).status_code == 200


async def test_who_may_not(house: House) -> None:
    made = await house.live()
    viewer, other = await house.signed_in("viewer"), await house.signed_in("owner", "b")
    asks: list[tuple[str, str]] = [
        ("POST", f"/automations/{made}/copies"),
        ("PUT", f"/automations/rows/{made}/paused"),
        ("DELETE", f"/automations/rows/{made}/paused"),
        ("PUT", f"/automations/rows/{made}/archived"),
        ("DELETE", f"/automations/rows/{made}/archived"),
        ("PUT", f"/automations/rows/{made}/folder"),
        ("GET", f"/automations/rows/{made}/folder"),
    ]
    for method, address in asks:
        assert (await viewer.request(method, address)).status_code == 403, address
        assert (await other.request(method, address)).status_code == 404, address
    assert (await viewer.post("/automations")).status_code == 403
