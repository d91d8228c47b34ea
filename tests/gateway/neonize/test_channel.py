"""A paired phone sends and tells, through the real client over a pretend Go library."""

from __future__ import annotations

import pytest

from flows.content import Text
from store.messages import messages
from tests.gateway.neonize.conftest import PairedHouse, until
from tests.gateway.paired.protos import message, receipt

pytestmark = pytest.mark.anyio


async def test_there_and_back(paired: PairedHouse) -> None:
    paired.work()
    await paired.is_("connected")
    contact = await paired.contact(wrote_minutes_ago=3)
    one = await paired.queue(contact, Text("Hello"))
    assert await paired.paired_dispatcher().drain() == 1
    sent = await paired.message(one)
    assert sent.state == "sent", sent.error
    [(to, said)] = await paired.pretend().sent()
    assert (to.User, said.conversation) == ("391230000000", "Hello")
    await paired.pretend().happens(receipt(1, sent.channel_id))
    await paired.pretend().happens(message("Hi", "IN-1"))

    async def delivered() -> bool:
        return bool((await paired.message(one)).state == "delivered")

    async def told() -> bool:
        return any(row.channel_id == "IN-1" for row in await paired.rows(messages))

    await until(delivered)
    await until(told)
