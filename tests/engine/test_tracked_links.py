"""Links of a message that is tracked: ours in the text, the author's in the table."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from engine.runner import Runner
from store import links
from store.doorbell import Doorbell
from store.messages import messages
from tests.engine.conftest import House

pytestmark = pytest.mark.anyio
URL = "https://shop.example/cart?a=1"


def flow(*, track: bool) -> dict[str, Any]:
    return {
        "spec": 1,
        "name": "Links",
        "triggers": {"it": {"type": "api"}},
        "start": "send",
        "steps": {
            "send": {
                "type": "send_message",
                "text": f"Here: {URL}.",
                "track_links": track,
                "next": {"sent": "end"},
            },
            "end": {"type": "end"},
        },
    }


@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("public_url", ["https://go.example", ""])
async def test_a_messages_links(house: House, track: bool, public_url: str) -> None:
    house.runner = Runner(house.database, house.at, Doorbell(None), public_url=public_url)
    ada = await house.contact()
    await house.start(ada, await house.live(flow(track=track)))
    [text] = await house.texts(ada)
    async with house.database.read() as tx:
        rows = (await tx.execute(sa.select(links.links))).all()
        [sent] = (await tx.execute(sa.select(messages.c.content))).scalars()
    assert sent["body"] == text
    if not (track and public_url):
        assert (text, rows) == (f"Here: {URL}.", [])
        return
    found = re.fullmatch(r"Here: https://go\.example/l/([\w-]{12})\.", text)
    assert found is not None, text
    [row] = rows
    assert (row.token, row.url, row.contact_id, row.step) == (found[1], URL, ada, "send")
    assert row.run_id == (await house.run()).id


async def test_every_message_has_links_of_its_own(house: House) -> None:
    house.runner = Runner(house.database, house.at, Doorbell(None), public_url="https://go.example")
    automation = await house.live(flow(track=True))
    for number in range(3):
        await house.start(await house.contact(f"+4477009001{number:02}"), automation)
    tokens = list(await house.all(sa.select(links.links.c.token)))
    assert len(set(tokens)) == 3
