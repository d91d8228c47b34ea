"""Now and then a worker asks WhatsApp how its numbers fare."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.channel import PhoneAccess, SendError
from gateway.channels.cloud_api import CloudApi
from gateway.news import PhoneChanged
from gateway.rounds import look_after
from store import phone_use
from store.phone_use import SendingPhone
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio


class Told(CloudApi):
    """A channel that answers what the test says."""

    def __init__(self, answer: PhoneChanged | SendError | None) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[PhoneAccess] = []

    async def look(self, phone: PhoneAccess) -> PhoneChanged | SendError | None:
        self.asked.append(phone)
        return self.answer


async def phone_of(house: House) -> SendingPhone:
    async with house.db.read() as tx:
        return (await phone_use.of_companies(tx, [house.company]))[0]


@pytest.mark.parametrize(
    ("answer", "quality", "more"),
    [
        (
            PhoneChanged("waba-1", "", "LOOK", quality="RED", limit=2000, throughput_per_s=1000),
            "RED",
            {
                "messaging_limit": 2000,
                "throughput_per_s": 1000,
                "campaigns_rest_until": NOON + timedelta(days=7),
            },
        ),
        (PhoneChanged("waba-1", "", "LOOK", quality="GREEN"), "GREEN", {}),
        (PhoneChanged("waba-1", "", "LOOK"), "UNKNOWN", {"quality_at": NOON}),
        (SendError("unreachable"), "UNKNOWN", {"quality_at": None}),
        (None, "UNKNOWN", {"quality_at": None}),
    ],
)
async def test_what_whatsapp_says_is_noted(
    house: House, answer: Any, quality: str, more: dict[str, Any]
) -> None:
    channel = Told(answer)
    await look_after(house.db, {"cloud_api": channel}, house.clock)
    phone = await phone_of(house)
    assert phone.quality == quality
    assert {name: getattr(phone, name) for name in more} == more
    assert [(one.remote_id, one.token) for one in channel.asked] == [("1000", "token-1000")]


async def test_a_number_is_asked_about_once_an_hour(house: House) -> None:
    channel = Told(PhoneChanged("waba-1", "", "LOOK", quality="GREEN"))
    for minutes in (0, 59, 1):
        house.clock.go(minutes=minutes)
        await look_after(house.db, {"cloud_api": channel}, house.clock)
    assert len(channel.asked) == 2
