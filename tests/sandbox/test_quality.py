"""Customers who block and report: ratings of numbers and templates, pauses, the spam stop."""

import pytest

from sandbox.quality import Tally, rate
from tests.sandbox.bench import ADA, PNID, Bench, Running, sample, shape_of, template_to
from tests.sandbox.playing_meta import crowd, news, promo, send_to

pytestmark = pytest.mark.anyio
DAY = 24 * 3600.0


def test_the_rating_is_a_share_of_recent_sends() -> None:
    blocks = [("block", 0.0)] * 3
    assert rate(blocks, 400, 0) == "GREEN"
    assert rate(blocks, 150, 0) == "YELLOW"
    assert rate(blocks, 50, 0) == "RED"
    assert rate([("report", 0.0)] * 2, 90, 0) == "RED", "a report weighs twice"
    assert rate([("block", 0.0)], 0, 0) == "GREEN", "one customer is no trend"
    assert rate(blocks, 50, 4 * DAY) == "YELLOW"
    assert rate(blocks, 50, 7 * DAY) == "GREEN"


def test_sends_are_counted_by_the_hour_and_forgotten_after_a_week() -> None:
    tally = Tally()
    tally.add("1", 0, 100)
    tally.add("1", 3.5 * DAY, 100)
    assert tally.weighted("1", 3.5 * DAY, 0) == pytest.approx(150, abs=1)
    assert tally.weighted("1", 3.5 * DAY, 3 * DAY) == pytest.approx(100, abs=1)
    assert tally.total("1") == 200
    assert tally.weighted("1", 9 * DAY, 0) == pytest.approx(21, abs=2)
    assert tally.total("1") == 100


@pytest.fixture
async def bench(running: Running) -> object:
    async with running(throughput_per_s=10_000) as bench:
        await bench.seed(promo())
        yield bench


async def rating(bench: Bench) -> str:
    facts = (await bench.graph("GET", f"{PNID}?fields=quality_rating")).json()
    return str(facts["quality_rating"])


async def test_who_blocks_gets_nothing_more(bench: Bench) -> None:
    await bench.opened(script=[{"nth": 1, "do": "block", "after_s": 5}])
    await bench.send_text("one")
    bench.clock.forward(seconds=5)
    await bench.quiet()
    answer = await bench.send_text("two")
    assert answer.status_code == 200
    bench.clock.forward(days=1)
    await bench.quiet()
    message_id = answer.json()["messages"][0]["id"]
    assert [status for one, status in bench.receiver.statuses if one == message_id] == ["sent"]
    await bench.acts(text="I am back")
    await bench.send_text("three")
    await bench.quiet()
    assert bench.receiver.statuses[-1][1] in {"delivered", "read"}, "who writes ended the block"


async def test_what_was_under_way_never_arrives(bench: Bench) -> None:
    await bench.opened(delivered_after_s=60, script=[{"do": "reply", "text": "x", "after_s": 60}])
    await bench.send_text()
    await bench.control("PUT", f"customers/{ADA}/block", json={})
    bench.clock.forward(hours=1)
    await bench.quiet()
    assert [status for _, status in bench.receiver.statuses] == ["sent"]
    assert len(bench.receiver.messages) == 1
    assert await bench.control("DELETE", f"customers/{ADA}/block") == {"unblocked": PNID}


async def test_a_number_falls_is_flagged_and_recovers(bench: Bench) -> None:
    people = await crowd(bench, 40)
    await send_to(bench, people)
    for one in people[:2]:
        await bench.control("PUT", f"customers/{one}/block", json={})
    assert await rating(bench) == "YELLOW"
    assert await news(bench, "phone_number_quality_update") == []
    await bench.control("PUT", f"customers/{people[2]}/block", json={"reported": True})
    assert await rating(bench) == "RED"
    [told] = await news(bench, "phone_number_quality_update")
    assert told == {
        "display_phone_number": "15550783881",
        "event": "FLAGGED",
        "current_limit": "TIER_UNLIMITED",
    }
    for _ in range(8):
        bench.clock.forward(days=1)
        await bench.quiet()
    assert await rating(bench) == "GREEN"
    assert [one["event"] for one in await news(bench, "phone_number_quality_update")] == [
        "FLAGGED",
        "UNFLAGGED",
    ]


