"""The phone page in Chromium: everything by role and name, live, in both themes."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.server import server
from tests import servers
from tests.sandbox.bench import ADA, PNID, Json, config_for, interactive_to, text_to
from tests.sandbox.test_refusals import LIST
from tests.sandbox.test_sending import BUTTONS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    port = servers.free_port()
    nobody = f"http://127.0.0.1:{servers.free_port()}/"
    running = server(config_for(tmp_path, nobody), port=port)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve()))
    thread.start()
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(transport=httpx.HTTPTransport(retries=8), trust_env=False) as client:
        client.get(f"{address}/sandbox/api/state")
    yield address
    running.should_exit = True
    thread.join()


@pytest.fixture
def send(served: str) -> Callable[[Json], httpx.Response]:
    def send(body: Json) -> httpx.Response:
        headers = {"Authorization": "Bearer token"}
        address = f"{served}/v23.0/{PNID}/messages"
        return httpx.post(address, json=body, headers=headers, trust_env=False)

    return send


def test_a_conversation_by_hand(
    served: str, page: "Page", send: Callable[[Json], httpx.Response]
) -> None:
    from playwright.sync_api import expect

    page.goto(served)
    page.get_by_text("New customer", exact=True).click()
    page.get_by_label("Number").fill("+1 650 555 1234")
    page.get_by_label("Name").fill("Ada Rossi")
    page.get_by_role("button", name="Open their phone").click()
    expect(page.get_by_text("Only templates until the customer writes")).to_be_visible()

    page.get_by_role("textbox", name="Message").fill("Hello *there*")
    page.keyboard.press("Enter")
    messages = page.get_by_role("region", name="Messages")
    expect(messages.get_by_text("Hello there")).to_be_visible()
    expect(page.get_by_role("textbox", name="Message")).to_have_value("")
    expect(page.get_by_text("Free messages allowed until")).to_be_visible()

    assert send(interactive_to(BUTTONS)).status_code == 200
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("button", name=re.compile("^Yes ?, tapped$"))).to_be_disabled()
    expect(page.get_by_role("button", name="No", exact=True)).to_be_enabled()

    assert send(interactive_to(LIST)).status_code == 200
    page.get_by_role("button", name="Choose").click()
    dialog = page.get_by_role("dialog", name="Choose")
    dialog.get_by_role("button", name="Blue").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Send a location").click()
    expect(messages.get_by_text("221B Baker Street, London")).to_be_visible()

    assert send(text_to(ADA, "")).status_code == 400
    page.get_by_text("What the sandbox refused").click()
    expect(page.get_by_text("The parameter text['body'] is required.")).to_be_visible()
    listed = httpx.get(f"{served}/sandbox/api/messages", trust_env=False).json()["messages"]
    assert [one["text"] for one in listed if one["direction"] == "in"] == [
        "Hello *there*",
        "Yes",
        "Blue",
        "Home",
    ]
    assert {one["status"] for one in listed if one["direction"] == "out"} == {"read"}


def test_one_column_on_a_small_screen(served: str, page: "Page") -> None:
    from playwright.sync_api import expect

    httpx.post(
        f"{served}/sandbox/api/customers", json=[{"wa_id": ADA, "name": "Ada"}], trust_env=False
    )
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(served)
    expect(page.get_by_role("heading", name="Whose phone")).to_be_hidden()
    page.get_by_role("link", name="Ada").click()
    expect(page.get_by_role("heading", name="Pretend WhatsApp")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("link", name="All customers").click()
    expect(page.get_by_role("heading", name="Pretend WhatsApp")).to_be_visible()


def test_blocking_by_hand_keeps_the_focus(served: str, page: "Page") -> None:
    from playwright.sync_api import expect

    httpx.post(f"{served}/sandbox/api/customers", json=[{"wa_id": ADA}], trust_env=False)
    page.goto(f"{served}/chats/{ADA}")
    page.get_by_role("button", name="Block").click()
    expect(page.get_by_text("You blocked this number")).to_be_visible()
    expect(page.get_by_role("button", name="Unblock")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Report as spam")).to_be_visible()
    page.get_by_text("What Meta thinks").click()
    expect(page.get_by_text("Quality green")).to_be_visible()
