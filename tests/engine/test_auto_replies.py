"""Auto-replies answer as ordinary automations, and are kept like their rules."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from engine import auto_replies
from engine.jobs.upkeep import upkeep
from engine.retention import Retention
from engine.telling import Teller
from store import auto_replies as rules
from store import automation_list, companies
from store.automations import automations, revisions
from tests.engine.conftest import House
from tests.engine.flows import NOW

pytestmark = pytest.mark.anyio
HOURS = {"match": "contains", "words": ["hours", "open"], "text": "We open at 9.", "enabled": True}
PRICE = {"match": "exact", "words": ["price"], "text": "It costs 9.", "enabled": True}


async def rule(house: House, owner: int | None, **values: Any) -> int:
    async with house.database.write() as tx:
        made = await rules.create(tx, owner, house.now, **values)
        await auto_replies.keep(tx, owner, house.now)
        return made.id


async def change(house: House, owner: int | None, rule_id: int, **values: Any) -> None:
    async with house.database.write() as tx:
        await rules.change(tx, owner, rule_id, house.now, **values)
        await auto_replies.keep(tx, owner, house.now)


async def kept(house: House) -> list[tuple[int, str, str]]:
    query = sa.select(automations).order_by(automations.c.id)
    async with house.database.read() as tx:
        return [(one.company_id, one.origin, one.status) for one in await tx.execute(query)]


async def answers(house: House, *texts: str) -> list[str]:
    """What a new contact gets for each text."""
    found = []
    for text in texts:
        house.now = house.now.replace(microsecond=(house.now.microsecond + 1) % 1000)
        contact = await house.contact(f"+44770090{await count(house):04}")
        await house.say(contact, text)
        found += await house.texts(contact) or [""]
    return found


async def count(house: House) -> int:
    from store.contacts import contacts

    return len(await house.all(sa.select(contacts.c.id)))


async def test_a_rule_answers_and_can_be_changed_and_put_away(house: House) -> None:
    one = await rule(house, house.company, **HOURS)
    texts = ("When are you OPEN?", "opening", "hours")
    assert await answers(house, *texts) == ["We open at 9.", "", "We open at 9."]
    await change(house, house.company, one, text="At 10, {{ contact.first_name | default: 'x' }}.")
    assert await answers(house, "hours") == ["At 10, x."]
    await change(house, house.company, one, enabled=False)
    assert await answers(house, "hours") == [""]
    await change(house, house.company, one, enabled=True)
    assert await answers(house, "hours") == ["At 10, x."]
    async with house.database.write() as tx:
        await rules.delete(tx, house.company, one)
        await auto_replies.keep(tx, house.company, house.now)
    assert await answers(house, "hours") == [""]
    assert await kept(house) == [(house.company, f"auto_reply:{one}", "archived")]


async def test_keeping_what_is_right_writes_nothing(house: House) -> None:
    await rule(house, house.company, **HOURS)
    await rule(house, None, **PRICE)
    before = await kept(house)
    for _ in range(3):
        async with house.database.write() as tx:
            await auto_replies.keep(tx, house.company, house.now)
            await auto_replies.keep(tx, None, house.now)
    assert await kept(house) == before
    assert len(await house.all(sa.select(revisions.c.id))) == 2


async def test_rules_of_the_house_are_every_companys_behind_its_own(house: House) -> None:
    async with house.database.write() as tx:
        other = await companies.create(tx, "Teas", now=NOW)
    one = await rule(house, None, **PRICE)
    assert await kept(house) == [
        (house.company, f"house_reply:{one}", "live"),
        (other, f"house_reply:{one}", "live"),
    ]
    assert await answers(house, "price") == ["It costs 9."]
    # The company's own goes first, also when it fits less well; its catch-all does not.
    await house.live(_flow("Any", {"catch_all": True}))
    assert await answers(house, "price", "other") == ["It costs 9.", "Any"]
    own = await rule(house, house.company, **HOURS | {"words": ["pr.*"], "match": "regex"})
    assert await answers(house, "price") == ["We open at 9."]
    await change(house, house.company, own, enabled=False)
    await house.live(_flow("Own", {"rules": [{"match": "contains", "words": ["price"]}]}))
    assert await answers(house, "price") == ["Own"]


async def test_a_new_company_gets_the_rules_of_the_house(house: House) -> None:
    await rule(house, None, **PRICE)
    await rule(house, None, **HOURS)
    async with house.database.write() as tx:
        teas = await companies.create(tx, "Teas", now=NOW)
        assert await auto_replies.keep_new_companies(tx, NOW) == 1
        assert await auto_replies.keep_new_companies(tx, NOW) == 0
    assert len([one for one in await kept(house) if one[0] == teas]) == 2
    async with house.database.write() as tx:
        await companies.create(tx, "Coffee", now=NOW)
    teller = Teller(house.database, house.at, allow_private=False)
    await upkeep({"runner": house.runner, "retention": Retention(house.database), "teller": teller})
    await teller.close()
    assert len(await kept(house)) == 6


async def test_two_machines_do_not_answer_each_other_for_ever(house: House) -> None:
    await rule(house, house.company, **HOURS)
    machine = await house.contact()
    for _ in range(5):
        await house.say(machine, "hours")
        await house.verdicts()
    assert await house.texts(machine) == ["We open at 9."]
    await house.later(minutes=2)
    await house.say(machine, "hours")
    assert len(await house.texts(machine)) == 2


async def test_they_are_not_in_the_list_of_automations(house: House) -> None:
    await rule(house, house.company, **HOURS)
    async with house.database.read() as tx:
        assert await automation_list.page(tx, house.company, NOW) == []


async def test_a_word_of_ours_can_mean_nothing_here(house: House) -> None:
    await rule(house, house.company, **HOURS | {"words": ["annulla"], "match": "exact"})
    contact = await house.contact()
    await house.say(contact, "annulla")
    assert [one for one in await house.texts(contact) if "START" in one] != []
    async with house.database.write() as tx:
        settings = companies.CompanySettings(plain_words=["Annulla"], stop_words=["via"])
        await companies.set_settings(tx, house.company, settings)
    assert await answers(house, "ANNULLA!", "Start") == ["We open at 9.", ""]
    stopped = await answers(house, "via", "stop")
    assert all("START" in one for one in stopped)


async def test_trying_says_what_would_answer_and_why(house: House) -> None:
    one = await rule(house, house.company, **HOURS)
    everybodys = await rule(house, None, **PRICE)
    async with house.database.read() as tx:

        async def tried(text: str) -> auto_replies.Tried:
            return await auto_replies.try_out(tx, house.company, text, NOW)

        found = await tried("Your hours?")
        assert (found.rule_id, found.of_house) == (one, False)
        assert any("contains “hours”" in why for why in found.why)
        found = await tried("price")
        assert (found.rule_id, found.of_house) == (everybodys, True)
        assert (await tried("stop")).consent == "no"
        found = await tried("?")
        assert (found.rule_id, found.automation_id, found.why) == (None, None, ("no keyword fits",))


def _flow(name: str, trigger: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "triggers": {"m": {"type": "customer_message", **trigger}},
        "start": "say",
        "steps": {"say": {"type": "send_message", "text": name, "next": {}}},
    }
