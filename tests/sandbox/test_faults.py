"""Made-up trouble: refused, slow, lost and garbled answers, by share and by what they match."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.config import SandboxConfig
from sandbox.faults import Fault, Hits, striking
from sandbox.server import server
from tests.sandbox.bench import ADA, PNID, Bench, Json, sample, shape_of, text_to, until
from tests.sandbox.playing_meta import failures

pytestmark = pytest.mark.anyio


async def faulty(bench: Bench, *faults: Json) -> None:
    await bench.control("PUT", "faults", json=list(faults))


def test_a_share_strikes_the_same_calls_each_time() -> None:
    def struck(seed: int) -> list[bool]:
        hits, faults = Hits(), (Fault(code=131000, share=0.2),)
        return [bool(striking(faults, hits, seed, on="messages")) for _ in range(1000)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 160 < sum(struck(1)) < 240


async def test_a_code_is_answered_in_its_own_form_and_nothing_is_taken(bench: Bench) -> None:
    await bench.opened()
    for code, status in ((131000, 500), (130429, 400), (131031, 403), (2, 503), (131048, 400)):
        await faulty(bench, {"code": code})
        answer = await bench.send_text()
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert shape_of(answer.json()) == shape_of(sample("resp_error_130429"))
    await faulty(bench, {"code": 190})
    assert shape_of((await bench.send_text()).json()) == shape_of(sample("resp_error_190"))
    assert len(await bench.all_messages()) == 1
    await faulty(bench)
    assert (await bench.send_text()).status_code == 200


async def test_http_statuses_come_without_json(bench: Bench) -> None:
    await bench.opened()
    await faulty(bench, {"http": 503, "times": 1})
    answer = await bench.send_text()
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/plain")
    assert (await bench.send_text()).status_code == 200
    [listed] = (await bench.control("GET", "faults"))["faults"]
    assert listed == {"http": 503, "times": 1, "looked": 1, "struck": 1}


async def test_it_can_be_taken_and_fail_afterwards(bench: Bench) -> None:
    await bench.opened()
    await faulty(bench, {"failed": 131049})
    assert (await bench.send_text()).status_code == 200
    assert await failures(bench) == [131049]


async def test_what_it_matches(bench: Bench) -> None:
    await bench.opened()
    await faulty(
        bench,
        {"code": 1, "contains": "CIAO è"},
        {"code": 2, "template": "promo"},
        {"code": 4, "phone": "222"},
    )
    assert (await bench.send_text("ciao È")).json()["error"]["code"] == 1
    assert (await bench.send_text("hello")).status_code == 200
    template = {"name": "promo", "language": {"code": "en"}}
    body = text_to(ADA, "") | {"type": "template", "template": template}
    assert (await bench.send(body)).json()["error"]["code"] == 2
    number = {"phone_number_id": "222", "display_phone_number": "15550100"}
    await bench.control("POST", "phones", json=number)
    assert (await bench.send(text_to(ADA, "hello"), pnid="222")).json()["error"]["code"] == 4


async def test_half_an_answer_after_the_message_was_taken(bench: Bench) -> None:
    await bench.opened()
    await faulty(bench, {"malformed": True})
    answer = await bench.send_text(biz_opaque_callback_data="msg:9")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    await bench.quiet()
    assert bench.receiver.items("statuses")[0]["biz_opaque_callback_data"] == "msg:9"


async def test_the_rest_of_the_graph_api_has_its_own_faults(bench: Bench) -> None:
    await faulty(bench, {"on": "graph", "code": 80007, "times": 1})
    await bench.opened()
    assert (await bench.send_text()).status_code == 200
    assert (await bench.graph("GET", PNID)).json()["error"]["code"] == 80007
    assert (await bench.graph("GET", PNID)).status_code == 200


async def test_wrong_faults_are_refused(bench: Bench) -> None:
    for wrong in (
        {},
        {"code": 1, "http": 500},
        {"code": 1, "share": 2},
        {"http": 200},
        {"on": "graph", "malformed": True},
        {"slow_s": -1},
        {"kode": 1},
    ):
        answer = await bench.client.put("/sandbox/api/faults", json=[wrong])
        assert answer.status_code == 400, wrong
    assert (await bench.control("GET", "faults")) == {"faults": []}


@pytest.fixture
async def served(config: SandboxConfig, free_port: int) -> AsyncIterator[str]:
    running = server(config, port=free_port)
    task = asyncio.create_task(running.serve())
    await until(lambda: running.started)
    yield f"http://127.0.0.1:{free_port}"
    running.should_exit = True
    await task


async def test_lost_answers_cut_the_connection(served: str) -> None:
    headers = {"Authorization": "Bearer token"}
    api, path = f"{served}/sandbox/api", f"{served}/v23.0/{PNID}/messages"
    async with aiohttp.ClientSession() as client:

        async def texts() -> list[str]:
            async with client.get(f"{api}/messages") as answer:
                listed = (await answer.json())["messages"]
            return [one["text"] for one in listed if one["direction"] == "out"]

        await client.post(f"{api}/customers", json=[{"wa_id": ADA}])
        await client.post(f"{api}/customers/{ADA}/messages", json={"text": "Hi"})
        for lost, taken in (("before", []), ("after", ["after"])):
            await client.put(f"{api}/faults", json=[{"lost": lost, "slow_s": 0.01}])
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await client.post(path, json=text_to(ADA, lost), headers=headers)
            assert await texts() == taken
        await client.put(f"{api}/faults", json=[])
        async with client.post(path, json=text_to(ADA, "fine"), headers=headers) as answer:
            assert answer.status == 200


async def test_where_no_connection_can_be_cut_a_lost_answer_is_a_bad_gateway(bench: Bench) -> None:
    await bench.opened()
    await faulty(bench, {"lost": "after"})
    assert (await bench.send_text()).status_code == 502
    assert len(await bench.all_messages()) == 2
