"""How templates are judged: time in review, rejections, categories, edits, pacing."""

import pytest

from sandbox.review import REASONS, Review
from tests.sandbox.bench import ADA, Bench, sample, shape_of, template_to
from tests.sandbox.playing_meta import crowd, failures, news, promo, send_to

pytestmark = pytest.mark.anyio


async def created(bench: Bench, name: str, category: str = "MARKETING") -> tuple[str, str]:
    path = f"{bench.config.waba_id}/message_templates"
    answer = (await bench.graph("POST", path, json=promo(name, category))).json()
    return str(answer["id"]), str(answer["status"])


async def status_of(bench: Bench, template_id: str) -> str:
    return str((await bench.graph("GET", template_id)).json()["status"])


async def test_the_decision_takes_its_time(bench: Bench) -> None:
    await bench.control("PUT", "review", json={"after_s": 3600})
    template_id, status = await created(bench, "promo")
    assert status == "PENDING"
    bench.clock.forward(minutes=59)
    await bench.quiet()
    assert await status_of(bench, template_id) == "PENDING"
    bench.clock.forward(minutes=1)
    assert [one["event"] for one in await news(bench, "message_template_status_update")] == [
        "APPROVED"
    ]
    assert await status_of(bench, template_id) == "APPROVED"


async def test_named_templates_are_rejected_with_the_reason(bench: Bench) -> None:
    rejected = dict(zip((f"t_{n}" for n in range(len(REASONS))), REASONS, strict=True))
    await bench.control("PUT", "review", json={"rejected": rejected})
    for name in rejected:
        await created(bench, name)
    told = await news(bench, "message_template_status_update")
    assert [(one["event"], one["reason"]) for one in told] == [
        ("REJECTED", reason) for reason in REASONS
    ]
    wanted = sample("template_status_rejected")["entry"][0]["changes"][0]["value"]
    assert all(shape_of(one) == shape_of(wanted) for one in told)
    wrong = {"rejected": {"x": "UGLY"}}
    assert (await bench.client.put("/sandbox/api/review", json=wrong)).status_code == 400


def test_a_share_is_rejected_and_the_seed_says_which() -> None:
    review = Review(reject_share=0.3)
    reasons = [review.reason_against(7, f"t_{n}", "en", 0) for n in range(500)]
    assert reasons == [review.reason_against(7, f"t_{n}", "en", 0) for n in range(500)]
    assert reasons != [review.reason_against(8, f"t_{n}", "en", 0) for n in range(500)]
    assert 110 < sum(one is not None for one in reasons) < 190
    assert set(reasons) == {None, *REASONS}


async def test_a_rejected_template_can_be_improved(bench: Bench) -> None:
    await bench.control("PUT", "review", json={"rejected": {"promo": "SCAM"}})
    template_id, status = await created(bench, "promo")
    assert status == "REJECTED"
    await bench.control("PUT", "review", json={})
    for _ in range(3):
        await bench.control("PUT", f"templates/{template_id}/status", json={"status": "REJECTED"})
        edited = await bench.graph("POST", template_id, json=promo())
        assert edited.json() == {"success": True}
    assert await status_of(bench, template_id) == "APPROVED"
    last = await bench.graph("POST", template_id, json=promo())
    assert last.status_code == 200, "only edits of an approved template count"


async def test_utility_moves_to_marketing_a_day_after_the_notice(bench: Bench) -> None:
    await bench.control("PUT", "review", json={"marketing": ["order"]})
    template_id, _ = await created(bench, "order", "UTILITY")
    await created(bench, "other", "UTILITY")
    [notice] = await news(bench, "template_category_update")
    assert notice["new_category"] == "UTILITY"
    assert notice["correct_category"] == "MARKETING"
    assert notice["category_update_timestamp"] == int(bench.clock().timestamp()) + 24 * 3600
    bench.clock.forward(hours=24)
    change = (await news(bench, "template_category_update"))[1]
    assert (change["previous_category"], change["new_category"]) == ("UTILITY", "MARKETING")
    assert (await bench.graph("GET", template_id)).json()["category"] == "MARKETING"


