"""The control API's part for playing Meta: what stops numbers and accounts, limits, ratings.

Moments are the sandbox's clock; `for_s` null means until it is ended.
"""

from typing import Literal

import msgspec
from litestar import Router, delete, get, put
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody

from sandbox import accounts, business
from sandbox.control import ControlRequest, world_of
from sandbox.limits import TIERS
from sandbox.memory import Json, Row
from sandbox.world import World, find_phone, has_account

FOREVER_S = 365 * 24 * 3600
"""How far away the end of a restriction without one is told to be."""


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends are refused with `code` (131031, 368, 190 …) for `for_s`, `after` so many more."""

    code: int
    for_s: float | None = None
    after: int = 0


class Throughput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages per second; while it is raised, for `takes_s`, sends get 131057."""

    per_second: int
    takes_s: float = 0


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rating that stays whatever customers say; null: theirs counts again."""

    rating: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] | None


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A messaging limit such as TIER_250; with `grows` it is raised by itself once half is used."""

    tier: str
    grows: bool = True

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise ValueError(f"tier must be one of {', '.join(TIERS)}")


class Restriction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an account may not do for `for_s`."""

    types: list[
        Literal[
            "RESTRICTED_BIZ_INITIATED_MESSAGING",
            "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
            "RESTRICTED_ADD_PHONE_NUMBER_ACTION",
        ]
    ]
    for_s: float | None = None


class Ban(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ban announced, carried out or ended."""

    state: Literal["SCHEDULE_FOR_DISABLE", "DISABLE", "REINSTATE"]


class Violation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A broken policy, such as ADULT or SCAM; it is only told."""

    type: str


def _phone(world: World, phone_number_id: str) -> Row:
    phone = find_phone(world, phone_number_id)
    if phone is None:
        raise NotFoundException(f"no business number has the id {phone_number_id}")
    return phone


def _account(world: World, waba_id: str) -> str:
    if not has_account(world.memory, waba_id):
        raise NotFoundException(f"no business number belongs to the account {waba_id}")
    return waba_id


def _number(world: World, phone_number_id: str) -> Json:
    return business.as_json(world, _phone(world, phone_number_id))


@get("/phones/{phone_number_id:str}")
async def read_phone(request: ControlRequest, phone_number_id: FromPath[str]) -> Json:
    """Read a number: speed, quality, what stops it."""
    return _number(world_of(request), phone_number_id)


@put("/phones/{phone_number_id:str}/stop")
async def stop_phone(
    request: ControlRequest, phone_number_id: FromPath[str], data: JSONBody[Stop]
) -> Json:
    """Stop a number, now or after some more sends; `for_s` later it sends again."""
    world = world_of(request)
    until = None if data.for_s is None else world.now() + data.for_s
    with world.writing():
        phone = _phone(world, phone_number_id)
        business.stop(world, phone, data.code, until=until, after=data.after)
    return _number(world, phone_number_id)


@delete("/phones/{phone_number_id:str}/stop", status_code=200)
async def free_phone(request: ControlRequest, phone_number_id: FromPath[str]) -> Json:
    """Let a number send again."""
    world = world_of(request)
    with world.writing():
        business.go_on(world, _phone(world, phone_number_id))
    return _number(world, phone_number_id)


@put("/phones/{phone_number_id:str}/throughput")
async def set_throughput(
    request: ControlRequest, phone_number_id: FromPath[str], data: JSONBody[Throughput]
) -> Json:
    """Give a number another speed; a faster one is told by webhook."""
    world = world_of(request)
    if data.per_second < 1 or data.takes_s < 0:
        raise ClientException("per_second is at least 1, takes_s cannot be negative")
    with world.writing():
        phone = _phone(world, phone_number_id)
        business.raise_throughput(world, phone, data.per_second, data.takes_s, world.now())
    return _number(world, phone_number_id)


@put("/phones/{phone_number_id:str}/quality")
async def set_phone_quality(
    request: ControlRequest, phone_number_id: FromPath[str], data: JSONBody[Quality]
) -> Json:
    """Rate a number by hand, or let its customers rate it again."""
    world, now = world_of(request), world_of(request).now()
    with world.writing():
        phone = _phone(world, phone_number_id)
        rating = data.rating or phone["quality"]
        business.set_quality(world, phone, rating, now, by_hand=data.rating is not None)
        if data.rating is None:
            business.rate_number(world, phone_number_id, now)
    return _number(world, phone_number_id)


@get("/accounts/{waba_id:str}")
async def read_account(request: ControlRequest, waba_id: FromPath[str]) -> Json:
    """Read an account: limit and how much of it is used, restrictions, ban, its numbers."""
    world = world_of(request)
    return accounts.as_json(world, _account(world, waba_id))


@put("/accounts/{waba_id:str}/messaging-limit")
async def set_limit(request: ControlRequest, waba_id: FromPath[str], data: JSONBody[Limit]) -> Json:
    """Give an account a messaging limit; a change is told by webhooks."""
    world = world_of(request)
    with world.writing():
        account = _account(world, waba_id)
        accounts.set_limit(world, account, data.tier, grows=data.grows, at=world.now())
    return accounts.as_json(world, waba_id)


@put("/accounts/{waba_id:str}/restriction")
async def restrict_account(
    request: ControlRequest, waba_id: FromPath[str], data: JSONBody[Restriction]
) -> Json:
    """Forbid an account templates, or replies as well, and tell it."""
    world, now = world_of(request), world_of(request).now()
    until = now + (FOREVER_S if data.for_s is None else data.for_s)
    with world.writing():
        accounts.restrict(world, _account(world, waba_id), list(data.types), until, now)
    return accounts.as_json(world, waba_id)


@delete("/accounts/{waba_id:str}/restriction", status_code=200)
async def free_account(request: ControlRequest, waba_id: FromPath[str]) -> Json:
    """Lift an account's restrictions; nothing is told."""
    world = world_of(request)
    with world.writing():
        accounts.free(world, _account(world, waba_id))
    return accounts.as_json(world, waba_id)


@put("/accounts/{waba_id:str}/ban")
async def ban_account(request: ControlRequest, waba_id: FromPath[str], data: JSONBody[Ban]) -> Json:
    """Announce, carry out or end an account's ban, and tell it; a banned one gets 131031."""
    world = world_of(request)
    with world.writing():
        accounts.ban(world, _account(world, waba_id), data.state, world.now())
    return accounts.as_json(world, waba_id)


@put("/accounts/{waba_id:str}/violation")
async def accuse_account(
    request: ControlRequest, waba_id: FromPath[str], data: JSONBody[Violation]
) -> Json:
    """Tell an account that it broke a policy."""
    world = world_of(request)
    with world.writing():
        accounts.accuse(world, _account(world, waba_id), data.type, world.now())
    return accounts.as_json(world, waba_id)


router = Router(
    "/sandbox/api",
    route_handlers=[
        read_phone,
        stop_phone,
        free_phone,
        set_throughput,
        set_phone_quality,
        read_account,
        set_limit,
        restrict_account,
        free_account,
        ban_account,
        accuse_account,
    ],
    include_in_schema=False,
)
