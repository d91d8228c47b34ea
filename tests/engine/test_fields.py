"""A company's own fields while contacts are inside an automation."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from store import fields
from store.contacts import contacts
from tests.engine.conftest import House

pytestmark = pytest.mark.anyio


def asks_for_points() -> dict[str, Any]:
    many = {"type": "is", "value": "contact.fields.points", "op": "at_least", "to": 100}
    return {
        "name": "Points",
        "triggers": {"api": {"type": "api"}},
        "start": "wait",
        "steps": {
            "wait": {"type": "wait_for_reply", "next": {"other": "keep", "no_reply": "end"}},
            "keep": {
                "type": "set_field",
                "field": "points",
                "value": "{{ answers.wait }}",
                "next": {"done": "many", "invalid": "sorry"},
            },
            "many": {"type": "if_else", "condition": many, "next": {"yes": "say", "no": "end"}},
            "say": {"type": "send_message", "text": "{{ contact.fields.points }} points!"},
            "sorry": {"type": "send_message", "text": "That is no number."},
            "end": {"type": "end"},
        },
    }


async def test_a_field_renamed_while_contacts_are_inside_ends_well(house: House) -> None:
    async with house.database.write() as tx:
        await fields.define(tx, house.company, "points", "Points", "number", house.now)
    automation = await house.live(asks_for_points())
    ada = await house.contact()
    await house.start(ada, automation)
    async with house.database.write() as tx:
        await fields.rename(tx, house.company, "points", "Punti")
    await house.say(ada, "120")
    assert await house.texts() == ["120 points!"]
    [kept] = await house.all(sa.select(contacts.c.fields))
    assert kept == {"points": 120}


async def test_what_does_not_fit_goes_its_own_way(house: House) -> None:
    async with house.database.write() as tx:
        await fields.define(tx, house.company, "points", "Points", "number", house.now)
    ada = await house.contact()
    await house.start(ada, await house.live(asks_for_points()))
    await house.say(ada, "lots")
    assert await house.texts() == ["That is no number."]
    assert await house.all(sa.select(contacts.c.fields)) == [{}]


async def test_a_field_deleted_while_contacts_are_inside_holds_any_text(house: House) -> None:
    async with house.database.write() as tx:
        await fields.define(tx, house.company, "points", "Points", "number", house.now)
    ada = await house.contact()
    await house.start(ada, await house.live(asks_for_points()))
    async with house.database.write() as tx:
        await tx.execute(sa.delete(fields.contact_fields))
    await house.say(ada, "lots")
    assert await house.texts() == []
    assert await house.all(sa.select(contacts.c.fields)) == [{"points": "lots"}]