async def test_a_category_changes_at_once_without_notice(bench: Bench) -> None:
    template_id, _ = await created(bench, "order", "UTILITY")
    body = {"category": "MARKETING", "notice_s": 0}
    await bench.control("PUT", f"templates/{template_id}/category", json=body)
    [change] = await news(bench, "template_category_update")
    assert change["new_category"] == "MARKETING"
    await bench.add()
    await bench.send(template_to("order"))
    await bench.quiet()
    assert bench.receiver.items("statuses")[0]["pricing"]["category"] == "marketing"
    nobody = await bench.client.put("/sandbox/api/templates/1/category", json=body)
    assert nobody.status_code == 404


async def test_an_approved_template_is_edited_once_a_day_and_ten_times_a_month(
    bench: Bench,
) -> None:
    template_id, _ = await created(bench, "promo")

    async def edited(**change: object) -> int:
        answer = await bench.graph("POST", template_id, json=promo() | change)
        return answer.status_code

    assert await edited(category="UTILITY") == 400, "the category is fixed once approved"
    for _ in range(10):
        assert await edited() == 200
        assert await edited() == 400
        bench.clock.forward(hours=24)
    refused = await bench.graph("POST", template_id, json=promo())
    assert refused.json()["error"]["code"] == 100
    assert "10 time(s) in 30 day(s)" in refused.json()["error"]["error_data"]["details"]
    bench.clock.forward(days=20)
    assert await edited() == 200


async def test_new_marketing_templates_are_held_until_they_pleased(bench: Bench) -> None:
    await bench.control("PUT", "review", json={"held_after": 2, "held_s": 1800})
    await bench.seed(promo())
    people = await crowd(bench, 4)
    answers = [await bench.send(template_to("promo", to=one)) for one in people]
    told = [one.json()["messages"][0]["message_status"] for one in answers]
    held = "held_for_quality_assessment"
    assert told == ["accepted", "accepted", held, held]
    assert shape_of(answers[2].json()) == shape_of(sample("resp_send_held"))
    await bench.quiet()
    assert len(bench.receiver.statuses) == 4
    assert [one["status"] for one in await bench.all_messages()][2:] == ["held", "held"]
    assert "Held for a quality check" in (await bench.client.get(f"/chats/{people[3]}")).text
    bench.clock.forward(minutes=30)
    await bench.quiet()
    assert len(bench.receiver.statuses) == 8
    late = await bench.send(template_to("promo", to=people[3]))
    assert late.json()["messages"][0]["message_status"] == "accepted"


async def test_held_messages_fail_when_customers_complained(bench: Bench) -> None:
    await bench.control("PUT", "review", json={"held_after": 2, "held_s": 1800})
    await bench.seed(promo())
    people = await crowd(bench, 3, script=[{"do": "report"}])
    await bench.add(ADA)
    await send_to(bench, [*people[:2], people[2], ADA])
    bench.clock.forward(minutes=30)
    assert await failures(bench) == [132015, 132015]
    summary = await bench.control("GET", "messages/summary")
    assert summary["out"] == {"delivered": 2, "failed": 2}


async def test_a_template_in_use_before_is_not_new(bench: Bench) -> None:
    await bench.seed(promo())
    people = await crowd(bench, 2)
    await send_to(bench, people[:1])
    await bench.control("PUT", "review", json={"held_after": 0})
    answer = await bench.send(template_to("promo", to=people[1]))
    assert answer.json()["messages"][0]["message_status"] == "accepted"


async def test_utility_is_never_held(bench: Bench) -> None:
    await bench.control("PUT", "review", json={"held_after": 0})
    await bench.seed(promo("order", "UTILITY"))
    answer = await bench.send(template_to("order"))
    assert answer.json()["messages"][0]["message_status"] == "accepted"
