"""Links in messages: found as people write them, replaced once, never at the message's cost."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from engine.links import shorten, tracked
from flows.content import Buttons, Choices, LinkButton, Media, Option, Tap, Text

US = "https://go.example"


def short(text: str) -> tuple[str, list[tuple[str, str]]]:
    numbers = count(1)
    return shorten(text, lambda: f"t{next(numbers)}", US + "/")


@pytest.mark.parametrize(
    ("text", "expect", "urls"),
    [
        ("no link here", "no link here", []),
        ("see https://shop.example/a", "see https://go.example/l/t1", ["https://shop.example/a"]),
        ("HTTP://Shop.example.", "https://go.example/l/t1.", ["HTTP://Shop.example"]),
        (
            "(https://en.example/wiki/A_(b)), *https://x.example/q?a=1&b=2#c*!",
            "(https://go.example/l/t1), *https://go.example/l/t2*!",
            ["https://en.example/wiki/A_(b)", "https://x.example/q?a=1&b=2#c"],
        ),
        (
            "https://a.example https://b.example\nhttps://a.example",
            "https://go.example/l/t1 https://go.example/l/t2\nhttps://go.example/l/t1",
            ["https://a.example", "https://b.example"],
        ),
        ("“https://a.example/ü”", "“https://go.example/l/t1”", ["https://a.example/ü"]),
        ("https://go.example/l/abc", "https://go.example/l/abc", []),
        ("https:// or ftp://a.example or a.example", None, []),
        ("https://", "https://", []),
        ("https://.", "https://.", []),
    ],
)
def test_links_in_a_text(text: str, expect: str | None, urls: list[str]) -> None:
    changed, made = short(text)
    assert changed == (text if expect is None else expect)
    assert [url for _, url in made] == urls


@pytest.mark.parametrize(
    "content",
    [
        Text("https://a.example"),
        Buttons("https://a.example", (Option("p", "Yes"),)),
        Choices("https://a.example", "Choose", (Option("p", "Yes"),)),
        Media("image", link="https://a.example/1.png", caption="https://a.example"),
    ],
)
def test_every_kind_of_text_is_tracked(content: Any) -> None:
    changed: Any
    changed, made = tracked(content, lambda: "t", US)
    text = changed.caption if isinstance(changed, Media) else changed.body
    assert (text, made) == (f"{US}/l/t", [("t", "https://a.example")])
    assert type(changed) is type(content)
    if isinstance(changed, Media):
        assert changed.link == "https://a.example/1.png"


def test_the_address_of_a_button_is_tracked() -> None:
    content = LinkButton("See https://b.example", "Look", "https://a.example/x")
    changed, made = tracked(content, lambda: "t", US)
    assert changed == LinkButton("See https://b.example", "Look", f"{US}/l/t")
    assert made == [("t", "https://a.example/x")]


def test_what_would_not_fit_any_more_stays_as_it_was() -> None:
    full = Buttons("https://a.io " + "x" * 1011, (Option("p", "Yes"),))
    assert tracked(full, lambda: "t" * 12, US) == (full, [])


def test_other_contents_have_no_links() -> None:
    assert tracked(Tap("p", "https://a.example"), lambda: "t", US)[1] == []
