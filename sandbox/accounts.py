"""The business accounts: their messaging limit, and what Meta forbids them.

One rule: an account that nobody spoke of is unlimited (or as configured), free and unbanned.
"""

from dataclasses import replace

import msgspec

from sandbox import news
from sandbox.limits import TIERS, UNLIMITED, WEEK_S, Account, Users, next_tier
from sandbox.memory import Json, Memory, Row
from sandbox.refusals import Refusal
from sandbox.world import World, iso

GROWS_AFTER_S = 6 * 3600
"""Meta raises a limit within hours after it was earned."""
NO_TEMPLATES = "RESTRICTED_BIZ_INITIATED_MESSAGING"
NO_REPLIES = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"


def get(world: World, waba_id: str) -> Account:
    """Return an account as it is known."""
    known = world.accounts.get(waba_id)
    if known is None:
        known = world.accounts[waba_id] = _read(world, waba_id)
    return known


def _read(world: World, waba_id: str) -> Account:
    row = world.memory.one("select * from accounts where waba_id = ?", waba_id)
    if row is None:
        return Account(waba_id, world.config.messaging_limit)
    return Account(
        waba_id,
        row["tier"],
        bool(row["grows"]),
        tuple(msgspec.json.decode(row["restrictions"])),
        row["restricted_until"],
        bool(row["banned"]),
    )


def _save(world: World, account: Account) -> None:
    world.accounts.clear()
    world.memory.do(
        "insert or replace into accounts values (?, ?, ?, ?, ?, ?)",
        account.waba_id,
        account.tier,
        account.grows,
        msgspec.json.encode(account.restrictions).decode(),
        account.restricted_until,
        account.banned,
    )


def tell(world: World, waba_id: str, field: str, value: Json, at: float) -> None:
    """Send a webhook about an account, its numbers or its templates."""
    world.post(lane=f"account {waba_id}", waba_id=waba_id, field=field, value=value, at=at)


def set_limit(world: World, waba_id: str, tier: str, *, grows: bool, at: float) -> None:
    """Give an account a messaging limit, and tell of the change."""
    account = get(world, waba_id)
    _save(world, replace(account, tier=tier, grows=grows))
    world.users.pop(waba_id, None)
    if tier == account.tier:
        return
    tell(world, waba_id, "business_capability_update", news.capability(tier), at)
    order = list(TIERS)
    event = "UPGRADE" if order.index(tier) > order.index(account.tier) else "DOWNGRADE"
    for phone in numbers_of(world.memory, waba_id):
        value = news.phone_quality(phone, event, tier, before=account.tier)
        tell(world, waba_id, "phone_number_quality_update", value, at)


def restrict(world: World, waba_id: str, kinds: list[str], until: float, at: float) -> None:
    """Forbid an account something until a moment, and tell it."""
    account = replace(get(world, waba_id), restrictions=tuple(kinds), restricted_until=until)
    _save(world, account)
    tell(world, waba_id, "account_update", news.restriction(kinds, until), at)


def free(world: World, waba_id: str) -> None:
    """Lift all restrictions; Meta tells nothing when they end."""
    account = get(world, waba_id)
    _save(world, replace(account, restrictions=(), restricted_until=None))


def ban(world: World, waba_id: str, state: str, at: float) -> None:
    """Announce a ban (SCHEDULE_FOR_DISABLE), carry it out (DISABLE) or end it (REINSTATE)."""
    if state != "SCHEDULE_FOR_DISABLE":
        _save(world, replace(get(world, waba_id), banned=state == "DISABLE"))
    tell(world, waba_id, "account_update", news.ban(state, at), at)


def accuse(world: World, waba_id: str, kind: str, at: float) -> None:
    """Tell an account that it broke a policy."""
    tell(world, waba_id, "account_update", news.violation(kind), at)


def numbers_of(memory: Memory, waba_id: str) -> list[Row]:
    """Return the numbers of an account."""
    return memory.all("select * from phones where waba_id = ? order by rowid", waba_id)


def refusal(account: Account, now: float, *, window: bool) -> Refusal | None:
    """Return how a send of this account is refused, inside or outside a service window."""
    if account.banned:
        return Refusal(131031, "Business Account has been locked")
    if account.forbids(NO_REPLIES if window else NO_TEMPLATES, now):
        return Refusal(
            368,
            "The WhatsApp Business Account associated with the app has been restricted for "
            "violating a platform policy.",
        )
    return None


def users_of(world: World, waba_id: str) -> Users:
    """Return to whom the account opened conversations lately."""
    found = world.users.get(waba_id)
    if found is None:
        found = world.users[waba_id] = Users()
        for row in world.memory.all(
            "select m.wa_id, max(m.at) as at from messages m"
            " join phones p on p.phone_number_id = m.phone_number_id"
            " where p.waba_id = ? and m.opened = 1 and m.at > ? group by m.wa_id order by 2",
            waba_id,
            world.now() - WEEK_S,
        ):
            found.add(row["wa_id"], row["at"])
    return found


def note_opened(world: World, account: Account, wa_id: str, now: float) -> None:
    """Count a user who was written to outside a window; a limit that is earned comes in hours."""
    if account.tier == UNLIMITED:
        return  # who was written to is counted from the messages once there is a limit
    users = users_of(world, account.waba_id)
    users.add(wa_id, now)
    if (
        account.grows
        and users.earns_more(now, account.tier)
        and not world.is_planned("grow", account.waba_id)
    ):
        world.later(now + GROWS_AFTER_S, "grow", rule=account.waba_id)


def grow(world: World, waba_id: str, at: float) -> None:
    """Raise the limit by one step, unless a number's quality fell meanwhile."""
    account = get(world, waba_id)
    good = all(phone["quality"] != "RED" for phone in numbers_of(world.memory, waba_id))
    if account.grows and good and users_of(world, waba_id).earns_more(at, account.tier):
        set_limit(world, waba_id, next_tier(account.tier), grows=True, at=at)


def as_json(world: World, waba_id: str) -> Json:
    """Return an account in the control API's form."""
    account, users, now = get(world, waba_id), users_of(world, waba_id), world.now()
    return {
        "waba_id": waba_id,
        "messaging_limit": account.tier,
        "grows": account.grows,
        "users_24h": users.day.count(now),
        "users_7d": users.week.count(now),
        "restrictions": [kind for kind in account.restrictions if account.forbids(kind, now)],
        "restricted_until": iso(account.restricted_until),
        "banned": account.banned,
        "phone_number_ids": [row["phone_number_id"] for row in numbers_of(world.memory, waba_id)],
    }
