"""Ten thousand generated worlds, and what must hold in each of them for every message that left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.balance import SENDING
from gateway.budget import is_budgeted
from gateway.decide import BY_HAND, SERVICE_WINDOW
from gateway.pacing import is_live
from gateway.window import is_allowed
from tests.gateway.worlds import DAY, HOUR, Left, Played, worlds

pytestmark = pytest.mark.slow

WORLDS, CHUNKS = 10_000, 10


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_what_leaves_was_allowed_to(chunk: int) -> None:
    seen: Counter[str] = Counter()
    size = WORLDS // CHUNKS
    for number, world in enumerate(worlds(chunk * size, size), chunk * size):
        broken = list(wrongs(world))
        assert not broken, f"world {number}: {broken}"
        seen["left"] += len(world.left)
        seen["waited"] += len(world.waits)
        seen["given up"] += len(world.given_up)
        seen["held by phones"] += sum(wait.rule == "phones" for _, wait in world.waits)
        seen["by hours"] += sum(wait.rule == "hours" for _, wait in world.waits)
    assert min(seen.values()) > size / 10, seen  # the worlds are not empty


def wrongs(world: Played) -> Iterator[str]:
    """Everything that should not have happened."""
    if world.undecided:
        yield f"{world.undecided} messages without an end"
    for at, wait in world.waits:
        if wait.at <= at or not wait.why or not wait.rule:
            yield f"a wait until {wait.at} at {at}"
    for message, _, never in world.given_up:
        if not never.why or (never.state == "expired" and message.expires_at is None):
            yield f"given up: {never}"
    if world.taken != Counter(one.phone.id for one in world.left):
        yield "places taken and not used"
    for one in world.left:
        yield from _to_the_wrong_person(one)
        yield from _at_the_wrong_time(one)
        yield from _through_the_wrong_phone(one)
    yield from _too_soon_after(world.left)
    yield from _over_a_limit(world)


def is_free(one: Left) -> bool:
    """Whether the rules of time hold for it: nobody waits for it, nobody wrote it by hand."""
    live = is_live(one.message.priority, one.contact.last_inbound_at, one.at)
    return one.message.source not in BY_HAND and not live


def _to_the_wrong_person(one: Left) -> Iterator[str]:
    contact, message = one.contact, one.message
    if contact.deleted or not contact.reachable:
        yield "to somebody who is not there"
    if message.source != "system" and contact.blocked:
        yield "to somebody who is blocked"
    if contact.consent == "no" and message.source in ("automation", "api"):
        yield "to somebody who said stop"
    if contact.handed_over and message.source == "automation":
        news = message.is_template and message.category in ("utility", "authentication")
        if not news:
            yield "into a chat that a person has"
    if message.is_template and message.template_status not in ("", "APPROVED"):
        yield "with a template that is not approved"


def _at_the_wrong_time(one: Left) -> Iterator[str]:
    if one.message.expires_at is not None and one.at >= one.message.expires_at:
        yield "too late"
    if not is_free(one):
        return
    any_hour = one.message.category == "utility" and one.company.transactional_any_hour
    if not is_allowed(one.at, one.company.hours, one.contact.zones) and not any_hour:
        yield "in a forbidden minute"
    last = one.contact.last_out_at
    if last is not None and one.at - last < timedelta(minutes=one.company.gap_minutes):
        yield "inside the gap"


def _through_the_wrong_phone(one: Left) -> Iterator[str]:
    phone, contact, need = one.phone, one.contact, one.decision.need
    if phone.status not in SENDING:
        yield "through a phone that is away"
    if any(
        until is not None and until > one.at
        for until in (phone.paused_until, phone.breaker_until, phone.gap_until)
    ):
        yield "through a phone that rests"
    if not one.message.is_template and phone.needs_window:
        wrote = contact.windows.get(phone.id) if contact.windows else contact.last_inbound_at
        if wrote is None or one.at - wrote >= SERVICE_WINDOW:
            yield "without a window"
    if phone.carries is not None and one.message.kind not in phone.carries:
        yield "through a phone that cannot send it"
    campaign = is_budgeted(one.message.category, one.message.source, one.message.priority)
    if campaign and phone.campaigns_rest_until and phone.campaigns_rest_until > one.at:
        yield "a campaign through a phone in danger"
    unknown = need.fresh if phone.paced else need.opens
    if unknown and phone.no_new_until and phone.no_new_until > one.at:
        yield "to a new person through a phone that may not"
    if not need.live:
        if phone.daily_limit is not None and phone.sent_today >= phone.daily_limit:
            yield "over the phone's day"
        if phone.hourly_limit is not None and phone.sent_this_hour >= phone.hourly_limit:
            yield "over the phone's hour"


def _too_soon_after(left: list[Left]) -> Iterator[str]:
    last: dict[int, Left] = {}
    for one in left:
        before = last.get(one.phone.id)
        if before is not None and one.phone.paced and one.at - before.at < timedelta(seconds=8):
            yield "one upon the other through a paired phone"
        last[one.phone.id] = one


def _over_a_limit(world: Played) -> Iterator[str]:
    fresh: Counter[tuple[int, object]] = Counter()
    for place, one in enumerate(world.left):
        limit = one.company.daily_limit
        by_rule = one.message.source not in BY_HAND
        if by_rule and limit is not None and one.company.sent_today >= limit:
            yield "over the company's day"
        if one.decision.need.fresh and one.phone.paced:
            fresh[one.phone.id, one.phone.day_ends] += 1
        if is_budgeted(one.message.category, one.message.source, one.message.priority):
            yield from _over_the_budget(one)
        if one.decision.need.opens and one.phone.people_limit is not None:
            yield from _too_many_people(world.left[: place + 1], one)
    if any(n > 1 for n in fresh.values()):
        yield "too many new people"


def _over_the_budget(one: Left) -> Iterator[str]:
    for limit, span in (
        (one.company.marketing_per_day, DAY),
        (one.company.marketing_per_week, 7 * DAY),
    ):
        lately = [at for at in one.contact.marketing if at > one.at - span]
        if limit is not None and len(lately) >= limit:
            yield "over the contact's budget"


def _too_many_people(left: list[Left], one: Left) -> Iterator[str]:
    """In no hour more than all that WhatsApp allows in a day."""
    mine = [
        other for other in left
        if other.phone.account == one.phone.account and other.decision.need.opens
        and not other.phone.paced and one.at - other.at < HOUR
    ]  # fmt: skip
    assert one.phone.people_limit is not None
    if len(mine) > one.phone.people_limit:
        yield "more people than WhatsApp allows"
