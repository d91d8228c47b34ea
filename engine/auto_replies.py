"""Auto-reply rules as ordinary automations: a trigger by words, and one message.

Rule: `keep` may be called again at any time and changes nothing that is right; rules are never
looked at when a customer writes, only what was made of them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.flowcache import FlowCache
from engine.kinds import catalog
from engine.route import route
from engine.runner import words_of
from engine.scene import HOUSE_ORIGIN, Lineup, Scene
from flows.contact import Contact
from flows.content import Text
from flows.events import Replied
from flows.known import Known
from store import auto_replies, companies, origins
from store.auto_replies import AutoReply
from store.snapshots import homes

COMPANY_ORIGIN = "auto_reply:"
NOT_AGAIN_WITHIN = "1m"  # two machines that answer each other would never stop
NAME_SHOWS = 60
FIELDS = {"/steps/say/text": "/text", "/triggers/message/rules/0/words": "/words"}


class Tried(Struct, frozen=True):
    """What a message would be answered with: the automation, and the rule if it is one."""

    automation_id: int | None = None
    name: str = ""
    rule_id: int | None = None
    of_house: bool = False
    consent: str = ""
    why: tuple[str, ...] = ()


def document_of(rule: AutoReply) -> dict[str, Any]:
    """The flow that is live for a rule."""
    said = ", ".join(rule.words)
    name = f"Auto-reply: {said}"
    return {
        "spec": 1,
        "name": name if len(name) <= NAME_SHOWS else f"{name[: NAME_SHOWS - 1]}…",
        "entry": {"policy": "once_at_a_time", "not_again_within": NOT_AGAIN_WITHIN},
        "triggers": {
            "message": {
                "type": "customer_message",
                "rules": [{"match": rule.match, "words": rule.words}],
            }
        },
        "start": "say",
        "steps": {
            "say": {"type": "send_message", "text": rule.text, "next": {"sent": "end"}},
            "end": {"type": "end"},
        },
    }


def problems_of(rule: AutoReply) -> list[tuple[str, str]]:
    """`(field, sentence)` of everything that keeps a rule from being used."""
    flow, problems = catalog().check(document_of(rule), Known())
    return [
        (_field(one.field), " ".join(filter(None, (one.sentence, one.todo))))
        for one in problems
        if flow is None or one.severity == "error"
    ]


async def keep(tx: AsyncConnection, company_id: int | None, now: datetime) -> None:
    """Make a company's automations what its rules say, or every company's what the house's say."""
    if company_id is not None:
        rules = await _enabled(tx, company_id)
        wanted = {(company_id, f"{COMPANY_ORIGIN}{one.id}"): document_of(one) for one in rules}
        await origins.keep(tx, [company_id], COMPANY_ORIGIN, wanted, now)
        return
    last = 0
    while found := await companies.page(tx, after=last, limit=origins.AT_ONCE):
        await keep_house_rules(tx, [one.id for one in found], now)
        last = found[-1].id


async def keep_house_rules(
    tx: AsyncConnection, company_ids: Collection[int], now: datetime
) -> None:
    """The house's rules in these companies."""
    rules = [(f"{HOUSE_ORIGIN}{one.id}", document_of(one)) for one in await _enabled(tx, None)]
    wanted = {(of, origin): document for of in company_ids for origin, document in rules}
    await origins.keep(tx, company_ids, HOUSE_ORIGIN, wanted, now)


async def keep_new_companies(tx: AsyncConnection, now: datetime) -> int:
    """Give the house's rules to companies that lack some; how many those were."""
    company_ids = await origins.lacking(tx, HOUSE_ORIGIN, len(await _enabled(tx, None)))
    if company_ids:
        await keep_house_rules(tx, company_ids, now)
    return len(company_ids)


async def try_out(tx: AsyncConnection, company_id: int, text: str, now: datetime) -> Tried:
    """What would happen if somebody nobody knows wrote `text` now."""
    home, settings = (await homes(tx, [company_id]))[company_id]
    lineup = (await FlowCache().live(tx, [company_id])).get(company_id, Lineup())
    stranger = Contact(language=home.language, zone=home.zone, company=home, last_inbound_at=now)
    scene = Scene(stranger, (), lineup, {}, words_of(settings))
    found = route(Replied(text, Text(text), 0), scene, now)
    if not found.starts:
        return Tried(consent=found.consent or "", why=found.why)
    live = found.starts[0].live
    prefix, _, rule_id = live.origin.partition(":")
    is_rule = f"{prefix}:" in (COMPANY_ORIGIN, HOUSE_ORIGIN)
    return Tried(
        automation_id=live.automation_id,
        name=live.flow.name,
        rule_id=int(rule_id) if is_rule else None,
        of_house=live.of_house,
        why=found.why,
    )


async def _enabled(tx: AsyncConnection, company_id: int | None) -> list[AutoReply]:
    return [one for one in await auto_replies.of_owner(tx, company_id) if one.enabled]


def _field(pointer: str) -> str:
    for prefix, field in FIELDS.items():
        if pointer.startswith(prefix):
            return field + pointer[len(prefix) :]
    return "/match" if pointer.startswith("/triggers") else "/text"
