"""Auto-replies by API: words, and the text that answers them; the company's and the house's.

Rule: what answers customers is an automation that is kept like the rule, in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine import auto_replies as made_of
from flows.content import BODY_LIMIT
from flows.words import Way
from store import auto_replies
from store.auto_replies import AutoReply
from web.api.house import GUARDED
from web.api.shapes import Id, Page
from web.given import Asker, Web
from web.security.operator import OPERATOR
from web.shell.errors import Detail, RefusedError

TAGS = ["Auto-replies"]
EDITOR = {"change_role": "editor"}
AT, HOUSE_AT = "/auto-replies", "/house/auto-replies"
MOST = 200  # rules of one owner
Word = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]


class AutoReplyIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule. `match` says how a message is compared with the `words`, any of which will do;
    `text` may hold variables such as {{ contact.first_name }}.
    """

    match: Way
    words: Annotated[list[Word], Meta(min_length=1, max_length=50)]
    text: Annotated[str, Meta(min_length=1, max_length=BODY_LIMIT, pattern=r"\S")]
    enabled: bool = True


class AutoReplyOut(Struct, frozen=True):
    """A rule as it is kept."""

    id: Id
    match: Way
    words: list[str]
    text: str
    enabled: bool
    created_at: datetime
    updated_at: datetime


class TryReply(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody might write."""

    text: Annotated[str, Meta(max_length=BODY_LIMIT)]


class ReplyTried(Struct, frozen=True):
    """What would answer: an `auto_reply` (of the company or, `of_house`, of the house), else
    another automation, else nothing; `consent` is no or yes when the text means stop or start.
    `why` tells all that was considered.
    """

    auto_reply: Id | None
    of_house: bool
    automation_id: Id | None
    automation: str
    consent: str
    why: list[str]


@get(AT, summary="List auto-replies", tags=TAGS)
async def list_replies(who: Asker, web: Web) -> Page[AutoReplyOut]:
    """The company's own, oldest first. They go before the house's."""
    return await _listed(web, who.company_id)


@post(AT, summary="Make an auto-reply", tags=TAGS, opt={"body": AutoReplyIn, **EDITOR})
async def create_reply(data: JSONBody[AutoReplyIn], who: Asker, web: Web) -> AutoReplyOut:
    """It answers from the next message on."""
    return await _create(web, who.company_id, data)


@put(
    AT + "/{rule_id:int}",
    summary="Change an auto-reply",
    tags=TAGS,
    opt={"body": AutoReplyIn, **EDITOR},
)
async def change_reply(
    data: JSONBody[AutoReplyIn], who: Asker, web: Web, rule_id: FromPath[int]
) -> AutoReplyOut:
    """Replaces the whole rule."""
    return await _change(web, who.company_id, rule_id, data)


@delete(AT + "/{rule_id:int}", summary="Delete an auto-reply", tags=TAGS, opt=EDITOR)
async def delete_reply(who: Asker, web: Web, rule_id: FromPath[int]) -> None:
    """It answers nobody any more."""
    await _delete(web, who.company_id, rule_id)


@post(
    AT + "/try",
    summary="Try what would answer",
    tags=TAGS,
    opt={"body": TryReply},
    status_code=200,
)
async def try_reply(data: JSONBody[TryReply], who: Asker, web: Web) -> ReplyTried:
    """If somebody nobody knows wrote this now: which rule or automation would answer, and why.
    Nothing is sent.
    """
    async with web.database.read() as tx:
        found = await made_of.try_out(tx, who.company_id, data.text, web.clock())
    return ReplyTried(
        auto_reply=None if found.rule_id is None else str(found.rule_id),
        of_house=found.of_house,
        automation_id=None if found.automation_id is None else str(found.automation_id),
        automation=found.name,
        consent=found.consent,
        why=list(found.why),
    )


@get(HOUSE_AT, summary="List the house's auto-replies", opt=OPERATOR, **GUARDED)
async def list_house_replies(web: Web) -> Page[AutoReplyOut]:
    """They hold for every company, behind its own."""
    return await _listed(web, None)


@post(
    HOUSE_AT,
    summary="Make an auto-reply for all",
    opt={"body": AutoReplyIn, **OPERATOR},
    **GUARDED,
)
async def create_house_reply(data: JSONBody[AutoReplyIn], web: Web) -> AutoReplyOut:
    """It answers for every company from the next message on."""
    return await _create(web, None, data)


@put(
    HOUSE_AT + "/{rule_id:int}",
    summary="Change an auto-reply for all",
    opt={"body": AutoReplyIn, **OPERATOR},
    **GUARDED,
)
async def change_house_reply(
    data: JSONBody[AutoReplyIn], web: Web, rule_id: FromPath[int]
) -> AutoReplyOut:
    """Replaces the whole rule."""
    return await _change(web, None, rule_id, data)


@delete(
    HOUSE_AT + "/{rule_id:int}", summary="Delete an auto-reply for all", opt=OPERATOR, **GUARDED
)
async def delete_house_reply(web: Web, rule_id: FromPath[int]) -> None:
    """It answers for nobody any more."""
    await _delete(web, None, rule_id)


async def _listed(web: Web, owner: int | None) -> Page[AutoReplyOut]:
    async with web.database.read() as tx:
        found = await auto_replies.of_owner(tx, owner)
    return Page([_out(one) for one in found], None)


async def _create(web: Web, owner: int | None, data: AutoReplyIn) -> AutoReplyOut:
    now = web.clock()
    async with web.database.write() as tx:
        if len(await auto_replies.of_owner(tx, owner)) >= MOST:
            raise RefusedError(409, f"There are {MOST} auto-replies already; delete one first.")
        made = await auto_replies.create(tx, owner, now, **msgspec.structs.asdict(data))
        await _apply(tx, owner, made, now)
    return _out(made)


async def _change(web: Web, owner: int | None, rule_id: int, data: AutoReplyIn) -> AutoReplyOut:
    now = web.clock()
    async with web.database.write() as tx:
        values: dict[str, Any] = msgspec.structs.asdict(data)
        changed = await auto_replies.change(tx, owner, rule_id, now, **values)
        await _apply(tx, owner, changed, now)
    return _out(changed)


async def _delete(web: Web, owner: int | None, rule_id: int) -> None:
    now = web.clock()
    async with web.database.write() as tx:
        await auto_replies.delete(tx, owner, rule_id)
        await made_of.keep(tx, owner, now)


async def _apply(tx: AsyncConnection, owner: int | None, rule: AutoReply, now: datetime) -> None:
    """Refuse a rule that cannot be used (nothing is kept then); else let it answer."""
    wrong = [Detail(field, sentence) for field, sentence in made_of.problems_of(rule)]
    if wrong:
        count = "1 field is" if len(wrong) == 1 else f"{len(wrong)} fields are"
        raise RefusedError(422, f"{count} not right.", details=wrong)
    await made_of.keep(tx, owner, now)


def _out(one: AutoReply) -> AutoReplyOut:
    return AutoReplyOut(
        id=str(one.id),
        match=one.match,
        words=one.words,
        text=one.text,
        enabled=one.enabled,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


HANDLERS = (
    *(list_replies, create_reply, change_reply, delete_reply, try_reply),
    *(list_house_replies, create_house_reply, change_house_reply, delete_house_reply),
)
