"""The phone page: every pretend customer's phone in the browser, and the list of all of them.

One rule: the server renders everything; the script only asks for the page again and puts what
changed into place.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from litestar import Request, Response, Router, get, post
from litestar.datastructures import ResponseHeader, State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, ServerSentEvent
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_303_SEE_OTHER

from sandbox import acts, complaints, customers, media
from sandbox.control import Act, Picture, Place, Tap, perform, phone_for, world_of
from sandbox.memory import Json, Row
from sandbox.numbers import digits_of, pretty
from sandbox.views import chat_view, formatted, list_view
from sandbox.world import World

HERE = Path(__file__).parent
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
REST_S = 0.15
"""Real seconds between two pushes to one page: what changes meanwhile is told together."""

PageRequest = Request[Any, Any, State]
Page = Response[str]

pages = Environment(
    loader=FileSystemLoader(HERE / "pages"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
pages.filters["pretty"] = pretty
pages.filters["formatted"] = formatted


def _render(
    request: PageRequest, wa_id: str | None, *, form: Json | None = None, status: int = 200
) -> Page:
    world = world_of(request)
    query = request.query_params.get("q", "").strip()
    view = list_view(world, query)
    chat = None
    if wa_id is not None:
        customer, phone = _both(request, wa_id)
        chat = chat_view(world, customer, phone)
    page = pages.get_template("page.html").render(
        view=view, chat=chat, query=query, form=form or {}, config=world.config
    )
    return Response(page, media_type="text/html", status_code=status)


def _both(request: PageRequest, wa_id: str) -> tuple[Row, Row]:
    world = world_of(request)
    customer = customers.find(world.memory, wa_id)
    if customer is None:
        raise NotFoundException(f"there is no customer {wa_id}")
    return customer, phone_for(world, wa_id, request.query_params.get("phone"))


def _back(wa_id: str, phone: Row) -> Redirect:
    path = f"/chats/{wa_id}?phone={phone['phone_number_id']}"
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)


@get("/")
async def all_chats(request: PageRequest) -> Page:
    """Show the customers and no phone."""
    return _render(request, None)


@get("/chats/{wa_id:str}")
async def one_chat(request: PageRequest, wa_id: FromPath[str]) -> Page:
    """Show one customer's phone."""
    return _render(request, wa_id)


@post("/chats")
async def new_customer(request: PageRequest) -> Response[Any]:
    """Make a customer, who then can write first."""
    form = await request.form()
    typed = {"number": str(form.get("number", "")), "name": str(form.get("name", "")).strip()}
    digits = digits_of(typed["number"])
    if digits is None:
        problem = "Give a number with its country code, such as +44 7700 900123."
        return _render(request, None, form=typed | {"problem": problem}, status=422)
    world = world_of(request)
    with world.writing():
        customer = customers.meet(world.memory, digits, typed["name"])
    world.live.ring(digits)
    return _back(customer["wa_id"], phone_for(world, digits, None))


@post("/chats/{wa_id:str}/messages")
async def write(request: PageRequest, wa_id: FromPath[str]) -> Redirect:
    """The customer writes a text, or sends a photo or a place."""
    customer, phone = _both(request, wa_id)
    form = await request.form()
    to = phone["phone_number_id"]
    text = str(form.get("text", "")).strip()
    act = {
        "photo": Act(image=Picture("Is this the right one?"), phone_number_id=to),
        "place": Act(
            location=Place(51.5237, -0.1585, "Home", "221B Baker Street, London"),
            phone_number_id=to,
        ),
    }.get(str(form.get("do", "")), Act(text=text, phone_number_id=to))
    if act.text != "":
        perform(world_of(request), customer, act)
    return _back(wa_id, phone)


@post("/chats/{wa_id:str}/taps")
async def tap(request: PageRequest, wa_id: FromPath[str]) -> Redirect:
    """The customer taps a button or chooses a list row."""
    customer, phone = _both(request, wa_id)
    form = await request.form()
    option = str(form.get("option", ""))
    if not option.isdigit():
        raise ClientException("a tap needs an option")
    tapped = Tap(message_id=str(form.get("message_id", "")), option=int(option))
    perform(world_of(request), customer, Act(tap=tapped))
    return _back(wa_id, phone)


@post("/chats/{wa_id:str}/block")
async def block(request: PageRequest, wa_id: FromPath[str]) -> Redirect:
    """The customer blocks the number, reports it as well, or ends the block."""
    customer, phone = _both(request, wa_id)
    world, wish = world_of(request), str((await request.form()).get("do", ""))
    with world.writing():
        if wish == "unblock":
            complaints.unblock(world, customer, phone)
        elif wish in complaints.KINDS:
            complaints.block(world, customer, phone, world.now(), wish)
        else:
            raise ClientException("a block needs to be block, report or unblock")
    return _back(wa_id, phone)


@get("/chats/files/{media_id:str}")
async def file(request: PageRequest, media_id: FromPath[str]) -> Response[bytes]:
    """Return a kept file for the page's bubbles."""
    world = world_of(request)
    row = media.find(world.memory, media_id, world.now())
    if row is None:
        raise NotFoundException(f"there is no file {media_id}")
    return Response(row["data"], media_type=row["mime_type"])


@get("/live")
async def live(request: PageRequest, chat: FromQuery[str] = "") -> ServerSentEvent:
    """Push a line for each change. An open stream of a chat is its customer looking at it."""
    return ServerSentEvent(_changes(world_of(request), chat, request.query_params.get("phone")))


async def _changes(world: World, wa_id: str, phone_number_id: str | None) -> AsyncGenerator[str]:
    yield "open"
    _look(world, wa_id, phone_number_id)
    async for changed in world.live.listen():
        if wa_id in changed:
            _look(world, wa_id, phone_number_id)
        yield "changed"
        await asyncio.sleep(REST_S)


def _look(world: World, wa_id: str, phone_number_id: str | None) -> None:
    if wa_id:
        with world.writing():
            acts.open_chat(world, wa_id, phone_number_id, world.now())


router = Router(
    "/",
    route_handlers=[all_chats, one_chat, new_customer, write, tap, block, file, live],
    response_headers=[
        ResponseHeader(name="Content-Security-Policy", value=CONTENT_SECURITY_POLICY),
        ResponseHeader(name="X-Content-Type-Options", value="nosniff"),
        ResponseHeader(name="Referrer-Policy", value="same-origin"),
        ResponseHeader(name="Cache-Control", value="no-store"),
    ],
    include_in_schema=False,
)
static = create_static_files_router(path="/static", directories=[HERE / "static"], name="static")
