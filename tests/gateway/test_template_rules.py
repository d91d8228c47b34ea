"""What WhatsApp would refuse is said before it is asked, every problem at its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import library
from gateway.channels.cloud_api.account import because, template_row
from gateway.channels.cloud_api.template_rules import edit_problem, problems

SAMPLES = Path(__file__).parents[1] / "samples" / "cloud_api"
NOW = datetime(2026, 11, 26, tzinfo=UTC)
BODY = {"type": "BODY", "text": "Hello you"}


def template(*components: Any, **more: Any) -> dict[str, Any]:
    told = {"name": "cart", "language": "it", "category": "MARKETING"}
    return told | {"components": list(components)} | more


def buttons(*given: Any) -> dict[str, Any]:
    return template(BODY, {"type": "BUTTONS", "buttons": list(given)})


def body(text: str, *examples: str) -> dict[str, Any]:
    return template({"type": "BODY", "text": text, "example": {"body_text": [list(examples)]}})


def carousel(*cards: Any, **more: Any) -> dict[str, Any]:
    return template(BODY, {"type": "CAROUSEL", "cards": list(cards)}, **more)


def card(shown: str = "IMAGE", *more: Any) -> dict[str, Any]:
    header = {"type": "HEADER", "format": shown, "sha256": "a" * 64}
    return {"components": [header, {"type": "BODY", "text": "Only today"}, *more]}


QUICK = {"type": "QUICK_REPLY", "text": "Stop"}
LINK = {"type": "URL", "text": "Buy", "url": "https://x.example/{{1}}", "example": ["https://x/1"]}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("template_create_*_*.json")), ids=str)
def test_the_samples_are_right(path: Path) -> None:
    assert list(problems(json.loads(path.read_text()))) == []


def test_the_library_s_templates_are_right() -> None:
    for one in library.templates():
        assert list(problems(one)) == [], one["name"]


GOOD: list[dict[str, Any]] = [
    template(BODY),
    body("Hi {{1}}, it is {{2}}.", "Ada", "9 €"),
    template(
        {
            "type": "BODY",
            "text": "Hi {{name}}!",
            "example": {"body_text_named_params": [{"param_name": "name", "example": "Ada"}]},
        }
    ),
    template(BODY, {"type": "HEADER", "format": "LOCATION"}),
    template(BODY, {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::a"]}}),
    template(
        BODY,
        {
            "type": "HEADER",
            "format": "TEXT",
            "text": "{{1}}",
            "example": {"header_text": ["Sale"]},
        },
    ),
    buttons(QUICK, LINK, {"type": "COPY_CODE", "example": "BACK10"}),
    carousel(card(), card()),
]


@pytest.mark.parametrize("given", GOOD)
def test_what_is_right(given: dict[str, Any]) -> None:
    assert list(problems(given)) == []


B = "/components/1/buttons"
C = "/components/1/cards"
WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (template(BODY, name="Cart!"), [("/name", "lowercase")]),
    (template(BODY, language="italiano"), [("/language", "such as en")]),
    (template(BODY, category="ADS"), [("/category", "one of")]),
    (template(components={}), [("/components", "list of objects")]),
    (template({"type": "FOOTER", "text": "Bye"}), [("/components", "needs a BODY")]),
    (template(BODY, BODY), [("/components/1", "once")]),
    (template(BODY, {"type": "SIDE"}), [("/components/1/type", "A part is one of")]),
    (template({"type": "BODY", "text": " "}), [("/components/0/text", "Write a text")]),
    (body("x" * 1025), [("/components/0/text", "1,025 characters")]),
    (body("Hi {{1}} and {{3}}.", "a", "b"), [("/components/0/text", "without a gap")]),
    (body("Hi {{1}}{{2}}.", "a", "b"), [("/components/0/text", "side by side")]),
    (body("{{1}} is back.", "a"), [("/components/0/text", "begin or end")]),
    (body("Back is {{1}}", "a"), [("/components/0/text", "begin or end")]),
    (body("Hi {{1}}!"), [("/components/0/example", "each of the 1 variables")]),
    (
        template(BODY, {"type": "FOOTER", "text": "Bye {{1}}"}),
        [("/components/1/text", "cannot hold variables")],
    ),
    (template(BODY, {"type": "HEADER", "format": "SONG"}), [("/components/1/format", "one of")]),
    (template(BODY, {"type": "HEADER", "format": "VIDEO"}), [("/components/1/example", "sha256")]),
    (buttons(), [(B, "1 to 10 buttons")]),
    (buttons({"type": "DANCE", "text": "x"}), [(f"{B}/0/type", "one of")]),
    (buttons(QUICK | {"text": "x" * 26}), [(f"{B}/0/text", "1 to 25")]),
    (buttons(QUICK, QUICK), [(f"{B}/1/text", "says the same")]),
    (
        buttons(QUICK, LINK, QUICK | {"text": "More"}),
        [(B, "stand together")],
    ),
    (buttons(LINK | {"url": "x.example"}), [(f"{B}/0/url", "complete address")]),
    (buttons(LINK | {"url": "https://x/{{1}}/y"}), [(f"{B}/0/url", "at its end")]),
    (buttons(LINK | {"example": []}), [(f"{B}/0/example", "whole address")]),
    (
        buttons({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "me"}),
        [(f"{B}/0/phone_number", "with +")],
    ),
    (buttons({"type": "COPY_CODE", "example": "x" * 16}), [(f"{B}/0/example", "1 to 15")]),
    (carousel(card()), [(C, "2 to 10 cards")]),
    (carousel(card(), card("VIDEO")), [(C, "same shape")]),
    (
        carousel(card("DOCUMENT"), card("DOCUMENT")),
        [(f"{C}/0/components", "IMAGE or a VIDEO"), (f"{C}/1/components", "IMAGE or a VIDEO")],
    ),
    (carousel(card(), card(), category="UTILITY"), [("/components/1", "Only MARKETING")]),
    (
        carousel(*[card("IMAGE", {"type": "BUTTONS", "buttons": [QUICK, LINK, LINK]})] * 2),
        [(f"{C}/{n}/components/2/buttons", "1 to 2 buttons") for n in (0, 1)],
    ),
]


@pytest.mark.parametrize(("given", "expected"), WRONG)
def test_what_is_wrong(given: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = list(problems(given))
    assert [place for place, _ in found] == [place for place, _ in expected], found
    for (_, said), (_, words) in zip(found, expected, strict=True):
        assert words in said


def test_garbage_is_wrong_and_nothing_worse() -> None:
    for junk in (None, 3, "x", [], {"a": 1}, [None], [[1]]):
        for name in ("language", "category"):
            assert list(problems(template(BODY) | {name: junk}))
        assert list(problems(template(BODY, components=junk)))
        for part in ("BODY", "HEADER", "BUTTONS", "CAROUSEL"):
            keys = ("text", "format", "example", "buttons", "cards")
            list(problems(template({"type": part} | dict.fromkeys(keys, junk))))


def test_how_often_a_template_is_edited() -> None:
    ago = [NOW - timedelta(days=n * 2 + 1, minutes=1) for n in range(12)]
    assert edit_problem("APPROVED", [], NOW) is None
    assert edit_problem("APPROVED", ago[:9], NOW) is None
    assert "10 times in 30 days" in str(edit_problem("APPROVED", ago[:10], NOW))
    today = [NOW - timedelta(hours=23)]
    assert "Try again tomorrow" in str(edit_problem("APPROVED", today, NOW))
    assert edit_problem("REJECTED", today, NOW) is None
    assert "is pending" in str(edit_problem("PENDING", [], NOW))


def test_a_template_of_meta_s_list() -> None:
    listed = json.loads((SAMPLES / "template_list_response.json").read_text())["data"]
    rows = [template_row(one, "waba") for one in listed]
    assert [row and (row["name"], row["status"], row["account_id"]) for row in rows] == [
        (one["name"], one["status"], "waba") for one in listed
    ]
    assert all(row and row["components"] and row["remote_id"] for row in rows)
    told = {"name": "t", "language": "it", "status": "REJECTED", "rejected_reason": "SCAM"}
    row = template_row(told | {"quality_score": {"score": "YELLOW"}}, "waba")
    assert row is not None
    assert (row["quality"], row["rejected_because"]) == ("YELLOW", "WhatsApp took it for fraud.")
    assert template_row({"name": "t"}, "waba") is None
    assert because("NONE") == ""
    assert because("Separate the parameters.") == "Separate the parameters."
