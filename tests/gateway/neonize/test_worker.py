"""A whole gateway worker with a paired phone, from its start to its stop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.worker import run
from tests.gateway.neonize.conftest import PairedHouse, is_alive, until

pytestmark = [pytest.mark.anyio, pytest.mark.services]


async def test_a_worker_with_a_paired_phone(paired: PairedHouse, redis_url: str) -> None:
    stop = asyncio.Event()
    work = asyncio.create_task(
        run(
            str(paired.db.url.render_as_string(hide_password=False)),
            redis_url,
            paired.clock,
            stop=stop,
            channels={"neonize": paired.channel},
        )
    )
    await paired.is_("connected")
    pid = paired.pretend().pid
    contact = await paired.contact(wrote_minutes_ago=1)
    one = await paired.queue(contact)

    async def sent() -> Any:
        row = await paired.message(one)
        return row if row.state == "sent" else None

    row = await until(sent)
    assert row.claimed_by.startswith("gateway:")
    owner = await paired.the_phone()
    assert owner.lease_owner == row.claimed_by
    assert owner.lease_until > datetime.now(UTC)
    stop.set()
    await work
    assert not is_alive(pid)
    owner = await paired.the_phone()
    assert (owner.lease_owner, owner.lease_until) == (None, None)
