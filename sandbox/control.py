"""The control API under /sandbox/api: puts customers and templates there, acts, and looks.

JSON, without a key: it is for tests, demos and drivers on a developer's own machine.
"""

import secrets
from typing import Annotated, Any

import httpx
import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from sandbox import acts, business, chats, complaints, customers, media, refused, timers
from sandbox.customers import Customer
from sandbox.memory import Json, Row
from sandbox.world import World, add_phone, find_phone

LARGEST_PAGE = 1000
CHECK_WITHIN_S = 10.0

ControlRequest = Request[Any, Any, State]


class Phone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A business number; what is left out is taken from the configured one."""

    phone_number_id: str
    display_phone_number: str
    verified_name: str = ""
    waba_id: str = ""
    throughput_per_s: int = 0


class Place(msgspec.Struct, frozen=True):
    """A location that a customer sends; degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class Picture(msgspec.Struct, frozen=True):
    """A photo that a customer sends; the sandbox makes the picture up."""

    caption: str = ""


class Tap(msgspec.Struct, frozen=True):
    """A choice: `option` is a place from 0, an id or a title of the message's buttons or rows."""

    message_id: str
    option: int | str


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer does now: exactly one of the four, to the named number or the last one."""

    text: str | None = None
    tap: Tap | None = None
    image: Picture | None = None
    location: Place | None = None
    phone_number_id: str | None = None


class Complaint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer blocks a number, or reports it as well."""

    phone_number_id: str | None = None
    reported: bool = False


def world_of(request: ControlRequest) -> World:
    """Return the world behind a request."""
    world: World = request.app.state.world
    return world


def phone_for(world: World, wa_id: str, phone_number_id: str | None) -> Row:
    """Return the number a customer means: the named one, else the last of the chat, else ours."""
    if phone_number_id is None:
        last = world.memory.one(
            "select phone_number_id from messages where wa_id = ? order by n desc limit 1", wa_id
        )
        phone_number_id = last["phone_number_id"] if last else world.config.phone_number_id
    phone = find_phone(world, str(phone_number_id))
    if phone is None:
        raise NotFoundException(f"no business number has the id {phone_number_id}")
    return phone


def customer_of(world: World, wa_id: str) -> Row:
    """Return a customer, or answer that there is none."""
    customer = customers.find(world.memory, wa_id)
    if customer is None:
        raise NotFoundException(f"there is no customer {wa_id}; POST it to /customers first")
    return customer


def perform(world: World, customer: Row, act: Act) -> str:
    """Let a customer act now; returns the wamid. Raises for a tap on what is not there."""
    given = [one for one in (act.text, act.tap, act.image, act.location) if one is not None]
    if len(given) != 1 or act.text == "":
        raise ClientException("give exactly one of text, tap, image and location")
    now = world.now()
    if act.tap is not None:
        message = chats.find(world.memory, act.tap.message_id)
        if message is None or message["wa_id"] != customer["wa_id"]:
            raise NotFoundException(f"this customer has no message {act.tap.message_id}")
        phone = phone_for(world, customer["wa_id"], message["phone_number_id"])
        with world.writing():
            tapped = acts.tap(world, customer, phone, now, message, act.tap.option)
        if tapped is None:
            raise ClientException(f"the message has no option {act.tap.option!r}")
        return tapped
    phone = phone_for(world, customer["wa_id"], act.phone_number_id)
    with world.writing():
        if act.image is not None:
            name = "photo.png"
            row = media.keep(
                world,
                phone["phone_number_id"],
                "image/png",
                media.photo(),
                name,
                kept_s=media.RECEIVED_KEPT_S,
            )
            picture = media.incoming(row, act.image.caption)
            return acts.write_media(world, customer, phone, now, "image", picture)
        if act.location is not None:
            place = {k: v for k, v in msgspec.to_builtins(act.location).items() if v is not None}
            return acts.write_location(world, customer, phone, now, place)
        return acts.write_text(world, customer, phone, now, act.text or "")


@post("/customers", status_code=200)
async def save_customers(request: ControlRequest, data: JSONBody[list[Customer]]) -> Json:
    """Add customers or change their settings, many at a time. Answers `{"saved": n}`."""
    world = world_of(request)
    with world.writing():
        customers.save(world.memory, data)
    world.live.ring("")
    return {"saved": len(data)}


@get("/customers")
async def list_customers(
    request: ControlRequest,
    after: FromQuery[str] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE,
) -> Json:
    """List customers by wa_id, after the given one."""
    rows = world_of(request).memory.all(
        "select * from customers where wa_id > ? order by wa_id limit ?", after, limit
    )
    return {"customers": [customers.read_back(row) for row in rows]}


