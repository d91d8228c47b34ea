"""The company's own fields: defined, renamed, offered, deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from store import automations, companies, fields
from store.database import Database
from store.errors import InvalidError, NotFoundError

pytestmark = pytest.mark.anyio


async def define(db: Database, company: int, key: str, label: str = "", **more: Any) -> Any:
    async with db.write() as tx:
        kind = more.pop("kind", "text")
        return await fields.define(tx, company, key, label or key, kind, NOW, **more)


NOW = datetime.fromisoformat("2026-03-02T10:00:00Z")


async def test_fields_are_defined_and_told_by_company(db: Database, company: int) -> None:
    size = await define(db, company, "size", " T-shirt   size ", kind="choice", options=["S", "M"])
    await define(db, company, "points", "Points", kind="number")
    async with db.write() as tx:
        other = await companies.create(tx, "Other", now=NOW)
    await define(db, other, "size", "Size")
    async with db.read() as tx:
        assert [one.key for one in await fields.of_company(tx, company)] == ["size", "points"]
        assert await fields.get(tx, company, "size") == size
        assert (size.label, size.options) == ("T-shirt size", ["S", "M"])
        kinds = await fields.kinds_of(tx, [company, other, 999_999])
    assert kinds == {company: {"size": "choice", "points": "number"}, other: {"size": "text"}}


@pytest.mark.parametrize(
    ("key", "label", "more", "said"),
    [
        ("", "X", {}, "A key is a letter"),
        ("1st", "X", {}, "A key is a letter"),
        ("a" * 65, "X", {}, "A key is a letter"),
        ("größe", "X", {}, "A key is a letter"),
        ("email", "X", {}, "Every contact has a “email”"),
        ("tags", "X", {}, "Every contact has"),
        ("size", "X", {}, "There is a field “size” already"),
        ("x", "SIZE", {}, "Another field is called “SIZE”"),
        ("x", "   ", {}, "1 to 80 characters"),
        ("x", "y" * 81, {}, "1 to 80 characters"),
        ("x", "X", {"kind": "choice"}, "needs 1 to 100 options"),
        ("x", "X", {"kind": "choice", "options": ["  "]}, "needs 1 to 100 options"),
        ("x", "X", {"kind": "choice", "options": [str(n) for n in range(101)]}, "1 to 100"),
        ("x", "X", {"kind": "choice", "options": ["y" * 81]}, "at most 80 characters"),
        ("x", "X", {"kind": "number", "options": ["1"]}, "Only a choice"),
        ("x", "X", {"kind": "colour"}, "no kind of field"),
    ],
)
async def test_fields_that_cannot_be(
    db: Database, company: int, key: str, label: str, more: dict[str, Any], said: str
) -> None:
    await define(db, company, "size", "Size")
    with pytest.raises(InvalidError, match=said):
        await define(db, company, key, label, **more)


async def test_there_is_a_limit(
    db: Database, company: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fields, "FIELDS_LIMIT", 2)
    await define(db, company, "a")
    await define(db, company, "b")
    with pytest.raises(InvalidError, match="There are 2 fields"):
        await define(db, company, "c")


async def test_renaming_changes_the_label_only(db: Database, company: int) -> None:
    await define(db, company, "size", "Size")
    await define(db, company, "shoe", "Shoe")
    async with db.write() as tx:
        await fields.rename(tx, company, "size", "Taglia")
        await fields.rename(tx, company, "size", "TAGLIA")
        with pytest.raises(InvalidError, match="Another field"):
            await fields.rename(tx, company, "size", "shoe")
        with pytest.raises(NotFoundError):
            await fields.rename(tx, company, "gone", "X")
        found = await fields.get(tx, company, "size")
    assert (found.key, found.label, found.kind) == ("size", "TAGLIA", "text")


async def test_options_are_changed(db: Database, company: int) -> None:
    await define(db, company, "size", kind="choice", options=["S"])
    await define(db, company, "shoe")
    async with db.write() as tx:
        await fields.set_options(tx, company, "size", ["S", " M ", "S", ""])
        assert (await fields.get(tx, company, "size")).options == ["S", "M"]
        with pytest.raises(InvalidError, match="Only a choice"):
            await fields.set_options(tx, company, "shoe", ["42"])


async def test_a_field_in_use_is_not_deleted(db: Database, company: int) -> None:
    await define(db, company, "size")
    step = {"type": "set_field", "field": "size", "value": "M", "next": {"done": "end"}}
    flow = {"name": "Sizes", "start": "it", "steps": {"it": step, "end": {"type": "end"}}}
    async with db.write() as tx:
        made = await automations.create(tx, company, flow, NOW)
        await automations.publish(tx, company, made, None, "", NOW)
        await automations.save_draft(tx, company, made, {**flow, "steps": {}, "start": None}, NOW)
        assert [(one.id, one.name) for one in await fields.remove(tx, company, "size")] == [
            (made, "Sizes")
        ]
        assert (await fields.get(tx, company, "size")).key == "size"
        await automations.archive(tx, company, made, NOW)
        assert await fields.remove(tx, company, "size") == []
        with pytest.raises(NotFoundError):
            await fields.remove(tx, company, "size")


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("T-shirt size", "t_shirt_size"),
        (" Città! ", "citta"),
        ("1st order", "field_1st_order"),
        ("👍", ""),
        ("y" * 100, "y" * 64),
    ],
)
def test_keys_are_made_of_labels(label: str, key: str) -> None:
    assert fields.key_for(label) == key


async def test_the_secret_of_webhooks_is_made_once_and_rotated(db: Database, company: int) -> None:
    async with db.write() as tx:
        other = await companies.create(tx, "Other", now=NOW)
        first = await companies.webhook_secrets(tx, [company, other, 999_999])
        assert first.keys() == {company, other}
        assert first[company] != first[other]
        assert all(one.startswith("whsec_") and len(one) > 40 for one in first.values())
        assert await companies.webhook_secrets(tx, {company}) == {company: first[company]}
        fresh = await companies.rotate_webhook_secret(tx, company)
        assert await companies.webhook_secrets(tx, [company, other]) == {
            company: fresh,
            other: first[other],
        }
        assert fresh != first[company]
        assert await companies.webhook_secrets(tx, []) == {}
