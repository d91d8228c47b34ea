"""The memory of drafts: every write makes an entry, and entries lead both ways."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from store import automations, companies, drafts, users
from store.database import Database
from store.drafts import Draft
from store.errors import NotFoundError

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


def flow(**steps: Json) -> Json:
    return {"name": "Hello", "steps": steps}


class Desk:
    """An automation and whoever edits it."""

    def __init__(self, db: Database, company: int, automation: int, now: datetime) -> None:
        self.db, self.company, self.id, self.now = db, company, automation, now

    async def set(
        self, document: Json, label: str = "Change", by: int | None = None, merge: str = ""
    ) -> Draft:
        async with self.db.write() as tx:
            held = await drafts.hold(tx, self.company, self.id)
            return await drafts.record(
                tx, held, document, self.now, label=label, by=by, merge=merge
            )

    async def go(self, seq: int) -> Draft:
        async with self.db.write() as tx:
            held = await drafts.hold(tx, self.company, self.id)
            return await drafts.go_to(tx, held, seq, self.now)

    async def document(self) -> Json:
        async with self.db.read() as tx:
            return (await automations.get(tx, self.company, self.id)).draft

    async def standing(self) -> drafts.Standing:
        async with self.db.read() as tx:
            return await drafts.standing(tx, self.company, self.id)

    async def history(self) -> list[drafts.Listed]:
        async with self.db.read() as tx:
            return await drafts.history(tx, self.company, self.id)


@pytest.fixture
async def desk(db: Database, company: int, now: datetime) -> Desk:
    async with db.write() as tx:
        made = await automations.create(tx, company, flow(), now)
    return Desk(db, company, made, now)


async def test_undo_and_redo(desk: Desk) -> None:
    one = {"type": "delay", "next": {"after": "b"}, "at": [0, 0]}
    documents = [
        flow(),
        flow(a=one),
        flow(a={**one, "at": [8, 0]}),
        flow(a={"type": "delay"}, b={"type": "end", "name": "Ciao “è” 👋"}),
        {**flow(b={"type": "end"}), "name": "Other", "triggers": {"t": {"type": "api"}}},
    ]
    for number, document in enumerate(documents):
        await desk.set(document, f"Change {number}")
    assert await desk.standing() == drafts.Standing(4, 4, "Change 4", "")
    for seq in (3, 2, 1, 0):
        assert (await desk.go(seq)).draft == documents[seq]
        assert await desk.document() == documents[seq]
    assert await desk.standing() == drafts.Standing(8, 0, "", "Change 1")
    assert (await desk.go(-1)).draft_version == 8  # there is nothing before the first
    assert (await desk.go(4)).draft == documents[4]
    assert await desk.standing() == drafts.Standing(9, 4, "Change 4", "")
    async with desk.db.read() as tx:
        assert (await automations.get(tx, desk.company, desk.id)).name == "Other"


async def test_a_new_change_ends_what_could_be_redone(desk: Desk) -> None:
    await desk.set(flow(a={"type": "end"}), "One")
    await desk.set(flow(a={"type": "end"}, b={"type": "end"}), "Two")
    await desk.go(0)
    await desk.set(flow(c={"type": "end"}), "Three")
    assert await desk.standing() == drafts.Standing(4, 1, "Three", "")
    assert [(one.seq, one.label, one.done) for one in await desk.history()] == [(1, "Three", True)]


async def test_what_changes_nothing_leaves_no_trace(desk: Desk) -> None:
    await desk.set(flow(a={"type": "end"}), "One")
    held = await desk.set(flow(a={"type": "end"}), "Two")
    assert (held.draft_version, held.draft_seq) == (1, 1)
    assert len(await desk.history()) == 1


async def test_edits_of_one_field_are_undone_together(desk: Desk) -> None:
    def named(name: str) -> Json:
        return flow(a={"type": "end", "name": name})

    await desk.set(named(""), "Add")
    for name in ("C", "Ci", "Cia"):
        desk.now += timedelta(seconds=4)
        await desk.set(named(name), f"Rename to {name}", merge="a/name")
    assert [one.label for one in await desk.history()] == ["Rename to Cia", "Add"]
    await desk.set(named("Ciao"), "By another", by=2, merge="a/name")
    desk.now += timedelta(seconds=6)
    await desk.set(named("Late"), "Late", by=2, merge="a/name")
    await desk.set(named("Other"), "Other", by=2, merge="b/name")
    assert [one.label for one in await desk.history()][:4] == [
        *("Other", "Late", "By another", "Rename to Cia"),
    ]
    assert (await desk.go(1)).draft == named("")


async def test_typed_and_taken_back_is_no_change(desk: Desk) -> None:
    await desk.set(flow(a={"type": "end", "name": "A"}), "Add")
    await desk.set(flow(a={"type": "end", "name": "AB"}), "Rename", merge="a")
    held = await desk.set(flow(a={"type": "end", "name": "A"}), "Rename", merge="a")
    assert (held.draft_version, held.draft_seq) == (3, 1)
    assert [one.label for one in await desk.history()] == ["Add"]


async def test_what_was_undone_is_not_merged_into(desk: Desk) -> None:
    await desk.set(flow(a={"type": "end", "name": "A"}), "Rename", merge="a")
    await desk.set(flow(a={"type": "end", "name": "A"}, b={"type": "end"}), "Add")
    await desk.go(1)
    await desk.set(flow(a={"type": "end", "name": "AB"}), "Rename again", merge="a")
    assert [one.label for one in await desk.history()] == ["Rename again", "Rename"]


async def test_only_the_last_ones_are_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "KEPT", 3)
    for number in range(6):
        await desk.set({**flow(), "name": f"Hello {number}"}, f"Change {number}")
    assert [one.seq for one in await desk.history()] == [6, 5, 4]
    held = await desk.go(0)
    assert (held.draft_seq, held.draft["name"]) == (3, "Hello 2")


async def test_a_whole_document_is_a_change_too(desk: Desk, db: Database) -> None:
    await desk.set(flow(a={"type": "end"}), "Add End")
    async with db.write() as tx:
        await automations.save_draft(tx, desk.company, desk.id, flow(b={"type": "end"}), desk.now)
    assert await desk.standing() == drafts.Standing(2, 2, drafts.REPLACED, "")
    assert (await desk.go(1)).draft == flow(a={"type": "end"})


async def test_documents_of_any_form(desk: Desk) -> None:
    odd: list[Json] = [
        {},
        {"steps": [1, 2]},
        {"steps": {"a/b~c": None, "": 3}, "/": {"x": 1}},
        {"steps": {"a/b~c": {"deep": [{"er": 1.5}]}}, "name": 7},
    ]
    for document in odd:
        await desk.set(document)
    for seq in (3, 2, 1):
        assert (await desk.go(seq)).draft == odd[seq - 1]


async def test_who_did_what_since(desk: Desk, db: Database) -> None:
    async with db.write() as tx:
        ema = await users.create(
            *(tx, desk.company),
            email="ema@mugs.test",
            password="correct horse",
            name="Emanuela",
            now=desk.now,
        )
    await desk.set(flow(a={"type": "delay"}), "Add")
    await desk.set(flow(a={"type": "delay", "duration": "2d"}), "Edit", by=ema)
    async with db.write() as tx:
        held = await drafts.hold(tx, desk.company, desk.id)
        found = await drafts.since(tx, held, 1)
    assert [(one.label, one.after, author) for one, author in found] == [
        ("Edit", {"/steps/a/duration": "2d"}, "Emanuela")
    ]
    assert [one.author for one in await desk.history()] == ["Emanuela", ""]


async def test_other_companies_see_nothing(desk: Desk, db: Database, now: datetime) -> None:
    async with db.write() as tx:
        other = await companies.create(tx, "Red Mugs", now=now)
    await desk.set(flow(a={"type": "end"}))
    async with db.write() as tx:
        assert await drafts.history(tx, other, desk.id) == []
        for verb in (drafts.hold, drafts.standing):
            with pytest.raises(NotFoundError):
                await verb(tx, other, desk.id)


async def test_two_at_once_end_one_after_the_other(desk: Desk) -> None:
    async def add(number: int) -> None:
        async with desk.db.write() as tx:
            held = await drafts.hold(tx, desk.company, desk.id)
            steps = {**held.draft["steps"], f"s{number}": {"type": "end"}}
            await drafts.record(
                tx, held, {**held.draft, "steps": steps}, desk.now, label="Add", by=number
            )

    await asyncio.gather(*(add(number) for number in range(8)))
    assert len((await desk.document())["steps"]) == 8
    assert await desk.standing() == drafts.Standing(8, 8, "Add", "")
