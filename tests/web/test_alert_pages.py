"""Alerts and banners: what they say, who sees them, resolving and snoozing."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import alerts, phones
from tests.web.conftest import NOW, House
from web.alerts.kinds import about

pytestmark = pytest.mark.anyio
RESTING = {
    "campaigns_rest_until": NOW + timedelta(days=3),
    "campaigns_rest_why": "customers block it",
}
BANNER = "Main: campaigns rest until Thu 5 Mar, because customers block it."


async def raise_alert(
    house: House, kind: str = "number_stopped", *, severity: str = "critical", company: int = 0
) -> int:
    async with house.web.database.write() as tx:
        made = await alerts.raise_once(
            tx,
            company or house.company,
            severity,  # type: ignore[arg-type]
            kind,
            "Main cannot send any more: the token ended.",
            NOW,
            phone_id=1 if not company else None,
        )
    assert made is not None
    return made


async def test_alerts_are_resolved_and_snoozed(both_houses: House) -> None:
    house = both_houses
    client = await house.signed_in("admin")
    assert "Nothing needs you" in (await client.get("/alerts")).text
    stopped, many = await raise_alert(house), await raise_alert(house, "failure_rate")
    page = (await client.get("/alerts")).text
    for said in ("Phone stopped", "Many failures", "the token ended", 'href="/phones/1"', "Main"):
        assert said in page, said
    assert 'class="loud"' in page
    for _ in range(2):
        snoozed = await client.put(f"/alerts/{many}/snoozed", data={"hours": "24"})
        assert "Snoozed for 1 day." in snoozed.text
        done = await client.put(f"/alerts/{stopped}/resolved")
        assert "Resolved." in done.text
    assert 'class="loud"' not in done.text
    assert "Phone stopped" not in done.text
    everything = (await client.get("/alerts?status=all")).text
    assert "Phone stopped" in everything
    house.clock.pass_by(days=2)
    assert 'class="loud"' in (await client.get("/automations")).text
    wrong = await client.put(f"/alerts/{many}/snoozed", data={"hours": "9999999"})
    assert wrong.status_code == 422


async def test_alerts_of_others_and_of_lesser_roles(house: House) -> None:
    made = await raise_alert(house)
    other = await house.signed_in("owner", "b")
    assert "Phone stopped" not in (await other.get("/alerts?status=all")).text
    viewer = await house.signed_in("agent")
    assert (await viewer.get("/alerts")).status_code == 403
    for verb in ("resolved", "snoozed"):
        address = f"/alerts/{made}/{verb}"
        assert (await other.put(address, data={"hours": "1"})).status_code == 404
        assert (await viewer.put(address, data={"hours": "1"})).status_code == 403
    assert 'class="loud"' not in (await viewer.get("/automations")).text


async def test_a_phone_whose_campaigns_rest_is_told_on_every_page(both_houses: House) -> None:
    house = both_houses
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(phones.phones).values(**RESTING))
    admin, editor, agent = [await house.signed_in(one) for one in ("admin", "editor", "agent")]
    for address in ("/automations", "/contacts", "/nowhere"):
        page = (await admin.get(address)).text
        assert BANNER in page, address
        assert 'href="/phones/1"' in page
    page = (await editor.get("/automations")).text
    assert BANNER in page
    assert 'href="/phones/1"' not in page
    assert BANNER not in (await agent.get("/automations")).text
    lifted = await admin.delete("/phones/1/campaigns-rest?knowing=yes")
    assert BANNER not in lifted.text
    rested = await admin.put("/phones/1/campaigns-rest")
    assert "Main: campaigns rest until Mon 9 Mar, because Admin of A decided so." in rested.text


def alert(kind: str, phone_id: int | None = None) -> alerts.Alert:
    return alerts.Alert(1, 1, "warning", kind, phone_id, "", NOW, None, None)


def test_every_kind_has_a_name_and_a_way() -> None:
    assert about(alert("template:a:it"), admin=False).address == "/templates"
    assert about(alert("unconfirmed"), admin=False).address == "/queue"
    assert about(alert("account:account_violation"), admin=True).address == "/phones"
    assert about(alert("from_the_future", 7), admin=True).title == "From the future"
    assert about(alert("from_the_future", 7), admin=True).address == "/phones/7"
    assert about(alert("from_the_future", 7), admin=False).address == ""
