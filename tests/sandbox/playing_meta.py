"""What the tests of limits, quality, review and trouble share: templates, crowds, news."""

from tests.sandbox.bench import Bench, Json, template_to

FIRST = 447700900000


def promo(name: str = "promo", category: str = "MARKETING") -> Json:
    body = {"type": "BODY", "text": f"Our {name}"}
    return {"name": name, "language": "en", "category": category, "components": [body]}


async def crowd(bench: Bench, count: int, **settings: object) -> list[str]:
    people = [str(FIRST + n) for n in range(count)]
    bodies = [{"wa_id": one, "read": False} | settings for one in people]
    await bench.control("POST", "customers", json=bodies)
    return people


async def send_to(bench: Bench, people: list[str], name: str = "promo") -> list[int]:
    """Send a template to each, and return the error codes, 0 for what was accepted."""
    codes = []
    for one in people:
        answer = await bench.send(template_to(name, to=one))
        codes.append(answer.json().get("error", {}).get("code", 0))
    return codes


async def news(bench: Bench, field: str) -> list[Json]:
    await bench.quiet()
    return [one["value"] for one in bench.receiver.changes if one["field"] == field]


async def failures(bench: Bench) -> list[int]:
    await bench.quiet()
    statuses = bench.receiver.items("statuses")
    return [one["errors"][0]["code"] for one in statuses if one["status"] == "failed"]
