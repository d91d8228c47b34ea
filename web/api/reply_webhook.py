"""The webhook that hears replies, by API: who is told, how it goes, and a test.

Rule: the address itself is one of the company's settings; the call is made by the engine.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from litestar import get, post
from msgspec import Struct

from store import http_calls, news
from store.ids import new_id
from web.api.shapes import Id
from web.given import Asker, Web
from web.shell.errors import RefusedError

TAGS = ["Webhooks"]
ADMIN = {"role": "admin"}
SHOWN = 20
NOBODY = (
    "Nobody is told: neither this company nor the house has a reply webhook. Set "
    "“reply_webhook_url” in the company's settings."
)


class ToldOut(Struct, frozen=True):
    """One call. `state` is queued (`next_at` says when it is tried next), calling, done or failed;
    `status` is what your program answered.
    """

    id: Id
    state: str
    tries: int
    status: int | None
    error: str | None
    next_at: datetime | None
    created_at: datetime
    done_at: datetime | None


class ReplyWebhook(Struct, frozen=True):
    """Who is told of replies: the company's own address, else the house's; `recent` are the newest
    calls of the last two days.
    """

    url: str
    whose: Literal["company", "house", ""]
    statuses: bool
    recent: list[ToldOut]


class TestQueued(Struct, frozen=True):
    """The call that was queued; see `recent` of the webhook for how it went."""

    id: Id
    url: str


@get("/company/reply-webhook", summary="See how replies are told", tags=TAGS, opt=ADMIN)
async def get_reply_webhook(who: Asker, web: Web) -> ReplyWebhook:
    """Each customer's message is posted as {event: "message.received", …}, signed like every
    webhook call, with the message's id as `Idempotency-Key`; tried again for a day.
    """
    now = web.clock()
    async with web.database.read() as tx:
        hearer = (await news.of_replies(tx, [who.company_id])).get(who.company_id)
        recent = await http_calls.recent(
            tx, who.company_id, ("reply", "house_reply"), now, limit=SHOWN
        )
    return ReplyWebhook(
        url=hearer.url if hearer else "",
        whose="" if hearer is None else "company" if hearer.purpose == "reply" else "house",
        statuses=hearer.statuses if hearer else False,
        recent=[
            ToldOut(
                *(str(one.id), one.state, one.attempts, one.answer_status, one.error),
                *(one.due_at, one.created_at, one.done_at),
            )
            for one in recent
        ],
    )


@post(
    "/company/reply-webhook/test",
    summary="Send a test to the reply webhook",
    tags=TAGS,
    opt=ADMIN,
    status_code=202,
)
async def test_reply_webhook(who: Asker, web: Web) -> TestQueued:
    """Posts {event: "test"} to the address, like a reply; 409 when nobody is told."""
    now = web.clock()
    async with web.database.write() as tx:
        hearer = (await news.of_replies(tx, [who.company_id])).get(who.company_id)
        if hearer is None:
            raise RefusedError(409, NOBODY, code="no_reply_webhook")
        key = f"test-{new_id(now)}"
        told = {
            "event": "test",
            "id": key,
            "company": {"id": str(who.company_id), "name": hearer.company},
            "at": now,
        }
        call = news.call(hearer, who.company_id, told, now, key=key)
        await http_calls.insert_many(tx, [call])
    return TestQueued(str(call.id), hearer.url)


HANDLERS = (get_reply_webhook, test_reply_webhook)
