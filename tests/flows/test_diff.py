"""What two versions of a flow differ in, told in words: a table of edits and their sentences."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.kinds import catalog
from flows.changed import shown
from flows.diff import by_place, changed_steps, changes, in_short
from flows.travel import in_order

LIBRARY = sorted((Path(__file__).parents[2] / "flows" / "library").glob("*.json"))
Document = dict[str, Any]

BASE: Document = {
    "spec": 1,
    "name": "Carts",
    "triggers": {"cart": {"type": "shop", "on": "cart.abandoned", "wait": "30m"}},
    "start": "hello",
    "exit_rules": [{"on": "order.created"}],
    "steps": {
        "hello": {
            "type": "send_message",
            "name": "Greeting",
            "text": "Hi {{ contact.first_name }}",
            "options": [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}],
            "next": {"sent": "pause"},
            "at": [0, 0],
        },
        "pause": {"type": "delay", "duration": "2h", "next": {"after": "reply"}},
        "reply": {
            "type": "wait_for_reply",
            "name": "Did they answer?",
            "up_to": "24h",
            "answers": [
                {"exit": "ok", "label": "Fine", "match": "exact", "words": ["ok"]},
                {"exit": "bad", "label": "Not fine", "match": "contains", "words": ["bad"]},
            ],
            "next": {"ok": "label", "bad": "end", "no_reply": "end"},
        },
        "label": {"type": "tag", "add": ["happy"], "next": {"done": "check"}},
        "check": {
            "type": "if_else",
            "condition": {"type": "is", "value": "contact.tags", "op": "contains", "to": "vip"},
            "next": {"yes": "call", "no": "end"},
        },
        "call": {
            "type": "webhook",
            "url": "https://example.com/a",
            "headers": {"X-One": "1"},
            "next": {"ok": "end", "failed": "end"},
        },
        "end": {"type": "end", "name": "Bye"},
    },
}


def set_(path: str, value: Any) -> Callable[[Document], None]:
    """An edit: `steps/pause/duration` becomes `value`; None takes it away."""

    def edit(document: Document) -> None:
        *way, last = path.split("/")
        place: Any = document
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        if isinstance(place, list):
            if value is None:
                del place[int(last)]
            elif int(last) == len(place):
                place.append(value)
            else:
                place[int(last)] = value
        elif value is None:
            del place[last]
        else:
            place[last] = value

    return edit


LONG = "Dear customer, " + "we are so very happy to see you again. " * 5
CASES: list[tuple[str, list[Callable[[Document], None]], list[str]]] = [
    ("a delay by its summary", [set_("steps/pause/duration", "4h")], ["Delay: 2 hours → 4 hours."]),
    (
        "a named step by its setting",
        [set_("steps/reply/up_to", "2d")],
        ["“Did they answer?”: up to 1 day → 2 days."],
    ),
    ("renamed", [set_("steps/hello/name", "Hello")], ["“Greeting” is now called “Hello”."]),
    ("named", [set_("steps/pause/name", "Night")], ["Delay is now called “Night”."]),
    (
        "renamed and changed",
        [set_("steps/pause/name", "Night"), set_("steps/pause/duration", "8h")],
        ["Delay is now called “Night”.", "“Night”: 2 hours → 8 hours."],
    ),
    (
        "a text",
        [set_("steps/hello/text", "Hello!")],
        ["“Greeting”: message “Hi {{ contact.first_name }}” → “Hello!”."],
    ),
    (
        "a long text is cut",
        [set_("steps/hello/text", LONG)],
        [f"“Greeting”: message “Hi {{{{ contact.first_name }}}}” → {shown(f'“{LONG}”')}."],
    ),
    (
        "a setting that was empty, and one that is",
        [set_("steps/hello/footer", "Reply STOP"), set_("steps/label/add", [])],
        [
            "“Greeting”: footer is now “Reply STOP”.",
            "Tag: add is empty now; it was “happy”.",
        ],
    ),
    (
        "options added, changed, removed",
        [
            set_("steps/hello/options/1/label", "No, thanks"),
            set_("steps/hello/options/2", {"id": "stop", "label": "Stop"}),
            set_("steps/hello/options/0", None),
        ],
        [
            "“Greeting”: options “No, thanks”, label “No” → “No, thanks”.",
            "“Greeting”: options “Stop” added: name in the automation “stop”, label “Stop”.",
            "“Greeting”: options “Yes” removed: name in the automation “yes”, label “Yes”.",
        ],
    ),
    (
        "options in another order",
        [
            set_(
                "steps/hello/options",
                [{"id": "no", "label": "No"}, {"id": "yes", "label": "Yes"}],
            )
        ],
        ["“Greeting”: order of options “yes”, “no” → “no”, “yes”."],
    ),
    (
        "words of an answer",
        [set_("steps/reply/answers/0/words", ["ok", "okay"])],
        ["“Did they answer?”: answers “Fine”, words “ok” → “ok”, “okay”."],
    ),
    (
        "a condition",
        [set_("steps/check/condition/to", "gold")],
        ["If / else: tags contains “vip” → tags contains “gold”."],
    ),
    (
        "a map",
        [set_("steps/call/headers/X-One", "2"), set_("steps/call/headers/X-Two", "b")],
        [
            "Webhook: headers “X-One” changed.",
            "Webhook: headers “X-Two” added.",
        ],
    ),
    (
        "a step added in between",
        [
            set_("steps/extra", {"type": "delay", "duration": "5m", "next": {"after": "pause"}}),
            set_("steps/hello/next/sent", "extra"),
        ],
        [
            "“Greeting”: “Sent” now leads to Delay (5 minutes); it was Delay (2 hours).",
            "Added “Delay”: 5 minutes.",
        ],
    ),
    (
        "a step removed",
        [set_("steps/pause", None), set_("steps/hello/next/sent", "reply")],
        [
            "“Greeting”: “Sent” now leads to “Did they answer?”; it was Delay (2 hours).",
            "Removed “Delay”: 2 hours.",
        ],
    ),
    (
        "a line taken away",
        [set_("steps/reply/next/bad", None)],
        ["“Did they answer?”: “Not fine” leads nowhere now; it was “Bye”."],
    ),
    (
        "a line drawn",
        [set_("steps/reply/next/other", "end")],
        ["“Did they answer?”: “Any other reply” now leads to “Bye”."],
    ),
    (
        "another kind under the same id",
        [set_("steps/pause", {"type": "end"})],
        ["Delay was “Delay” and is now “End”."],
    ),
    (
        "a note",
        [set_("steps/pause/note", "ask Ada")],
        ["Delay: the note for colleagues changed."],
    ),
    (
        "the first step",
        [set_("start", "pause")],
        ["Runs begin with Delay (2 hours); it was “Greeting”."],
    ),
    (
        "no first step",
        [set_("start", None)],
        ["Nothing says where runs begin; it was “Greeting”."],
    ),
    (
        "triggers",
        [
            set_("triggers/cart/wait", "2h"),
            set_("triggers/hand", {"type": "api"}),
        ],
        [
            "Start by “Cart left behind for 30 minutes”: wait 30 minutes → 2 hours.",
            "It now starts by API or by hand.",
        ],
    ),
    (
        "a trigger of another kind under the same name",
        [set_("triggers/cart", {"type": "api"})],
        [
            "It no longer starts by “Cart left behind for 30 minutes”.",
            "It now starts by API or by hand.",
        ],
    ),
    (
        "entry",
        [
            set_("entry/policy", "parallel"),
            set_("entry/not_again_within", "7d"),
            set_("entry/condition", {"type": "is", "value": "contact.consent", "to": "yes"}),
        ],
        [
            "Contacts may enter also several times at once; it was once at a time.",
            "Not again within 7 days.",
            "Enters only if consent is “yes”.",
        ],
    ),
    (
        "exit rules",
        [set_("exit_rules", [{"on": "replied"}, {"on": "tag.added", "name": "vip"}])],
        [
            "Runs now end at once when the contact replies.",
            "Runs now end at once when the tag “vip” is added.",
            "Runs no longer end at once when the shop reports “order created”.",
        ],
    ),
    (
        "the automation itself",
        [
            set_("name", "Baskets"),
            set_("description", "For carts."),
            set_("language", "it"),
            set_("over_budget", "drop"),
        ],
        [
            "The automation is now called “Baskets”; it was “Carts”.",
            "The description changed.",
            "Language: en → it.",
            (
                "Marketing for somebody who has had their fill is now not sent at all; "
                "it was sent later."
            ),
        ],
    ),
    ("cards moved", [set_("steps/hello/at", [500, 80]), set_("steps/end/at", [1, 1])], []),
    (
        "defaults spelled out",
        [set_("steps/hello/footer", ""), set_("entry/policy", "once_at_a_time")],
        [],
    ),
]


def edited(*edits: Callable[[Document], None]) -> Document:
    document = copy.deepcopy(BASE)
    for edit in edits:
        edit(document)
    return document


@pytest.mark.parametrize(("edits", "said"), [one[1:] for one in CASES], ids=[c[0] for c in CASES])
def test_every_edit_is_told_once_and_in_words(
    edits: list[Callable[[Document], None]], said: list[str]
) -> None:
    before, after = catalog().decode(BASE), catalog().decode(edited(*edits))
    assert [one.sentence for one in changes(before, after)] == said


def test_the_structure_says_where_and_what() -> None:
    after = edited(set_("steps/reply/up_to", "2d"), set_("steps/reply/next/other", "label"))
    setting, line = changes(catalog().decode(BASE), catalog().decode(after))
    assert (setting.kind, setting.about, setting.step) == ("changed", "step", "reply")
    assert (setting.field, setting.before, setting.after) == ("/steps/reply/up_to", "24h", "2d")
    assert (line.kind, line.field) == ("line", "/steps/reply/next/other")
    assert (line.before, line.after) == (None, "label")
    assert setting.title == "Did they answer?"


def test_the_order_a_document_was_kept_in_says_nothing() -> None:
    """PostgreSQL keeps the names of an object in an order of its own."""
    after = edited(set_("steps/pause", None), set_("steps/end/name", "Done"))
    shuffled = {**after, "steps": dict(sorted(after["steps"].items(), reverse=True))}
    before = catalog().decode(BASE)
    assert changes(before, catalog().decode(after)) == changes(before, catalog().decode(shuffled))


def test_going_back_tells_the_opposite() -> None:
    before, after = catalog().decode(BASE), catalog().decode(edited(set_("steps/pause", None)))
    there, back = changes(before, after), changes(after, before)
    assert [(one.kind, one.step) for one in there] == [("removed", "pause")]
    assert [(one.kind, one.step) for one in back] == [("added", "pause")]
    assert there[0].before == back[0].after


def test_counts_and_groups() -> None:
    before = catalog().decode(BASE)
    after = catalog().decode(
        edited(
            set_("steps/pause", None),
            set_("steps/new", {"type": "end"}),
            set_("steps/new2", {"type": "end"}),
            set_("steps/hello/name", "Hello"),
            set_("steps/hello/footer", "x"),
        )
    )
    found = changes(before, after)
    assert in_short(found) == "2 steps added, 1 step removed, 2 other changes"
    assert in_short([]) == "Nothing changed"
    assert in_short(changes(before, catalog().decode(edited(set_("name", "B"))))) == "1 change"
    assert changed_steps(before, after) == {"pause", "new", "new2", "hello"}
    groups = by_place(found)
    assert [one.kind for one in groups["step", "hello"]] == ["renamed", "changed"]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_shipped_flows_can_be_compared_with_nothing_and_themselves(path: Path) -> None:
    document = json.loads(path.read_text())
    flow = catalog().decode(document)
    assert changes(flow, flow) == []
    empty = catalog().decode({"name": flow.name, "language": flow.language})
    there = changes(empty, flow)
    added = [one.step for one in there if one.about == "step"]
    assert added == in_order(flow)
    assert set(added) == set(flow.steps)
    assert all(one.sentence.endswith(".") and "None" not in one.sentence for one in there)
    assert len(changes(flow, empty)) >= len(flow.steps)
