"""Whatever is asked of whatever document: it is done or refused, and can be undone."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.kinds import catalog
from flows.arrange import CARD_WIDTH, START, START_HEIGHT, card_height
from flows.editing import START_STEP, Change, EditRefused, apply
from flows.editing.changes import Changes
from flows.parts import differing, with_parts

Json = dict[str, Any]

KINDS = st.sampled_from((*catalog().steps, "from_the_future"))
IDS = st.sampled_from(("a", "b", "c", "delay", "ask", "ask_2", START_STEP, "odd id"))
EXITS = st.sampled_from(("start", "sent", "after", "other", "done", "yes", "red", "blue", "to"))
SPOT = st.tuples(st.integers(-200, 2000), st.integers(-200, 2000))
SMALL: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.just({})
)
ENTRY = st.fixed_dictionaries(
    {"type": KINDS},
    optional={
        "name": st.text(max_size=5),
        "next": st.dictionaries(EXITS, IDS, max_size=3) | st.just("odd"),
        "at": st.lists(st.integers(-500, 500), min_size=2, max_size=2) | st.none(),
        "options": st.just([{"id": "red"}, {"id": "blue"}]),
        "duration": st.sampled_from(("1h", "soon")),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("x"),
        "start": IDS | st.none() | st.just(7),
        "steps": st.dictionaries(IDS, ENTRY | st.none() | st.just(3), max_size=7) | st.just([]),
        "triggers": st.just({"t": {"type": "tag_added"}}) | st.just({}) | st.just(1),
        "start_at": st.just([8, 8]) | st.just("odd"),
    },
)
WAY = st.fixed_dictionaries({"step": IDS, "exit": EXITS})
PLACES = st.sampled_from(
    (
        *("/name", "/language", "/entry/policy", "/exit_rules/-", "/start", "/steps", "", "x"),
        *("/steps/a/name", "/steps/a/options/0/id", "/steps/b/next", "/steps/c/duration"),
        *("/steps/ask/options/-", "/steps/delay/at", "/triggers/t/tag", "/steps/a/x/0/y"),
    )
)


def _change(do: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    wanted = {name: one for name, one in fields.items() if not name.endswith("_")}
    maybe = {name.removesuffix("_"): one for name, one in fields.items() if name.endswith("_")}
    return st.fixed_dictionaries({"do": st.just(do), **wanted}, optional=maybe)


SOME = st.lists(IDS, min_size=1, max_size=3)
CHANGE = st.one_of(
    _change("move", steps=st.dictionaries(IDS, SPOT, min_size=1, max_size=3)),
    _change("connect", step=IDS, exit=EXITS, to=IDS),
    _change("disconnect", step=IDS, exit=EXITS),
    _change("add", kind=KINDS, at_=SPOT, after_=WAY, onto_=WAY, id_=IDS),
    _change("delete", steps=SOME, join_=st.booleans()),
    _change("duplicate", steps=SOME),
    _change(
        "paste",
        clip=st.fixed_dictionaries(
            {"steps": st.dictionaries(IDS, ENTRY | SMALL, min_size=1, max_size=3)}
        ),
        at_=SPOT,
    ),
    _change("edit", place=PLACES, value_=SMALL),
    _change("add_trigger", kind=st.sampled_from(("api", "tag_added", "odd"))),
    _change("delete_trigger", trigger=st.sampled_from(("t", "api"))),
    _change("tidy"),
    _change("insert", step=IDS, onto=WAY),
)


def _read(changes: list[Json]) -> list[Change]:
    return msgspec.convert(changes, Changes)


def _lines(document: Json) -> set[tuple[str, str, str]]:
    """Every line that can be read."""
    steps = document.get("steps")
    found = {(START_STEP, "start", document["start"])} if "start" in document else set()
    for step_id, entry in (steps if isinstance(steps, dict) else {}).items():
        ways = entry.get("next") if isinstance(entry, dict) else None
        for name, to in (ways if isinstance(ways, dict) else {}).items():
            found.add((step_id, name, to))
    return found


@given(DOCUMENTS, st.lists(st.lists(CHANGE, min_size=1, max_size=3), max_size=8))
def test_done_or_refused_and_undone(first: Json, asked: list[list[Json]]) -> None:
    document, entries = first, []
    for changes in asked:
        before = msgspec.json.encode(document)
        try:
            made = apply(document, _read(changes), catalog(), taken=frozenset({"delay_2"}))
        except EditRefused:
            continue
        finally:
            assert msgspec.json.encode(document) == before
        steps = made.document.get("steps", {})
        new = _lines(made.document) - _lines(document)
        assert all(to in steps for _, _, to in new), new
        assert all(step != to for step, _, to in new)
        assert len(set(made.made)) == len(made.made)
        old = document.get("steps", {})
        assert not {one for one in made.made if one in steps} & set(old) - {"api", "tag_added"}
        if made.document != document:
            entries.append(differing(document, made.document))
            document = made.document
    assert msgspec.json.decode(msgspec.json.encode(document)) == document
    last = document
    for was, now in reversed(entries):
        document = with_parts(document, now, was)
    assert document == first
    for was, now in entries:
        document = with_parts(document, was, now)
    assert document == last


@given(DOCUMENTS, DOCUMENTS)
def test_parts_lead_both_ways(one: Json, other: Json) -> None:
    was, now = differing(one, other)
    assert with_parts(one, was, now) == other
    assert with_parts(other, now, was) == one


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("delay", "ask", "if_else", "split", "end")),
            st.sampled_from(("after", "onto", "none")),
            st.integers(0, 30),
        ),
        max_size=14,
    )
)
def test_no_card_that_is_added_covers_another(asked: list[tuple[str, str, int]]) -> None:
    document: Json = {"name": "x"}
    for kind, where, number in asked:
        flow = catalog().decode(document)
        ways = [(START_STEP, "start")]
        ways += [(one, way.name) for one, step in flow.steps.items() for way in step.exits()]
        step, way = ways[number % len(ways)]
        change: Json = {"do": "add", "kind": kind}
        if where != "none":
            change[where] = {"step": step, "exit": way}
        with suppress(EditRefused):
            document = apply(document, _read([change]), catalog()).document
    boxes = [
        (step.at[0], step.at[1], card_height(step))
        for step in catalog().decode(document).steps.values()
        if step.at is not None
    ]
    assert len(boxes) == len(document.get("steps", {}))
    boxes.append((*START, START_HEIGHT))
    for (x, y, height), (x2, y2, height2) in combinations(boxes, 2):
        assert abs(x - x2) >= CARD_WIDTH or y >= y2 + height2 or y2 >= y + height


@given(st.lists(CHANGE, max_size=12))
def test_what_is_readable_stays_readable(changes: list[Json]) -> None:
    document: Json = {"name": "x"}
    for one in changes:
        try:
            document = apply(document, _read([one]), catalog()).document
        except EditRefused:
            continue
        if one["do"] != "paste":
            continue
        document = {"name": "x"}  # a clipboard may bring what cannot be read
    assert catalog().check(document)[0] is not None
