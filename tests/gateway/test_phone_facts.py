"""What phones can carry, as the balancer hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest

from flows.content import Content
from gateway.channel import Channel
from gateway.channels import kinds
from gateway.phone_facts import phones_as_they_stand
from store import companies
from store.house import HouseSettings, rules_for
from store.phones import phones
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio
TAGS = [str(one.__struct_config__.tag) for one in get_args(Content)]


async def test_phones_carry_what_their_channels_do(house: House) -> None:
    await house.add_phone("390000000001@s.whatsapp.net", credentials={}, account_id=None)
    async with house.db.write() as tx:
        await tx.execute(phones.update().where(phones.c.id != house.phone).values(kind="neonize"))
    channels: Mapping[str, Channel] = {kind: found() for kind, found in kinds().items()}
    async with house.db.read() as tx:
        known = await companies.find_many(tx, [house.company])
        rules = {one.id: rules_for(one.settings, HouseSettings()) for one in known.values()}
        days = {house.company: NOON.date()}
        access, fleets = await phones_as_they_stand(
            tx, known, rules, days, channels, NOON, hold=False
        )
    for phone in fleets[house.company].phones.values():
        channel = channels[access[phone.id].kind]
        carried = {tag for tag in TAGS if phone.carries is None or tag in phone.carries}
        assert carried == {tag for tag in TAGS if channel.carries(tag)}
