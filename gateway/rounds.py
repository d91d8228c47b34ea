"""What a gateway worker does for its phones now and then: ask WhatsApp how they fare, judge paired
ones, end rests.

Rule: it may run in several workers at once; all of it may be done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from gateway.channel import Channel
from gateway.channels import paced_kinds
from gateway.claims import access_to
from gateway.guard import end_rests, judge, note_quality
from gateway.news import PhoneChanged
from store import phone_use
from store.database import Database
from store.phone_use import SendingPhone

ASK_AGAIN = timedelta(hours=1)

log = structlog.get_logger(__name__)


async def look_after(
    database: Database, channels: Mapping[str, Channel], clock: Callable[[], datetime]
) -> int:
    """One round over all phones; how many were found to fare otherwise than before."""
    now = clock()
    async with database.read() as tx:
        asked = [
            phone
            for phone in await phone_use.of_kinds(tx, [*channels.keys() - paced_kinds()])
            if phone.remote_id and _is_due(phone, now)
        ]
    told = [(phone, await channels[phone.kind].look(access_to(phone))) for phone in asked]
    async with database.write("gateway.rounds") as tx:
        changed = await judge(tx, await phone_use.of_kinds(tx, paced_kinds()), now)
        await end_rests(tx, await phone_use.resting(tx), now)
        for phone, found in told:
            if isinstance(found, PhoneChanged):
                changes = {
                    "messaging_limit": found.limit,
                    "throughput_per_s": found.throughput_per_s,
                    "quality_at": now,
                }
                known = {name: value for name, value in changes.items() if value is not None}
                await phone_use.change(tx, phone.id, **known)
                changed += found.quality not in (phone.quality, "UNKNOWN")
                if found.quality != "UNKNOWN":
                    await note_quality(tx, phone, found.quality, "WhatsApp says so", now)
    return changed


def _is_due(phone: SendingPhone, now: datetime) -> bool:
    return phone.quality_at is None or now - phone.quality_at >= ASK_AGAIN
