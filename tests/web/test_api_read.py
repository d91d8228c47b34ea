"""A chat that somebody has opened: the customer is told, by the gateway."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from store import resolve
from store.addresses import Address
from store.ids import new_id
from store.messages import messages
from store.read_marks import read_marks
from tests.web.conftest import NOW, House

pytestmark = pytest.mark.anyio


async def test_the_newest_message_is_marked(both_houses: House) -> None:
    house = both_houses
    async with house.web.database.write() as tx:
        contact = await resolve.resolve(tx, house.company, [Address("wa_id", "39333")], now=NOW)
        row = {"company_id": house.company, "contact_id": contact, "phone_id": 1, "kind": "text"}
        row |= {"direction": "in", "state": "received", "content": {}, "source": "person"}
        rows = [
            row | {"id": new_id(NOW) + n, "channel_id": f"wamid.{n}", "created_at": NOW}
            for n in range(2)
        ]
        await tx.execute(sa.insert(messages), rows)
    at = f"/api/v1/contacts/{contact}/read"
    for _ in range(2):
        assert (await house.machine().put(at)).status_code == 204
    [mark] = await house.rows(sa.select(read_marks))
    assert (mark.contact_id, mark.phone_id, mark.channel_id) == (contact, 1, "wamid.1")
    assert (await house.machine(house.other_key).put(at)).status_code == 404
    viewer = await house.signed_in("viewer")
    assert (await viewer.put(at)).status_code == 403
