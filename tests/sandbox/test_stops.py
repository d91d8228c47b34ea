"""What stops numbers and accounts: bans and pauses in the middle of a campaign, and their end."""

import pytest

from tests.sandbox.bench import ADA, PNID, WABA, Bench, sample, shape_of, template_to
from tests.sandbox.playing_meta import crowd, news, promo, send_to

pytestmark = pytest.mark.anyio
STOP = f"phones/{PNID}/stop"


async def status(bench: Bench) -> str:
    return str((await bench.graph("GET", f"{PNID}?fields=status")).json()["status"])


async def test_a_number_stops_after_some_sends_and_is_back_after_a_while(bench: Bench) -> None:
    await bench.seed(promo())
    people = await crowd(bench, 5)
    await bench.control("PUT", STOP, json={"code": 131031, "for_s": 3600, "after": 2})
    assert await send_to(bench, people) == [0, 0, 131031, 131031, 131031]
    assert await status(bench) == "BANNED"
    number = await bench.control("GET", f"phones/{PNID}")
    assert (number["stop_code"], number["status"]) == (131031, "BANNED")
    bench.clock.forward(hours=1)
    assert await send_to(bench, people[3:]) == [0, 0]
    assert await status(bench) == "CONNECTED"


async def test_only_this_number_stops_until_it_is_let_go(bench: Bench) -> None:
    other = {"phone_number_id": "222", "display_phone_number": "15550100"}
    await bench.control("POST", "phones", json=other)
    await bench.seed(promo())
    people = await crowd(bench, 2)
    for code, named in ((368, "RESTRICTED"), (190, "CONNECTED"), (133010, "PENDING")):
        await bench.control("PUT", STOP, json={"code": code})
        assert await send_to(bench, people) == [code, code]
        assert await status(bench) == named
    answer = await bench.send(template_to("promo", to=people[0]), pnid="222")
    assert answer.status_code == 200
    bench.clock.forward(days=300)
    assert await send_to(bench, people[:1]) == [133010]
    freed = await bench.control("DELETE", STOP)
    assert freed["stop_code"] is None
    assert await send_to(bench, people[:1]) == [0]


async def test_throughput_is_raised_and_told(bench: Bench) -> None:
    path = f"phones/{PNID}/throughput"
    await bench.seed(promo())
    people = await crowd(bench, 120)
    await bench.control("PUT", path, json={"per_second": 1000, "takes_s": 60})
    assert await send_to(bench, people[:1]) == [131057]
    bench.clock.forward(minutes=1)
    assert set(await send_to(bench, people)) == {0}
    [told] = await news(bench, "phone_number_quality_update")
    wanted = sample("phone_quality_throughput_upgrade")["entry"][0]["changes"][0]["value"]
    assert shape_of(told) == shape_of(wanted)
    facts = (await bench.graph("GET", f"{PNID}?fields=throughput")).json()
    assert facts["throughput"] == {"level": "HIGH"}
    await bench.control("PUT", path, json={"per_second": 20})
    assert len(await news(bench, "phone_number_quality_update")) == 1, "slower is not told"
    wrong = await bench.client.put(f"/sandbox/api/{path}", json={"per_second": 0})
    assert wrong.status_code == 400


async def test_an_account_may_not_begin_chats_for_a_while(bench: Bench) -> None:
    await bench.seed(promo())
    await bench.opened()
    body = {"types": ["RESTRICTED_BIZ_INITIATED_MESSAGING"], "for_s": 3600}
    await bench.control("PUT", f"accounts/{WABA}/restriction", json=body)
    [told] = await news(bench, "account_update")
    wanted = sample("account_restriction")["entry"][0]["changes"][0]["value"]
    assert shape_of(told["restriction_info"][0]) == shape_of(wanted["restriction_info"][0])
    assert told["restriction_info"][0]["expiration"] == int(bench.clock().timestamp()) + 3600
    people = await crowd(bench, 1)
    assert await send_to(bench, people) == [368]
    assert (await bench.send_text()).status_code == 200, "answers are allowed"
    assert await send_to(bench, [ADA]) == [0], "and templates inside a window"
    bench.clock.forward(hours=1)
    assert await send_to(bench, people) == [0]


async def test_an_account_may_not_even_answer(bench: Bench) -> None:
    await bench.opened()
    types = ["RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"]
    await bench.control("PUT", f"accounts/{WABA}/restriction", json={"types": types})
    assert (await bench.send_text()).json()["error"]["code"] == 368
    account = await bench.control("DELETE", f"accounts/{WABA}/restriction")
    assert account["restrictions"] == []
    assert (await bench.send_text()).status_code == 200


async def test_a_ban_is_announced_carried_out_and_ended(bench: Bench) -> None:
    await bench.opened()
    for state, code in (("SCHEDULE_FOR_DISABLE", 0), ("DISABLE", 131031), ("REINSTATE", 0)):
        account = await bench.control("PUT", f"accounts/{WABA}/ban", json={"state": state})
        assert account["banned"] == bool(code)
        assert (await bench.send_text()).json().get("error", {}).get("code", 0) == code
        assert await status(bench) == ("BANNED" if code else "CONNECTED")
    told = await news(bench, "account_update")
    assert [one["ban_info"]["waba_ban_state"] for one in told] == [
        "SCHEDULE_FOR_DISABLE",
        "DISABLE",
        "REINSTATE",
    ]
    assert told[0]["ban_info"]["waba_ban_date"] == "November 23, 2026"


async def test_a_violation_is_told(bench: Bench) -> None:
    await bench.control("PUT", f"accounts/{WABA}/violation", json={"type": "ADULT"})
    await bench.quiet()
    wanted = sample("account_violation")["entry"][0]["changes"][0]
    assert bench.receiver.changes == [wanted]


async def test_stops_survive_that_the_number_is_saved_again(bench: Bench) -> None:
    await bench.control("PUT", STOP, json={"code": 368})
    number = {"phone_number_id": PNID, "display_phone_number": "15550783881"}
    await bench.control("POST", "phones", json=number)
    listed = (await bench.control("GET", "phones"))["phones"]
    assert [one["stop_code"] for one in listed] == [368]


async def test_unknown_numbers_and_wrong_wishes(bench: Bench) -> None:
    for path, body, wanted in (
        ("phones/1/stop", {"code": 368}, 404),
        (STOP, {"kode": 368}, 400),
        ("accounts/1/ban", {"state": "DISABLE"}, 404),
        (f"accounts/{WABA}/ban", {"state": "FOREVER"}, 400),
        (f"accounts/{WABA}/restriction", {"types": ["EVERYTHING"]}, 400),
        ("customers/1/block", {}, 404),
    ):
        answer = await bench.client.put(f"/sandbox/api/{path}", json=body)
        assert answer.status_code == wanted, path
