"""What each change of a document does, and what is refused in which words."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest

from engine.kinds import catalog
from flows.editing import Edited, EditRefused, apply, places, read_changes

Json = dict[str, Any]


def edited(document: Json, *changes: Json, taken: frozenset[str] = frozenset()) -> Edited:
    before = json.dumps(document)
    made = apply(document, read_changes(json.dumps(changes)), catalog(), taken=taken)
    assert json.dumps(document) == before  # what was given is never touched
    return made


def refused(document: Json, *changes: Json) -> EditRefused:
    with pytest.raises(EditRefused) as caught:
        edited(document, *changes)
    return caught.value


def flow(**more: Any) -> Json:
    """Start → hello → pause → bye, in one row; a note on its own."""
    return {
        "name": "Hello",
        "start": "hello",
        "steps": {
            "hello": {
                "type": "send_message",
                "text": "Hi",
                "at": [336, 0],
                "next": {"sent": "pause"},
            },
            "pause": {"type": "delay", "name": "Pause", "at": [672, 0], "next": {"after": "bye"}},
            "bye": {"type": "end", "at": [1008, 0]},
            "note": {"type": "note", "text": "x", "at": [336, 400]},
        },
        **more,
    }


class TestAdding:
    def test_after_a_free_exit_right_of_it(self) -> None:
        made = edited(
            flow(), {"do": "add", "kind": "tag", "after": {"step": "note", "exit": "done"}}
        )
        assert made.label == "Add Tag"
        assert made.made == ["tag"]
        assert made.touched == ["note", "tag"]
        assert made.document["steps"]["tag"] == {"type": "tag", "at": [672, 400]}
        assert made.document["steps"]["note"]["next"] == {"done": "tag"}

    def test_below_what_stands_there(self) -> None:
        made = edited(
            flow(), {"do": "add", "kind": "end", "after": {"step": "hello", "exit": "failed"}}
        )
        left, top = made.document["steps"]["end"]["at"]
        assert left == 672
        assert top >= 98 + 40
        assert top % 8 == 0

    def test_only_what_would_be_covered_moves_on(self) -> None:
        document = flow()
        document["steps"]["far"] = {"type": "end", "at": [2016, 0]}
        document["steps"]["under"] = {"type": "end", "at": [1344, 48]}
        onto = {"step": "hello", "exit": "sent"}
        steps = edited(document, {"do": "add", "kind": "tag", "onto": onto}).document["steps"]
        places = {one: steps[one]["at"][0] for one in ("pause", "bye", "under", "far", "note")}
        assert places == {"pause": 1008, "bye": 1344, "under": 1680, "far": 2016, "note": 336}

    def test_there_is_room_already(self) -> None:
        document = flow()
        document["steps"]["pause"]["at"] = [1008, 0]
        document["steps"]["bye"]["at"] = [1344, 0]
        onto = {"step": "hello", "exit": "sent"}
        steps = edited(document, {"do": "add", "kind": "tag", "onto": onto}).document["steps"]
        assert [steps[one]["at"][0] for one in ("tag", "pause", "bye")] == [672, 1008, 1344]

    def test_between_two_steps_all_behind_moves_on(self) -> None:
        made = edited(
            flow(), {"do": "add", "kind": "tag", "onto": {"step": "hello", "exit": "sent"}}
        )
        steps = made.document["steps"]
        assert steps["hello"]["next"] == {"sent": "tag"}
        assert steps["tag"] == {"type": "tag", "at": [672, 0], "next": {"done": "pause"}}
        assert [steps[one]["at"] for one in ("pause", "bye", "note")] == [
            [1008, 0],
            [1344, 0],
            [336, 400],
        ]

    def test_after_a_connected_exit_is_between(self) -> None:
        made = edited(
            flow(), {"do": "add", "kind": "tag", "after": {"step": "@start", "exit": "start"}}
        )
        assert made.document["start"] == "tag"
        assert made.document["steps"]["tag"]["next"] == {"done": "hello"}
        assert made.touched[0] == "@start"

    def test_where_it_was_dropped_on_the_grid(self) -> None:
        made = edited(flow(), {"do": "add", "kind": "delay", "at": [1003.7, -21]})
        assert made.document["steps"]["delay"]["at"] == [1000, -24]

    def test_the_first_step_is_the_one_to_begin_with(self) -> None:
        made = edited({"name": "New"}, {"do": "add", "kind": "delay"})
        assert made.document["start"] == "delay"
        assert made.document["steps"]["delay"]["at"] == [336, 0]

    def test_ids_are_short_and_never_used_before(self) -> None:
        first = edited(flow(), {"do": "add", "kind": "delay"}, taken=frozenset({"delay_2"}))
        assert first.made == ["delay"]
        made = edited(first.document, {"do": "add", "kind": "delay"}, taken=frozenset({"delay_2"}))
        assert made.made == ["delay_3"]

    def test_with_settings_and_an_id(self) -> None:
        made = edited(
            flow(language="it"),
            {"do": "add", "kind": "send_template", "settings": {"template": "hi"}, "id": "hi"},
        )
        steps = made.document["steps"]
        assert {**steps["hi"], "at": 0} == {
            "type": "send_template",
            "template": "hi",
            "language": "it",
            "at": 0,
        }
        assert refused(made.document, {"do": "add", "kind": "end", "id": "hi"}).step == "hi"

    def test_every_kind_can_be_read_from_its_first_moment(self) -> None:
        for kind in catalog().steps:
            made = edited({"name": "x"}, {"do": "add", "kind": kind})
            read, _ = catalog().check(made.document)
            assert read is not None, kind
        for kind in catalog().triggers:
            read, _ = catalog().check(
                edited({"name": "x"}, {"do": "add_trigger", "kind": kind}).document
            )
            assert read is not None, kind

    def test_what_cannot_be_added(self) -> None:
        onto = {"step": "hello", "exit": "sent"}
        said = refused(flow(), {"do": "add", "kind": "end", "onto": onto}).sentence
        assert said == "End has no exit, so nothing can follow it. Put it at an end."
        assert "not a kind" in refused(flow(), {"do": "add", "kind": "nonsense"}).sentence
        wrong = refused(flow(), {"do": "add", "kind": "delay", "settings": {"duration": "x"}})
        assert wrong.place == "/steps/delay/duration"
        many = {"name": "x", "steps": {f"s{n}": {"type": "end"} for n in range(1000)}}
        said = refused(many, {"do": "add", "kind": "end"}).sentence
        assert said == "An automation can have 1,000 steps at most."


class TestLines:
    def test_connect_and_disconnect(self) -> None:
        made = edited(flow(), {"do": "connect", "step": "hello", "exit": "failed", "to": "note"})
        assert made.label == "Connect “Failed” to Note"
        assert made.touched == ["hello"]
        back = edited(made.document, {"do": "disconnect", "step": "hello", "exit": "failed"})
        assert back.label == "Disconnect “Failed” of Send message"
        assert back.document == flow()

    def test_the_start(self) -> None:
        made = edited(flow(), {"do": "connect", "step": "@start", "exit": "start", "to": "note"})
        assert (made.label, made.touched) == ("Connect Start to Note", ["@start"])
        none = edited(flow(), {"do": "disconnect", "step": "@start", "exit": "start"})
        assert "start" not in none.document

    def test_a_line_that_is_there_changes_nothing(self) -> None:
        made = edited(flow(), {"do": "connect", "step": "hello", "exit": "sent", "to": "pause"})
        assert made.touched == []

    @pytest.mark.parametrize(
        ("step", "exit_", "to", "gone", "said"),
        [
            ("hello", "sent", "hello", False, "A step cannot lead to itself."),
            ("hello", "sent", "@start", False, "Nothing can lead to Start."),
            ("hello", "sent", "was", True, "“was” is not there any more"),
            ("was", "sent", "hello", True, "“was” is not there any more"),
            ("hello", "maybe", "pause", True, "Send message has no exit “maybe”"),
            ("@start", "sent", "pause", False, "The start card has one exit only"),
        ],
    )
    def test_lines_that_cannot_be(
        self, step: str, exit_: str, to: str, gone: bool, said: str
    ) -> None:
        why = refused(flow(), {"do": "connect", "step": step, "exit": exit_, "to": to})
        assert why.sentence.startswith(said)
        assert why.gone is gone

    def test_insert_a_step_that_is_there(self) -> None:
        made = edited(
            flow(), {"do": "insert", "step": "note", "onto": {"step": "hello", "exit": "sent"}}
        )
        steps = made.document["steps"]
        assert steps["hello"]["next"] == {"sent": "note"}
        assert steps["note"]["next"] == {"done": "pause"}
        assert steps["note"]["at"] == [336, 400]
        again = {"do": "insert", "step": "pause", "onto": {"step": "note", "exit": "done"}}
        assert "is on this line already" in refused(made.document, again).sentence
        full = {"do": "insert", "step": "note", "onto": {"step": "pause", "exit": "after"}}
        assert "All exits of Note lead somewhere" in refused(made.document, full).sentence


class TestRemoving:
    def test_the_gap_stays_open(self) -> None:
        made = edited(flow(), {"do": "delete", "steps": ["pause"]})
        assert made.label == "Delete Pause"
        assert "next" not in made.document["steps"]["hello"]
        assert made.touched == ["hello", "pause"]

    def test_the_gap_is_joined_past_all_that_goes(self) -> None:
        made = edited(flow(), {"do": "delete", "steps": ["hello", "pause"], "join": True})
        assert made.label == "Delete 2 steps"
        assert made.document["start"] == "bye"

    def test_a_loop_is_not_joined_to_itself(self) -> None:
        document = flow()
        document["steps"]["pause"]["next"] = {"after": "hello"}
        made = edited(document, {"do": "delete", "steps": ["pause"], "join": True})
        assert "next" not in made.document["steps"]["hello"]

    def test_what_is_gone_already_is_fine(self) -> None:
        assert edited(flow(), {"do": "delete", "steps": ["was"]}).touched == []
        assert refused(flow(), {"do": "delete", "steps": ["@start"]}).sentence
        kept = edited(flow(), {"do": "delete", "steps": ["@start", "note"]})
        assert kept.label == "Delete Note"


class TestCopying:
    def test_duplicates_keep_the_lines_among_them(self) -> None:
        made = edited(flow(), {"do": "duplicate", "steps": ["hello", "pause"]})
        steps = made.document["steps"]
        assert (made.label, made.made) == ("Duplicate 2 steps", ["hello_2", "pause_2"])
        assert steps["hello_2"]["next"] == {"sent": "pause_2"}
        assert "next" not in steps["pause_2"]
        assert steps["hello_2"]["at"] == [384, 48]
        again = edited(made.document, {"do": "duplicate", "steps": ["hello"]})
        assert again.document["steps"]["hello_3"]["at"] == [432, 96]

    def test_what_names_a_copied_step_follows_it(self) -> None:
        clip = {
            "ask": {"type": "send_message", "text": "?", "options": [{"id": "a", "label": "A"}]},
            "wait": {
                "type": "wait_for_reply",
                "answers": [
                    {"exit": "a", "match": "option", "words": ["a"], "step": "ask"},
                    {"exit": "b", "match": "option", "words": ["b"], "step": "elsewhere"},
                ],
                "next": {"a": "say", "other": "elsewhere"},
            },
            "say": {
                "type": "send_message",
                "text": "You said {{ answers.wait }}, not answers.waiting",
            },
        }
        document = edited(flow(), {"do": "paste", "clip": {"steps": clip}, "at": [0, 800]}).document
        made = edited(document, {"do": "paste", "clip": {"steps": clip}})
        steps = made.document["steps"]
        assert made.made == ["ask_2", "wait_2", "say_2"]
        assert steps["wait_2"]["answers"][0]["step"] == "ask_2"
        assert "step" not in steps["wait_2"]["answers"][1]
        assert steps["wait_2"]["next"] == {"a": "say_2"}
        assert steps["say_2"]["text"] == "You said {{ answers.wait_2 }}, not answers.waiting"
        assert min(steps[one]["at"][1] for one in clip) == 800

    def test_a_call_that_is_copied_keeps_what_the_clipboard_must_not_hold(self) -> None:
        call = {
            "type": "webhook",
            "url": "https://crm.example/?token=abc",
            "headers": {"Authorization": "Bearer 1", "X-Kind": "a"},
        }
        document = flow()
        document["steps"]["call"] = call
        told = {**call, "url": "https://crm.example/?token=", "headers": {"Authorization": ""}}
        clip = {"steps": {"call": told, "other": told}}
        steps = edited(document, {"do": "paste", "clip": clip}).document["steps"]
        assert steps["call_2"]["url"] == call["url"]
        assert steps["call_2"]["headers"] == {"Authorization": "Bearer 1"}
        assert steps["other"]["headers"] == {"Authorization": ""}
        elsewhere = {"call": {**told, "url": "https://elsewhere.example/?token="}}
        steps = edited(document, {"do": "paste", "clip": {"steps": elsewhere}}).document["steps"]
        assert steps["call_2"]["headers"] == {"Authorization": ""}

    def test_what_is_no_clip(self) -> None:
        clip = {"steps": {"a": {"type": "nonsense"}}}
        assert "clipboard" in refused(flow(), {"do": "paste", "clip": clip}).sentence


class TestSettings:
    def test_a_setting(self) -> None:
        made = edited(flow(), {"do": "edit", "place": "/steps/pause/duration", "value": "2d"})
        assert made.label == "Edit Pause: duration"
        assert made.document["steps"]["pause"]["duration"] == "2d"
        gone = edited(made.document, {"do": "edit", "place": "/steps/pause/duration"})
        assert gone.document == flow()

    def test_a_name(self) -> None:
        made = edited(flow(), {"do": "edit", "place": "/steps/pause/name", "value": "Coffee"})
        assert made.label == "Rename Pause to “Coffee”"
        made = edited(flow(), {"do": "edit", "place": "/name", "value": "Ciao"})
        assert (made.label, made.touched) == ("Rename the automation to “Ciao”", ["@start"])

    def test_lists(self) -> None:
        place = "/steps/hello/options"
        made = edited(
            flow(),
            {"do": "edit", "place": f"{place}/0", "value": {"id": "a", "label": "A"}},
            {"do": "edit", "place": f"{place}/-", "value": {"id": "b"}},
            {"do": "edit", "place": f"{place}/1/label", "value": "B"},
            {"do": "edit", "place": f"{place}/0"},
        )
        assert made.document["steps"]["hello"]["options"] == [{"id": "b", "label": "B"}]
        late = refused(flow(), {"do": "edit", "place": f"{place}/7/label", "value": "B"})
        assert late.gone

    def test_lines_follow_exits(self) -> None:
        document = {
            "name": "x",
            "steps": {
                "ask": {
                    "type": "ask",
                    "text": "?",
                    "options": [{"id": "red"}, {"id": "blue"}],
                    "next": {"red": "end", "blue": "end"},
                },
                "end": {"type": "end"},
            },
        }
        options = "/steps/ask/options"
        renamed = edited(document, {"do": "edit", "place": f"{options}/0/id", "value": "pink"})
        assert renamed.document["steps"]["ask"]["next"] == {"pink": "end", "blue": "end"}
        fewer = edited(document, {"do": "edit", "place": f"{options}/0"})
        assert fewer.document["steps"]["ask"]["next"] == {"blue": "end"}

    @pytest.mark.parametrize(
        ("place", "value", "said"),
        [
            ("/steps/pause/duration", "2x", "a length of time such as"),
            ("/steps/pause/hours", 3, "“hours” is not known here."),
            ("/steps/pause/type", "end", "The kind of a step cannot be changed"),
            ("/steps/pause/next", {"after": "was"}, "Lines are drawn by connecting"),
            ("/steps/pause", {}, "This cannot be set."),
            ("/steps", {}, "This cannot be set."),
            ("/start", "was", "This cannot be set."),
            ("/spec", 2, "This cannot be set."),
            ("name", "x", "is not there any more"),
            ("/name", "", "This is empty."),
            ("/entry/policy", "never", "is not possible here"),
            ("/language", "Italian", "is not written as it must be"),
            ("/triggers/was/wait", "1h", "This trigger is not there any more"),
        ],
    )
    def test_what_does_not_fit(self, place: str, value: Any, said: str) -> None:
        why = refused(flow(), {"do": "edit", "place": place, "value": value})
        assert said in why.sentence
        assert why.place == place

    def test_triggers(self) -> None:
        made = edited(
            flow(),
            {"do": "add_trigger", "kind": "tag_added", "settings": {"tag": "vip"}},
            {"do": "add_trigger", "kind": "tag_added"},
        )
        assert made.made == ["tag_added", "tag_added_2"]
        assert made.label == "Add trigger Tag added"
        assert made.touched == ["@start"]
        less = edited(made.document, {"do": "delete_trigger", "trigger": "tag_added_2"})
        set_ = edited(
            less.document, {"do": "edit", "place": "/triggers/tag_added/tag", "value": "a"}
        )
        assert set_.document["triggers"] == {"tag_added": {"type": "tag_added", "tag": "a"}}
        assert edited(set_.document, {"do": "delete_trigger", "trigger": "was"}).touched == []


class TestPlaces:
    def test_move_on_the_grid(self) -> None:
        made = edited(flow(), {"do": "move", "steps": {"pause": [700, 13], "@start": [-100, 3]}})
        assert made.label == "Move 2 steps"
        assert made.document["steps"]["pause"]["at"] == [704, 16]
        assert made.document["start_at"] == [-96, 0]
        assert refused(flow(), {"do": "move", "steps": {"was": [0, 0]}}).gone

    def test_cards_without_a_place_keep_the_one_they_are_shown_at(self) -> None:
        document = flow()
        for entry in document["steps"].values():
            del entry["at"]
        made = edited(document, {"do": "move", "steps": {"note": [0, 800]}})
        steps = made.document["steps"]
        assert [steps[one]["at"] for one in steps] == [[336, 0], [672, 0], [1008, 0], [0, 800]]
        still = edited(document, {"do": "disconnect", "step": "note", "exit": "done"})
        assert still.document == document  # nothing was changed, so nothing is written down

    def test_the_canvas_has_an_end(self) -> None:
        far = flow()
        far["steps"]["bye"]["at"] = [1_000_000, 1_000_000]
        far["steps"]["note"].pop("at")
        made = edited(
            far,
            {"do": "add", "kind": "tag", "after": {"step": "pause", "exit": "after"}},
            {"do": "duplicate", "steps": ["bye"]},
            {"do": "move", "steps": {"hello": [1e300, -1e300]}},
            {"do": "add", "kind": "tag", "after": {"step": "hello", "exit": "failed"}},
            {"do": "add", "kind": "end"},
        )
        assert catalog().check(made.document)[0] is not None
        assert made.document["steps"]["hello"]["at"] == [1_000_000, -1_000_000]

    def test_tidy(self) -> None:
        made = edited(flow(start_at=[8, 8]), {"do": "tidy"})
        assert made.label == "Tidy up"
        assert "start_at" not in made.document
        assert edited(made.document, {"do": "tidy"}).touched == []

    def test_tidied_many_times_is_tidied_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tidied = Mock(wraps=places.tidy)
        monkeypatch.setattr(places, "tidy", tidied)
        move = {"do": "move", "steps": {"bye": [8, 8]}}
        made = edited(flow(), {"do": "tidy"}, move, {"do": "tidy"}, {"do": "tidy"})
        assert tidied.call_count == 1
        assert made.document == edited(flow(), {"do": "tidy"}).document


class TestUnreadable:
    DOCUMENT: ClassVar[Json] = {
        "name": "x",
        "start": "odd",
        "steps": {
            "odd": {"type": "from_the_future", "next": {"way": "end"}},
            "bad": {"type": "delay", "duration": "soon", "next": 7},
            "none": None,
            "end": {"type": "end"},
        },
    }

    def test_they_can_be_moved_connected_and_deleted(self) -> None:
        made = edited(
            self.DOCUMENT,
            {"do": "move", "steps": {"odd": [0, 0], "bad": [0, 0]}},
            {"do": "connect", "step": "odd", "exit": "way", "to": "bad"},
            {"do": "duplicate", "steps": ["odd"]},
            {"do": "delete", "steps": ["none", "end"]},
            {"do": "tidy"},
        )
        assert list(made.document["steps"]) == ["odd", "bad", "odd_2"]

    def test_they_can_be_mended(self) -> None:
        made = edited(self.DOCUMENT, {"do": "edit", "place": "/steps/bad/duration", "value": "1h"})
        made = edited(made.document, {"do": "edit", "place": "/steps/bad/next"})
        assert made.document["steps"]["bad"]["duration"] == "1h"

    def test_what_cannot_be_known_is_refused(self) -> None:
        new = {"do": "connect", "step": "odd", "exit": "new", "to": "end"}
        assert "cannot be read" in refused(self.DOCUMENT, new).sentence
        assert (
            "cannot be read"
            in refused(self.DOCUMENT, {"do": "move", "steps": {"none": [0, 0]}}).sentence
        )
        assert "cannot be read" in refused({"steps": []}, {"do": "tidy"}).sentence


def test_changes_that_are_none() -> None:
    for text in ("", "{}", "[]", '[{"do": "explode"}]', '[{"do": "move"}]', "[" * 5000, "\ud800"):
        with pytest.raises(EditRefused):
            read_changes(text)


def test_several_changes_have_one_label() -> None:
    made = edited(
        flow(),
        {"do": "move", "steps": {"note": [0, 0]}},
        {"do": "connect", "step": "note", "exit": "done", "to": "bye"},
    )
    assert made.label == "Move Note and 1 more change"
