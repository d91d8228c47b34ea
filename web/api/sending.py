"""From what the send API is asked to rows in the queue: everything is checked, then all that is
right is written at once.

Rule: a fixed number of statements, however many messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.books import LIVE_ANSWER, MARKETING, TRANSACTIONAL
from flows.content import Content, Template, plain
from store import media, messages, phones, templates
from store.ids import new_id
from web.api.message_content import Outside, content_of, named_files
from web.api.message_shapes import MessageIn, QueuedMessage, Wrong
from web.api.recipients import find_contacts
from web.paging import parse_id
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

AHEAD = timedelta(days=7)  # the gateway looks no further back for the gap between two messages
PRIORITIES = {"answer": LIVE_ANSWER, "transactional": TRANSACTIONAL, "marketing": MARKETING}


class Asked(Struct, frozen=True):
    """What one message names beside its recipient: a phone of ours, a message to quote."""

    phone_id: int | None = None
    quoted: str | None = None


async def queue_all(
    tx: AsyncConnection, who: Who, wanted: Sequence[MessageIn], now: datetime, *, single: bool
) -> list[QueuedMessage]:
    """Write down all that are right; what became of each, in order. Raises RefusedError when a
    `single` one is not.
    """
    places = ["" if single else f"/messages/{number}" for number in range(len(wanted))]
    outside = await _outside(tx, who, wanted)
    contents: list[Content | None] = []
    wrong: list[list[Detail]] = []
    for message, where in zip(wanted, places, strict=True):
        content, trouble = content_of(message, where, outside)
        contents.append(content)
        wrong.append([*trouble, *_wrong_times(message, where, now)])
    asked = await _named(tx, who, wanted, places, wrong)
    # Whoever gets nothing is not made a contact of ours.
    right = [number for number, trouble in enumerate(wrong) if not trouble]
    people = await find_contacts(tx, who, [(wanted[n].to, places[n]) for n in right], now)
    contacts = dict(zip(right, people, strict=True))
    for number, person in contacts.items():
        if isinstance(person, Detail):
            wrong[number].append(person)
    await _check_quotes(tx, who, wanted, places, contacts, wrong, asked)
    if single and wrong[0]:
        count = "1 field is" if len(wrong[0]) == 1 else f"{len(wrong[0])} fields are"
        raise RefusedError(422, f"{count} not right.", details=wrong[0])
    rows: list[dict[str, Any]] = []
    told: list[QueuedMessage] = []
    for number, message in enumerate(wanted):
        content, contact_id = contents[number], contacts.get(number)
        if wrong[number] or content is None or not isinstance(contact_id, int):
            errors = [Wrong(one.pointer, one.message) for one in wrong[number]]
            told.append(QueuedMessage(None, reference=message.reference, errors=errors))
            continue
        row = _row(who, message, content, contact_id, asked[number], outside.templates, now)
        rows.append(row)
        told.append(QueuedMessage(str(row["id"]), str(contact_id), message.reference))
    await messages.insert_many(tx, rows)
    return told


async def _outside(tx: AsyncConnection, who: Who, wanted: Sequence[MessageIn]) -> Outside:
    keys = {
        (who.company_id, one.template.name, one.template.language)
        for one in wanted
        if one.template is not None
    }
    known = await templates.find_many(tx, keys)
    return Outside(
        {(one.name, one.language): one for one in known.values()},
        await media.find_many(tx, who.company_id, named_files(wanted)),
    )


def _wrong_times(message: MessageIn, where: str, now: datetime) -> list[Detail]:
    wrong: list[Detail] = []
    send_at, expires_at = message.send_at or now, message.expires_at
    if send_at > now + AHEAD:
        said = f"A message can be planned {AHEAD.days} days ahead; use an automation for later."
        wrong.append(Detail(f"{where}/send_at", said))
    if expires_at is not None and expires_at <= max(now, send_at):
        said = "It would expire before it could be sent."
        wrong.append(Detail(f"{where}/expires_at", said))
    return wrong


async def _named(
    tx: AsyncConnection,
    who: Who,
    wanted: Sequence[MessageIn],
    places: Sequence[str],
    wrong: list[list[Detail]],
) -> list[Asked]:
    """The phone of each, checked to be the company's."""
    if not any(one.phone_id for one in wanted):
        return [Asked() for _ in wanted]
    ours = {one.id for one in await phones.of_company(tx, who.company_id)}
    found = []
    for number, message in enumerate(wanted):
        phone_id = parse_id(message.phone_id) if message.phone_id is not None else None
        if message.phone_id is not None and phone_id not in ours:
            said = f"There is no phone {message.phone_id}."
            wrong[number].append(Detail(f"{places[number]}/phone_id", said))
        found.append(Asked(phone_id))
    return found


async def _check_quotes(
    tx: AsyncConnection,
    who: Who,
    wanted: Sequence[MessageIn],
    places: Sequence[str],
    contacts: Mapping[int, int | Detail],
    wrong: list[list[Detail]],
    asked: list[Asked],
) -> None:
    """A quoted message belongs to the same chat, and to the phone that it went through."""
    ids = {parse_id(one.quote) for one in wanted if one.quote is not None}
    known = await messages.find_many(tx, who.company_id, {one for one in ids if one is not None})
    for number, message in enumerate(wanted):
        if message.quote is None:
            continue
        quoted = known.get(parse_id(message.quote) or 0)
        if quoted is None or quoted.contact_id != contacts.get(number):
            said = f"There is no message {message.quote} in this chat."
            wrong[number].append(Detail(f"{places[number]}/quote", said))
        elif quoted.channel_id is None:
            said = "That message has not reached WhatsApp, so it cannot be quoted."
            wrong[number].append(Detail(f"{places[number]}/quote", said))
        else:
            phone_id = asked[number].phone_id or quoted.phone_id
            asked[number] = Asked(phone_id, quoted.channel_id)


def _row(
    who: Who,
    message: MessageIn,
    content: Content,
    contact_id: int,
    asked: Asked,
    known: Mapping[tuple[str, str], templates.Template],
    now: datetime,
) -> dict[str, Any]:
    category, preview = message.category or "service", plain(content)
    if isinstance(content, Template):
        template = known.get((content.name, content.language))
        if template is not None:  # its category and words are its own
            category = template.category.lower()  # type: ignore[assignment]
            preview = template.filled(content.body, content.named)
    usual = MARKETING if category == "marketing" else TRANSACTIONAL
    return {
        "id": new_id(now),
        "company_id": who.company_id,
        "contact_id": contact_id,
        "direction": "out",
        "state": "queued",
        "kind": str(content.__struct_config__.tag),
        "content": content,
        "preview": preview,
        "template": content.name if isinstance(content, Template) else None,
        "category": category,
        "priority": PRIORITIES[message.priority] if message.priority else usual,
        "source": "api",
        "over_budget": message.over_budget if message.over_budget != "defer" else None,
        "phone_id": asked.phone_id,
        "quoted_channel_id": asked.quoted,
        "reference": message.reference or None,
        "due_at": max(now, message.send_at or now),
        "expires_at": message.expires_at,
        "created_at": now,
    }