@post("/customers/{wa_id:str}/messages", status_code=201)
async def act(request: ControlRequest, wa_id: FromPath[str], data: JSONBody[Act]) -> Json:
    """Let a customer write, tap, or send a photo or a place. Answers `{"id": wamid}`."""
    world = world_of(request)
    return {"id": perform(world, customer_of(world, wa_id), data)}


@put("/customers/{wa_id:str}/block")
async def block(request: ControlRequest, wa_id: FromPath[str], data: JSONBody[Complaint]) -> Json:
    """Let a customer block (and report) a number: the named one, else the one of the chat."""
    world = world_of(request)
    customer = customer_of(world, wa_id)
    phone = phone_for(world, wa_id, data.phone_number_id)
    with world.writing():
        kind = "report" if data.reported else "block"
        complaints.block(world, customer, phone, world.now(), kind)
    return {"blocked": phone["phone_number_id"]}


@delete("/customers/{wa_id:str}/block", status_code=200)
async def unblock(request: ControlRequest, wa_id: FromPath[str]) -> Json:
    """Let a customer end the block of the chat's number, or of `phone_number_id`."""
    world = world_of(request)
    customer = customer_of(world, wa_id)
    phone = phone_for(world, wa_id, request.query_params.get("phone_number_id"))
    with world.writing():
        complaints.unblock(world, customer, phone)
    return {"unblocked": phone["phone_number_id"]}


@get("/messages")
async def list_messages(
    request: ControlRequest,
    after: FromQuery[int] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = 100,
    wa_id: FromQuery[str | None] = None,
) -> Json:
    """List what customers got (`out`) and sent (`in`), oldest first, after the number `after`.

    Each has n, id, direction, wa_id, phone_number_id, type, text (templates filled in), buttons
    (with list rows), template, at, callback_data, status, error, context_id. Ask again with the
    last n until the list is empty.
    """
    rows = world_of(request).memory.all(
        "select * from messages where n > ?1 and (?2 is null or wa_id = ?2) order by n limit ?3",
        after,
        wa_id,
        limit,
    )
    return {"messages": [chats.as_json(row) for row in rows]}


@get("/messages/summary")
async def summary(request: ControlRequest) -> Json:
    """Count messages by direction and status, customers, and refusals by code."""
    memory = world_of(request).memory
    counts: dict[str, dict[str, int]] = {"out": {}, "in": {}}
    for row in memory.all(
        "select direction, status, count(*) as count from messages group by direction, status"
    ):
        counts[row["direction"]][row["status"]] = row["count"]
    return counts | {
        "customers": memory.number("select count(*) from customers"),
        "refused": refused.counts(memory),
    }


@get("/state")
async def state(request: ControlRequest) -> Json:
    """Say how quiet it is.

    `undelivered_webhooks`, `due_now` and `next_at` (the next scripted act or status by the
    sandbox's clock, or null), `now`. With the first two at 0 nothing happens before `next_at`
    unless someone acts.
    """
    return timers.state(world_of(request))


@post("/phones", status_code=200)
async def save_phone(request: ControlRequest, data: JSONBody[Phone]) -> Json:
    """Add a business number or change one."""
    world = world_of(request)
    with world.writing():
        add_phone(
            world,
            phone_number_id=data.phone_number_id,
            waba_id=data.waba_id or world.config.waba_id,
            display_phone_number=data.display_phone_number,
            verified_name=data.verified_name or world.config.business_name,
            throughput_per_s=data.throughput_per_s or world.config.throughput_per_s,
        )
    return {"phone_number_id": data.phone_number_id}


@get("/phones")
async def list_phones(request: ControlRequest) -> Json:
    """List the business numbers."""
    world = world_of(request)
    rows = world.memory.all("select * from phones order by rowid")
    return {"phones": [business.as_json(world, row) for row in rows]}


@post("/webhook/check", status_code=200)
async def check_webhook(request: ControlRequest) -> Json:
    """Do what Meta does when a webhook is set up: ask for the challenge back. Answers `ok`."""
    config = world_of(request).config
    challenge = str(secrets.randbelow(10**9))
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": config.verify_token,
        "hub.challenge": challenge,
    }
    try:
        async with httpx.AsyncClient(timeout=CHECK_WITHIN_S, trust_env=False) as client:
            answer = await client.get(config.webhook_url, params=query)
    except httpx.HTTPError as problem:
        return {"ok": False, "problem": f"{type(problem).__name__}: {problem}"}
    if answer.status_code == httpx.codes.OK and answer.text == challenge:
        return {"ok": True}
    return {"ok": False, "problem": f"answered {answer.status_code}, not 200 with the challenge"}


router = Router(
    "/sandbox/api",
    route_handlers=[
        save_customers,
        list_customers,
        act,
        block,
        unblock,
        list_messages,
        summary,
        state,
        save_phone,
        list_phones,
        check_webhook,
    ],
    include_in_schema=False,
)
