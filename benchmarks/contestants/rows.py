"""The rows that other engines' steps write into our tables, with asyncpg and nothing of ours.

Rule: this runs in the other engines' environment; it imports `benchmarks.words` and asyncpg only.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from benchmarks.words import CART_URL, MESSAGES, TAGS, TEXTS

CONNECTIONS = 10
INSERT_MESSAGE = """
INSERT INTO messages (id, company_id, contact_id, automation_id, step, seq, direction, state, kind,
    content, preview, category, priority, source, attempts, why, due_at, created_at)
SELECT $1, company_id, id, 1, $3, 0, 'out', 'queued', 'text', $4, $5, 'service', 1, 'automation', 0,
    '[]', now(), now() FROM contacts WHERE id = $2
"""
INSERT_TAG = """
INSERT INTO contact_tags (company_id, contact_id, tag, at)
SELECT company_id, id, $2, now() FROM contacts WHERE id = $1 ON CONFLICT DO NOTHING
"""
TAGS_OF = "SELECT tag FROM contact_tags WHERE contact_id = $1"
SEND_ALL = "UPDATE messages SET state = 'sent', sent_at = now() WHERE state = 'queued'"
SENT = "SELECT count(*) FROM messages WHERE state = 'sent'"
TAGGED = "SELECT count(*) FROM contact_tags"


async def queue_message(pool: Any, contact_id: int, step: str) -> None:
    """Put a message of a journey into the queue."""
    text = TEXTS[step].format(name="Ada", url=CART_URL)
    content = json.dumps({"type": "text", "text": text})
    async with pool.acquire() as tx:
        await tx.execute(INSERT_MESSAGE, secrets.randbits(62), contact_id, step, content, text)


async def add_tag(pool: Any, contact_id: int, tag: str) -> None:
    """Put a tag on a contact."""
    async with pool.acquire() as tx:
        await tx.execute(INSERT_TAG, contact_id, tag)


async def tags_of(pool: Any, contact_id: int) -> list[str]:
    """The tags of a contact."""
    async with pool.acquire() as tx:
        return [tag for (tag,) in await tx.fetch(TAGS_OF, contact_id)]


async def send_all(pool: Any) -> None:
    """The null channel: every queued message is sent."""
    async with pool.acquire() as tx:
        await tx.execute(SEND_ALL)


async def check(pool: Any, journeys: int) -> None:
    """All messages of all journeys are sent, all tags are there."""
    async with pool.acquire() as tx:
        sent, tagged = await tx.fetchval(SENT), await tx.fetchval(TAGGED)
    assert sent == journeys * MESSAGES, f"{sent} messages of {journeys} journeys"
    assert tagged == journeys * len(TAGS), f"{tagged} tags of {journeys} journeys"
