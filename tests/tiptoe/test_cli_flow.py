"""`tiptoe flow`: all problems of a file, and a transcript of what a flow would do."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tiptoe.cli import main

LIBRARY = Path(__file__).parents[2] / "flows" / "library"
CART = str(LIBRARY / "abandoned_cart.json")
START = ["--start", "2026-03-02T10:00"]

HELLO: dict[str, Any] = {
    "spec": 1,
    "name": "Hello",
    "triggers": {"word": {"type": "customer_message", "rules": [{"words": ["hello"]}]}},
    "start": "greet",
    "steps": {
        "greet": {
            "type": "send_message",
            "name": "Greet",
            "text": "Hello {{ contact.first_name }}",
            "options": [{"id": "yes", "label": "Yes"}],
            "next": {"sent": "wait"},
        },
        "wait": {
            "type": "wait_for_reply",
            "up_to": "2h",
            "answers": [{"exit": "yes", "match": "option", "words": ["yes"], "step": "greet"}],
            "next": {"yes": "is_open", "no_reply": "end", "other": "end"},
        },
        "is_open": {
            "type": "if_else",
            "condition": {"type": "is", "value": "window.open", "op": "is", "to": "yes"},
            "next": {"yes": "mark", "no": "end"},
        },
        "mark": {"type": "tag", "add": ["friend"], "next": {"done": "end"}},
        "end": {"type": "end"},
    },
}


class Files:
    """Writes JSON files and calls the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: object) -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def call(self, *arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(main, ["flow", *arguments], input=text)

    def played(self, *arguments: str) -> dict[str, Any]:
        result = self.call("simulate", *arguments, *START, "--json")
        assert result.stderr == ""
        told: dict[str, Any] = json.loads(result.stdout)
        return told


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def without(path: str) -> dict[str, Any]:
    """HELLO without the entry at `path`."""
    document: dict[str, Any] = json.loads(json.dumps(HELLO))
    *parents, last = path.split(".")
    place = document
    for name in parents:
        place = place[name]
    del place[last]
    return document


# --- check -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.json")), ids=lambda path: path.stem)
def test_check_of_the_library(files: Files, path: Path) -> None:
    result = files.call("check", str(path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "nothing is wrong" in result.stdout


def test_check_lists_all_errors_with_their_places(files: Files) -> None:
    document = without("steps.greet.next")
    document["steps"]["end"]["goal"] = 7
    document["steps"]["mark"]["ad"] = ["x"]
    path = files.write("flow.json", document)
    result = files.call("check", path, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (told["ok"], told["errors"]) == (False, 3)
    by_step = {problem["step"]: problem for problem in told["problems"]}
    assert by_step["greet"]["field"] == "/steps/greet/next/sent"
    assert by_step["end"]["field"] == "/steps/end/goal"
    assert by_step["mark"]["todo"] == "Did you mean “add”?"
    assert set(by_step["mark"]) == {"severity", "step", "field", "sentence", "todo"}


def test_check_says_it_in_words(files: Files) -> None:
    result = files.call("check", files.write("flow.json", without("steps.greet.next")))
    assert result.exit_code == 1
    assert "error    greet  /steps/greet/next/sent" in result.stdout
    assert "→ Connect it" in result.stdout
    assert "1 error, " in result.stdout


def test_check_lets_warnings_pass(files: Files) -> None:
    path = files.write("flow.json", without("triggers.word"))
    result = files.call("check", path)
    assert result.exit_code == 0
    assert "warning" in result.stdout
    assert json.loads(files.call("check", path, "--json").stdout)["ok"] is True


def test_check_reads_standard_input(files: Files) -> None:
    result = files.call("check", "-", text=json.dumps(HELLO))
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{\n  "name": Hello\n}', "line 2, column 11"),
        ("", "line 1, column 1"),
        ('{"steps": {"a": {}, "a": {}}}', "“a” stands twice"),
        ('{"name": NaN}', "NaN is no number"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_check_of_what_is_no_json(files: Files, content: str, words: str) -> None:
    result = files.call("check", files.write("flow.json", content))
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_check_of_unreadable_files(files: Files) -> None:
    assert "No such file" in files.call("check", str(files.folder / "none.json")).stderr
    latin = files.folder / "latin.json"
    latin.write_bytes(b'{"name": "caf\xe9"}')
    result = files.call("check", str(latin))
    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr


# --- simulate ----------------------------------------------------------------------------------


def test_three_days_of_an_abandoned_cart(files: Files) -> None:
    result = files.call("simulate", CART, *START, "--days", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    said = result.stdout
    assert said.count("▸ message") == 3
    assert "● event    cart.abandoned" in said
    assert "Blue mug, Green tea" in said
    assert "[help] [stop]" in said
    assert said.index("Mon 02 Mar 2026") < said.index("Tue 03 Mar 2026") < said.index("Thu 05 Mar")
    assert said.rstrip().endswith(
        "Still waiting, at the latest until Sat 07 Mar 2026 09:30; 3 messages so far."
    )


def test_an_order_ends_the_series(files: Files) -> None:
    event = {"type": "shop", "kind": "order.created"}
    script = files.write("script.json", [{"after": "2h", "event": event}])
    told = files.played(CART, "--events", script)
    assert len(told["messages"]) == 1
    assert (told["status"], told["lines"][-1]["who"]) == ("stopped", "end")


def test_the_customer_taps_and_the_window_is_open(files: Files) -> None:
    path = files.write("flow.json", HELLO)
    script = files.write("script.json", [{"after": "30m", "tap": "yes"}])
    told = files.played(path, "--events", script)
    assert (told["status"], told["contact"]["tags"]) == ("done", ["friend"])
    said = [line["text"] for line in told["lines"] if line["who"] == "customer"]
    assert said == ["hello", "Yes"]


def test_a_verdict_belongs_to_its_message_alone(files: Files) -> None:
    document = json.loads(json.dumps(HELLO))
    document["steps"]["greet"]["next"]["failed"] = "again"
    again = {"type": "send_message", "text": "Once more", "next": {"sent": "end"}}
    document["steps"]["again"] = again
    path = files.write("flow.json", document)
    script = files.write("script.json", [{"on_message": 1, "verdict": "failed"}])
    told = files.played(path, "--events", script)
    assert [message["body"] for message in told["messages"]] == ["Once more"]
    assert told["status"] == "done"


def test_the_start_can_be_chosen(files: Files) -> None:
    document = json.loads(json.dumps(HELLO))
    document["triggers"]["api"] = {"type": "api"}
    document["steps"]["greet"]["text"] = "{{ data.code | default: message.text }}"
    path = files.write("flow.json", document)
    data = files.write("data.json", {"code": "A1"})

    def first(*arguments: str) -> str:
        return str(files.played(path, *arguments)["messages"][0]["body"])

    assert first() == "hello"
    assert first("--say", "HELLO") == "HELLO"
    assert first("--trigger", "api", "--data", data) == "A1"


def test_times_are_the_contacts(files: Files) -> None:
    contact = files.write("contact.json", {"first_name": "Gen", "zone": "Asia/Tokyo"})
    path = files.write("flow.json", HELLO)
    told = files.played(path, "--as", contact)
    assert told["lines"][0]["at"] == "2026-03-02T01:00:00Z"
    assert told["messages"][0]["body"] == "Hello Gen"
    said = files.call("simulate", path, "--as", contact, *START).stdout
    assert "Mon 02 Mar 2026\n  10:00 " in said


def test_without_a_start_it_begins_now(files: Files) -> None:
    result = files.call("simulate", files.write("flow.json", HELLO), "--json")
    at = datetime.fromisoformat(json.loads(result.stdout)["lines"][0]["at"])
    assert (at.tzinfo is not None, at.second) == (True, 0)


def test_what_does_not_start_or_fails_is_exit_code_1(files: Files) -> None:
    path = files.write("flow.json", HELLO)
    silent = files.call("simulate", path, "--say", "something else")
    assert silent.exit_code == 1
    assert "It did not start: no keyword fits." in silent.stdout
    document = json.loads(json.dumps(HELLO))
    document["steps"]["greet"]["text"] = "{{ 'x' | date: 5 | json: 3, 4, 5 }}"
    failing = files.call("simulate", files.write("failing.json", document), *START)
    assert failing.exit_code == 1
    assert "Failed (Greet (greet)" in failing.stdout


def test_a_flow_with_errors_is_not_played(files: Files) -> None:
    result = files.call("simulate", files.write("flow.json", without("steps.greet.next")))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Exit “Sent” leads nowhere." in result.stderr
    assert "not simulated" in result.stderr


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"say": "x"}, "a script is a list"),
        ([{"say": "x"}, {"after": "soon", "say": "x"}], "entry 2: “soon” is not a length of time"),
        ([{"says": "x"}], "entry 1"),
        ([{"after": "1h"}], "entry 1: nothing happens here"),
        ([{"say": "x", "tap": "y"}], "one of say and tap"),
        ([{"verdict": "failed"}], "on_message"),
        ([{"on_message": 0, "say": "x"}], "counted from 1"),
        ([{"event": {"type": "timer_due", "seq": 1}}], "a script has replied, shop, api, consent"),
    ],
)
def test_mistakes_in_a_script_are_told_with_their_place(
    files: Files, script: object, words: str
) -> None:
    path = files.write("script.json", script)
    result = files.call("simulate", CART, "--events", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert path in result.stderr
    assert words in result.stderr


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        ([], "a contact is an object"),
        ({"firstname": "Ada"}, "no “firstname”"),
        ({"zone": "Moon/Base"}, "no time zone"),
        ({"tags": "vip"}, "Expected `array`"),
        ({"last_inbound_at": "2026-03-02T10:00:00"}, "needs its offset"),
    ],
)
def test_mistakes_in_a_contact_are_told(files: Files, contact: object, words: str) -> None:
    result = files.call("simulate", CART, "--as", files.write("contact.json", contact))
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_mistakes_of_how_it_begins(files: Files) -> None:
    missing = files.call("simulate", CART, "--trigger", "nothing")
    assert missing.exit_code == 2
    assert "no trigger “nothing” in this flow (cart)" in missing.stderr
    document = json.loads(json.dumps(HELLO))
    document["triggers"]["word"]["rules"] = [{"match": "regex", "words": ["h.*o"]}]
    result = files.call("simulate", files.write("flow.json", document))
    assert result.exit_code == 2
    assert "--say" in result.stderr
    assert "this must be an object" in files.call(
        "simulate", CART, "--data", files.write("data.json", [1])
    ).stderr  # fmt: skip


def test_every_trigger_of_a_shop_has_a_natural_beginning(files: Files) -> None:
    for kind in ("order.created", "customer.created", "cart.recovered"):
        document = json.loads(json.dumps(HELLO))
        document["triggers"] = {"shop": {"type": "shop", "on": kind, "shop": "7"}}
        told = files.played(files.write("flow.json", document))
        assert told["status"] == "done"
    document["triggers"] = {"shop": {"type": "shop", "on": "order.paid", "minimum_total": "500"}}
    document["steps"]["greet"]["text"] = "{{ order.total }}"
    told = files.played(files.write("flow.json", document))
    assert told["messages"][0]["body"] == "500.00"
