"""Status storms: repeated, late, in disorder, before the answer, never, about nothing."""

import asyncio
import json

import pytest

from sandbox.storms import Storm
from tests.sandbox.bench import Bench, Json, Running, sample, shape_of, until

pytestmark = pytest.mark.anyio


async def storm(bench: Bench, **how: object) -> None:
    await bench.control("PUT", "statuses", json=how)


async def sent(bench: Bench, count: int = 1) -> list[str]:
    await bench.opened(read_after_s=1)
    answers = [await bench.send_text(str(n)) for n in range(count)]
    return [str(one.json()["messages"][0]["id"]) for one in answers]


def told(bench: Bench, message_id: str) -> list[str]:
    return [status for one, status in bench.receiver.statuses if one == message_id]


async def test_each_status_comes_several_times(bench: Bench) -> None:
    await storm(bench, repeat=3)
    [one] = await sent(bench)
    bench.clock.forward(seconds=1)
    await bench.quiet()
    assert told(bench, one) == ["sent"] * 3 + ["delivered"] * 3 + ["read"] * 3
    bench.receiver.check_signatures("app-secret")


async def test_statuses_are_late_and_overtake_each_other(bench: Bench) -> None:
    await storm(bench, delay_s=600, spread_s=60)
    ids = await sent(bench, 10)
    bench.clock.forward(seconds=599)
    await bench.quiet()
    assert bench.receiver.statuses == []
    bench.clock.forward(seconds=70)
    await bench.quiet()
    orders = {tuple(told(bench, one)) for one in ids}
    assert all(sorted(one) == ["delivered", "read", "sent"] for one in orders)
    assert len(orders) > 2, "each message has its own order"
    stamps = {one["timestamp"] for one in bench.receiver.items("statuses")}
    begin = int(bench.clock().timestamp()) - 669
    assert stamps == {str(begin), str(begin + 1)}, "they are dated when they happened"


async def test_what_travels_together_is_shuffled(bench: Bench) -> None:
    await storm(bench, shuffled=True, gather_s=0.05)
    ids = await sent(bench, 20)
    await bench.quiet()
    orders = [told(bench, one) for one in ids]
    assert ["sent", "delivered"] in orders
    assert ["delivered", "sent"] in orders


async def test_the_status_comes_before_the_answer(bench: Bench) -> None:
    await bench.opened()
    await bench.quiet()
    await storm(bench, before_answer=True)
    bench.receiver.refuse = lambda _body: True
    sending = asyncio.create_task(bench.send_text())
    await until(lambda: bench.receiver.refused)
    assert not sending.done()
    bench.receiver.refuse = lambda _body: False
    answer = await sending
    assert told(bench, answer.json()["messages"][0]["id"]) == ["sent", "delivered"]


async def test_batches_are_as_large_as_asked(bench: Bench) -> None:
    await storm(bench, batch=1)
    await sent(bench, 3)
    await bench.quiet()
    sizes = [
        sum(
            len(change["value"].get("statuses", []))
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
        )
        for body in bench.receiver.bodies
    ]
    assert sorted(sizes) == [0, *[1] * 6]


async def test_delivered_never_comes_or_nothing_at_all(bench: Bench) -> None:
    await storm(bench, undelivered=1)
    [one] = await sent(bench)
    bench.clock.forward(seconds=1)
    await bench.quiet()
    assert told(bench, one) == ["sent", "read"], "read may come without it"
    await storm(bench, silent=1)
    [other] = await sent(bench)
    bench.clock.forward(seconds=1)
    await bench.quiet()
    assert told(bench, other) == []
    assert (await bench.all_messages())[-1]["status"] == "read", "the customer has it all the same"


async def test_statuses_about_messages_that_never_were(bench: Bench) -> None:
    await storm(bench, unknown=1)
    [one] = await sent(bench)
    await bench.quiet()
    strangers = [item for item in bench.receiver.items("statuses") if item["id"] != one]
    assert [item["status"] for item in strangers] == ["sent", "delivered"]
    wanted: Json = sample("status_delivered_pmp")["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert set(strangers[0]) <= set(wanted) | {"recipient_user_id"}
    assert shape_of(strangers[0]["pricing"]) == shape_of(wanted["pricing"])
    known = {message["id"] for message in await bench.all_messages()}
    assert not known & {item["id"] for item in strangers}


def test_shares_hold_and_follow_the_seed() -> None:
    storm = Storm(undelivered=0.3, spread_s=10)
    told = [bool(storm.lateness(1, str(n), "delivered")) for n in range(1000)]
    assert 640 < sum(told) < 760
    assert told == [bool(storm.lateness(1, str(n), "delivered")) for n in range(1000)]
    assert told != [bool(storm.lateness(2, str(n), "delivered")) for n in range(1000)]
    assert all(storm.lateness(1, str(n), "read") for n in range(100))


async def test_it_survives_a_restart_and_ends_with_fair_weather(running: Running) -> None:
    wild = {"repeat": 2, "spread_s": 5.0}
    async with running() as bench:
        await storm(bench, **wild)
        await bench.control("PUT", "faults", json=[{"code": 1}])
        await bench.control("PUT", "review", json={"after_s": 60.0})
        for wrong in ({"repeat": 0}, {"batch": 501}, {"silent": 2}, {"delay_s": -1}, {"x": 1}):
            answer = await bench.client.put("/sandbox/api/statuses", json=wrong)
            assert answer.status_code == 400, wrong
    async with running() as bench:
        assert await bench.control("GET", "statuses") == wild
        assert await bench.control("GET", "review") == {"after_s": 60.0}
        assert (await bench.control("GET", "faults"))["faults"][0]["code"] == 1
        await storm(bench)
        assert await bench.control("GET", "statuses") == {}
