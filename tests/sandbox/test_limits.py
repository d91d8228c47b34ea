"""Messaging limits: different users outside a window in 24 hours, of all numbers together."""

import pytest

from sandbox.limits import LADDER, Users, next_tier
from tests.sandbox.bench import PNID, WABA, Bench, Running, sample, shape_of, template_to
from tests.sandbox.playing_meta import crowd, failures, news, promo, send_to

pytestmark = pytest.mark.anyio
HOUR = 3600.0


def test_the_ladder_ends_unlimited() -> None:
    assert [next_tier(one) for one in LADDER] == [*LADDER[1:], "TIER_UNLIMITED"]
    assert next_tier("TIER_1K") == "TIER_2K"


def test_a_user_counts_once_and_leaves_after_a_day() -> None:
    users = Users()
    for n in range(50):
        users.add(str(n), n)
    assert not users.may_add("new", 50, "TIER_50")
    assert users.may_add("49", 50, "TIER_50"), "somebody who was counted already"
    users.add("0", 60)
    assert not users.may_add("new", 24 * HOUR, "TIER_50")
    assert users.may_add("new", 24 * HOUR + 1, "TIER_50"), "1 left; 0 was seen again"
    assert users.week.count(24 * HOUR) == 50


@pytest.fixture
async def limited(running: Running) -> object:
    async with running(throughput_per_s=10_000, messaging_limit="TIER_50") as bench:
        await bench.seed(promo())
        yield bench


async def test_over_the_limit_a_send_is_taken_and_fails(limited: Bench) -> None:
    people = await crowd(limited, 52)
    assert set(await send_to(limited, people)) == {0}
    assert await failures(limited) == [131048, 131048]
    assert set(await send_to(limited, people[:5])) == {0}
    assert len(await failures(limited)) == 2, "those who were counted are counted once"
    limited.clock.forward(hours=24)
    await send_to(limited, people[50:])
    assert len(await failures(limited)) == 2


async def test_numbers_share_the_limit_and_open_windows_are_free(limited: Bench) -> None:
    second = {"phone_number_id": "222", "display_phone_number": "15550100"}
    await limited.control("POST", "phones", json=second)
    people = await crowd(limited, 52)
    await limited.acts(people[51], text="Hi")
    await send_to(limited, people[:49])
    for one in (people[49], people[50]):
        await limited.send(template_to("promo", to=one), pnid="222")
    await send_to(limited, [people[51]])
    assert await failures(limited) == [131048]
    account = await limited.control("GET", f"accounts/{WABA}")
    assert (account["users_24h"], account["phone_number_ids"]) == (50, [PNID, "222"])


async def test_it_grows_when_half_was_used_with_good_quality(limited: Bench) -> None:
    people = await crowd(limited, 25)
    await send_to(limited, people[:24])
    assert (await limited.quiet())["next_at"] is None
    await send_to(limited, people[24:])
    limited.clock.forward(hours=6)
    assert await failures(limited) == []
    [told] = await news(limited, "business_capability_update")
    wanted = sample("business_capability_update")["entry"][0]["changes"][0]["value"]
    assert shape_of(told) == shape_of(wanted)
    assert told["max_daily_conversations_per_business"] == 250
    [told] = await news(limited, "phone_number_quality_update")
    assert (told["event"], told["old_limit"], told["current_limit"]) == (
        "UPGRADE",
        "TIER_50",
        "TIER_250",
    )
    facts = await limited.graph("GET", f"{PNID}?fields=whatsapp_business_manager_messaging_limit")
    assert facts.json()["whatsapp_business_manager_messaging_limit"] == "TIER_250"


async def test_it_does_not_grow_with_a_red_number_or_when_told_not_to(limited: Bench) -> None:
    people = await crowd(limited, 25)
    await send_to(limited, people)
    await limited.control("PUT", f"phones/{PNID}/quality", json={"rating": "RED"})
    limited.clock.forward(hours=7)
    assert await news(limited, "business_capability_update") == []
    limit = {"tier": "TIER_50", "grows": False}
    await limited.control("PUT", f"accounts/{WABA}/messaging-limit", json=limit)
    await limited.control("PUT", f"phones/{PNID}/quality", json={"rating": "GREEN"})
    await send_to(limited, people)
    limited.clock.forward(hours=7)
    assert await news(limited, "business_capability_update") == []


async def test_the_control_api_sets_it_and_a_restart_keeps_it(running: Running) -> None:
    async with running() as bench:
        await bench.seed(promo())
        await send_to(bench, await crowd(bench, 3))
        limit = {"tier": "TIER_250"}
        account = await bench.control("PUT", f"accounts/{WABA}/messaging-limit", json=limit)
        assert (account["messaging_limit"], account["users_24h"]) == ("TIER_250", 3)
        assert len(await news(bench, "business_capability_update")) == 1
        assert (await news(bench, "phone_number_quality_update"))[0]["event"] == "DOWNGRADE"
        wrong = {"tier": "TIER_7"}
        path = f"/sandbox/api/accounts/{WABA}/messaging-limit"
        assert (await bench.client.put(path, json=wrong)).status_code == 400
        nobody = await bench.client.put("/sandbox/api/accounts/1/messaging-limit", json=limit)
        assert nobody.status_code == 404
    async with running() as bench:
        account = await bench.control("GET", f"accounts/{WABA}")
        assert (account["messaging_limit"], account["users_24h"]) == ("TIER_250", 3)