async def test_a_red_number_that_goes_on_with_marketing_is_stopped_for_spam(bench: Bench) -> None:
    await bench.seed(promo("shipped", "UTILITY"))
    await bench.control("PUT", f"phones/{PNID}/quality", json={"rating": "RED"})
    people = await crowd(bench, 12)
    assert await send_to(bench, people) == [0] * 10 + [131048] * 2
    assert await send_to(bench, people[:1], "shipped") == [0], "only marketing is stopped"
    await bench.control("PUT", f"phones/{PNID}/quality", json={"rating": None})
    assert await rating(bench) == "GREEN"
    assert await send_to(bench, people[-1:]) == [0]


async def test_a_template_is_paused_for_three_hours_six_hours_and_for_good(bench: Bench) -> None:
    template_id = (await bench.graph("GET", f"{bench.config.waba_id}/message_templates")).json()[
        "data"
    ][0]["id"]
    events = []
    for round_ in range(3):
        people = await crowd(bench, 10, script=[{"do": "report", "contains": "promo"}])
        for one in people:  # those of the rounds before are still blocking
            await bench.control("DELETE", f"customers/{one}/block")
        codes = await send_to(bench, people)
        await bench.quiet()
        assert codes[0] == 0, f"round {round_}"
        events = [one["event"] for one in await news(bench, "message_template_status_update")]
        code = {0: 132015, 1: 132015, 2: 132016}[round_]
        assert (await send_to(bench, people[:1])) == [code]
        bench.clock.forward(hours=2, minutes=59)
        assert (await send_to(bench, people[:1])) == [code]
        bench.clock.forward(minutes=1 if round_ == 0 else 181)
        await bench.quiet()
    assert events == ["PAUSED", "APPROVED", "PAUSED", "APPROVED", "DISABLED"]
    told = await news(bench, "message_template_status_update")
    titles = [one.get("other_info", {}).get("title") for one in told]
    assert titles == ["FIRST_PAUSE", "UNPAUSE", "SECOND_PAUSE", "UNPAUSE", None]
    assert "disable_date" in told[-1]["disable_info"]
    [first, *_] = await news(bench, "message_template_quality_update")
    wanted = sample("template_quality_yellow")["entry"][0]["changes"][0]["value"]
    assert shape_of(first) == shape_of(wanted)
    asked = f"{template_id}?fields=quality_score"
    assert (await bench.graph("GET", asked)).json()["quality_score"] == {"score": "RED"}


async def test_a_rating_by_hand_stays(bench: Bench) -> None:
    await bench.control("PUT", f"phones/{PNID}/quality", json={"rating": "YELLOW"})
    people = await crowd(bench, 10)
    await send_to(bench, people)
    for one in people:
        await bench.control("PUT", f"customers/{one}/block", json={"reported": True})
    assert await rating(bench) == "YELLOW"
    assert (await bench.control("GET", f"phones/{PNID}"))["quality"] == "YELLOW"


async def test_complaints_and_counts_survive_a_restart(running: Running) -> None:
    async with running(throughput_per_s=10_000) as bench:
        await bench.seed(promo())
        people = await crowd(bench, 30)
        await send_to(bench, people)
        await bench.control("PUT", f"customers/{people[0]}/block", json={})
    async with running(throughput_per_s=10_000) as bench:
        await bench.control("PUT", f"customers/{people[1]}/block", json={})
        assert await rating(bench) == "RED", "2 of 60: 3.3%, with what was sent before"
        await bench.seed(promo("other"))  # the first one is paused by now
        answer = await bench.send(template_to("other", to=people[0]))
        await bench.quiet()
        message_id = answer.json()["messages"][0]["id"]
        assert [s for one, s in bench.receiver.statuses if one == message_id] == ["sent"]
