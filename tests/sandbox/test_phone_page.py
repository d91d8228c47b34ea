"""The phone page without its script: forms, what it shows, its headers, its stream, its stop."""

import asyncio
import re
import time

import httpx
import pytest

from sandbox.config import SandboxConfig
from sandbox.server import server
from sandbox.views import formatted
from tests.sandbox.bench import ADA, Bench, interactive_to, until
from tests.sandbox.test_refusals import LIST
from tests.sandbox.test_sending import BUTTONS

pytestmark = pytest.mark.anyio


async def test_empty_pages_say_what_to_do(bench: Bench) -> None:
    page = await bench.client.get("/")
    assert "No customers yet" in page.text
    assert "Whose phone do you want to hold?" in page.text
    await bench.add()
    assert "No messages yet" in (await bench.client.get(f"/chats/{ADA}")).text
    assert "No customer has" in (await bench.client.get("/?q=zzz")).text
    assert (await bench.client.get("/chats/1")).status_code == 404


async def test_nothing_is_inline_or_from_elsewhere(bench: Bench) -> None:
    await bench.opened()
    await bench.send(interactive_to(BUTTONS))
    page = await bench.client.get(f"/chats/{ADA}")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"style=|<style|<script(?![^>]*src=)| on\w+=", page.text)
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert (await bench.client.get(path)).status_code == 200


async def test_a_new_customer_writes_first(bench: Bench) -> None:
    form = {"number": "+44 7700 900123", "name": "Grace"}
    made = await bench.client.post("/chats", data=form, follow_redirects=False)
    assert made.status_code == 303
    assert made.headers["location"].startswith("/chats/447700900123?phone=")
    path = "/chats/447700900123/messages"
    await bench.client.post(path, data={"text": "<b>Hi</b> *there*"})
    await bench.client.post(path, data={"do": "photo"})
    await bench.client.post(path, data={"do": "place"})
    await bench.client.post(path, data={"text": "  "})
    await bench.quiet()
    kinds = [one["type"] for one in bench.receiver.messages]
    assert kinds == ["text", "image", "location"]
    page = (await bench.client.get("/chats/447700900123")).text
    assert "&lt;b&gt;Hi&lt;/b&gt; <strong>there</strong>" in page
    picture = re.search(r'src="(/chats/files/\d+)"', page)
    assert picture
    assert (await bench.client.get(picture[1])).headers["content-type"] == "image/png"
    wrong = await bench.client.post("/chats", data={"number": "Ada", "name": "Ada"})
    assert wrong.status_code == 422
    assert "Give a number with its country code" in wrong.text


async def test_tapping_disables_the_button(bench: Bench) -> None:
    await bench.opened()
    sent = (await bench.send(interactive_to(BUTTONS))).json()["messages"][0]["id"]
    taps = f"/chats/{ADA}/taps"
    page = await bench.client.post(taps, data={"message_id": sent, "option": "1"})
    assert re.search(r'value="1" disabled', page.text)
    assert not re.search(r'value="0" disabled', page.text)
    await bench.send(interactive_to(LIST))
    assert "<dialog" in (await bench.client.get(f"/chats/{ADA}")).text
    assert (await bench.client.post(taps, data={"message_id": sent})).status_code == 400


async def test_refused_calls_are_shown_with_the_reason(bench: Bench) -> None:
    await bench.send_text(to="447700900123")
    page = (await bench.client.get("/")).text
    assert "131047" in page
    assert "more than 24 hours have passed" in page


async def test_several_numbers_can_be_chosen(bench: Bench) -> None:
    second = {"phone_number_id": "222", "display_phone_number": "15550100", "verified_name": "Two"}
    await bench.control("POST", "phones", json=second)
    await bench.add()
    await bench.client.post(f"/chats/{ADA}/messages?phone=222", data={"text": "Hi"})
    page = (await bench.client.get(f"/chats/{ADA}")).text
    assert 'id="with">Two<' in page, "the chat goes on with the number of the last message"
    other = (await bench.client.get(f"/chats/{ADA}?phone={bench.config.phone_number_id}")).text
    assert 'id="with">Blue Mug Shop<' in other


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("2*3*4", "2*3*4"),
        ("*a* _b_ ~c~ ```d```", "<strong>a</strong> <em>b</em> <s>c</s> <code>d</code>"),
        (
            "see https://a.example/x_y.",
            'see <a href="https://a.example/x_y" target="_blank" rel="noopener">https://a.example/x_y</a>.',
        ),
        ('"<script>"', "&#34;&lt;script&gt;&#34;"),
    ],
)
def test_whatsapps_own_marks(text: str, html: str) -> None:
    assert formatted(text) == html


async def test_an_open_page_reads_and_the_server_stops_at_once(
    config: SandboxConfig, free_port: int
) -> None:
    running = server(config, port=free_port)
    task = asyncio.create_task(running.serve())
    base = f"http://127.0.0.1:{free_port}"
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        await until(lambda: running.started)
        person = {"wa_id": ADA, "read_after_s": None}
        await client.post("/sandbox/api/customers", json=[person])
        await client.post(f"/sandbox/api/customers/{ADA}/messages", json={"text": "Hi"})
        async with client.stream("GET", f"/live?chat={ADA}") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "data: open"
            await client.post(
                f"/v23.0/{config.phone_number_id}/messages",
                json={"messaging_product": "whatsapp", "to": ADA, "text": {"body": "Hi"}},
                headers={"Authorization": "Bearer token"},
            )
            async with asyncio.timeout(4):
                async for line in lines:
                    listed = (await client.get("/sandbox/api/messages")).json()["messages"]
                    if line == "data: changed" and listed[-1]["status"] == "read":
                        break
            began = time.monotonic()
            running.should_exit = True
            await task
            assert time.monotonic() - began < 2


async def test_the_business_can_be_blocked_and_reported(bench: Bench) -> None:
    await bench.opened()
    path = f"/chats/{ADA}/block"
    blocked = await bench.client.post(path, data={"do": "report"})
    assert "You blocked this number" in blocked.text
    assert "Unblock" in blocked.text
    await bench.send_text()
    await bench.quiet()
    assert (await bench.all_messages())[-1]["status"] == "sent"
    free = await bench.client.post(path, data={"do": "unblock"})
    assert "You blocked this number" not in free.text
    assert (await bench.client.post(path, data={"do": "dance"})).status_code == 400


async def test_what_meta_thinks_of_the_numbers_is_shown(bench: Bench) -> None:
    page = (await bench.client.get("/")).text
    assert "Quality green" in page
    assert "Made-up trouble" not in page
    pnid, waba = bench.config.phone_number_id, bench.config.waba_id
    await bench.control("PUT", f"phones/{pnid}/quality", json={"rating": "RED"})
    await bench.control("PUT", f"phones/{pnid}/stop", json={"code": 368})
    await bench.control("PUT", f"accounts/{waba}/messaging-limit", json={"tier": "TIER_2K"})
    await bench.control("PUT", "faults", json=[{"code": 1}])
    await bench.control("PUT", "statuses", json={"repeat": 2})
    page = (await bench.client.get("/")).text
    for words in (
        "Quality red",
        "0 of 2000 users written to in 24 hours",
        "Restricted: sends get 368",
        "Faults of answers: 1",
        "Statuses are told in a storm",
    ):
        assert words in page
