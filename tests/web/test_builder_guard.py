"""Every address of an automation, as the application knows it: whose it is, who may, and CSRF.

Rule: addresses are not listed here, so that a new one is guarded from its first day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from litestar.routes import HTTPRoute

from tests.web.conftest import House, cart_flow

pytestmark = pytest.mark.anyio

PARAMETER = re.compile(r"\{(\w+):?\w*\}")
VALUES = {
    "number": "1",
    "key": "draft",
    "step": "end",
    "contact_id": "1",
    "trigger_id": "cart",
    "trigger": "cart",
}
SAFE = ("GET", "HEAD", "OPTIONS")
FOR_LOOKERS = re.compile(r"/(simulate|scenarios/results)$")  # they play, and keep nothing


def addresses(house: House, automation: int) -> Iterator[tuple[str, str]]:
    """`(method, address)` of everything below one automation, for pages."""
    for route in house.app.routes:
        if not isinstance(route, HTTPRoute) or "{automation_id" not in route.path:
            continue
        values = {**VALUES, "automation_id": str(automation)}
        address = PARAMETER.sub(r"{\1}", route.path).format(**values)
        for method in route.methods:
            if method != "OPTIONS":
                yield method, address


async def test_another_companys_automation_is_nowhere(house: House) -> None:
    made = await house.live(cart_flow())
    stranger = await house.signed_in("owner", "b")
    found = list(addresses(house, made))
    assert len(found) > 60
    for method, address in found:
        body: dict[str, str] | None = (
            {} if address.startswith("/api") and method not in SAFE else None
        )
        answer = await stranger.request(method, address, json=body)
        assert answer.status_code in (400, 404, 422), (method, address, answer.status_code)
        assert "Abandoned cart" not in answer.text, (method, address)
        assert "cart_reminder" not in answer.text, (method, address)


async def test_who_may_only_look_changes_nothing(house: House) -> None:
    made = await house.live(cart_flow())
    viewer = await house.signed_in("viewer")
    for method, address in addresses(house, made):
        if method in SAFE or FOR_LOOKERS.search(address):
            continue
        answer = await viewer.request(method, address)
        assert answer.status_code == 403, (method, address, answer.status_code)


async def test_nothing_changes_without_our_token(house: House) -> None:
    made = await house.live(cart_flow())
    owner = await house.signed_in("owner")
    del owner.headers["x-csrf-token"]
    for method, address in addresses(house, made):
        if method not in SAFE:
            answer = await owner.request(method, address)
            assert answer.status_code == 403, (method, address, answer.status_code)


async def test_nobody_at_all_sees_nothing(house: House) -> None:
    made = await house.live(cart_flow())
    nobody = house.client()
    for method, address in addresses(house, made):
        answer = await nobody.request(method, address)
        assert answer.status_code in (303, 401), (method, address, answer.status_code)
        assert "Abandoned cart" not in answer.text, (method, address)
