"""The Graph API: the addresses of the Cloud API, besides the one that sends (see `front`).

One rule: handlers decode and answer; what is allowed is decided in `templates`, `media`, `uploads`.
"""

from litestar import Router, delete, get, post
from litestar.params import FromPath

from sandbox import accounts, business, drafting, graph_files, media, templates, uploads
from sandbox.gate import (
    Answer,
    GraphRequest,
    account_of,
    answer,
    decoded,
    passes,
    world_of,
)
from sandbox.memory import Json, Row
from sandbox.refusals import Refusal, no_such_object
from sandbox.world import World, find_phone, has_account

APP_ID = "300000000000001"  # the one app that all tokens of the sandbox belong to
DEFAULT_PHONE_FIELDS = ("verified_name", "display_phone_number", "quality_rating")


def phone_facts(world: World, phone: Row, fields: str) -> Json:
    """Return what the API says about a number; `fields` is a comma-separated choice."""
    known = business.facts(world, phone)
    wanted = [name for name in fields.split(",") if name in known] or DEFAULT_PHONE_FIELDS
    return {name: known[name] for name in wanted} | {"id": phone["phone_number_id"]}


@get("/{version:str}/{object_id:str}")
async def read_object(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Read a number, an account, a template, a file's facts or an upload's state, by its id; or
    the `app` that the token belongs to.
    """
    if refusal := passes(request, version):
        return answer(request, refusal)
    world = world_of(request)
    fields = request.query_params.get("fields", "")
    if phone := find_phone(world, object_id):
        return answer(request, phone_facts(world, phone, fields))
    if row := media.find(world.memory, object_id, world.now()):
        return answer(request, graph_files.media_facts(request, row))
    if template := templates.find_by_id(world.memory, object_id):
        return answer(request, templates.as_json(template, fields))
    if upload := uploads.find(world.memory, object_id):
        return answer(request, uploads.state(upload))
    if object_id == "app":
        return answer(request, {"id": APP_ID, "name": world.config.business_name})
    if has_account(world.memory, object_id):
        return answer(request, {"id": object_id, "name": world.config.business_name})
    return answer(request, no_such_object("GET", object_id))


@post(
    "/{version:str}/{object_id:str}",
    status_code=200,
    request_max_body_size=graph_files.LARGEST_BODY,
)
async def change_object(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Edit a template, or go on with an upload."""
    if refusal := passes(request, version):
        return answer(request, refusal)
    if object_id.startswith(uploads.PREFIX):
        return await graph_files.continue_upload(request, object_id)
    world = world_of(request)
    template = templates.find_by_id(world.memory, object_id)
    if template is None:
        return answer(request, no_such_object("POST", object_id))
    body = decoded(await request.body())
    if isinstance(body, Refusal):
        return answer(request, body)
    return answer(request, drafting.edit(world, template, body))


@get("/{version:str}/{object_id:str}/phone_numbers")
async def list_phones(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """List the numbers of an account."""
    account = account_of(request, version, object_id)
    if isinstance(account, Refusal):
        return answer(request, account)
    world = world_of(request)
    rows = accounts.numbers_of(world.memory, account)
    fields = request.query_params.get("fields", "")
    return answer(request, {"data": [phone_facts(world, row, fields) for row in rows]})


@get("/{version:str}/{object_id:str}/message_templates")
async def list_templates(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """List an account's templates, paged by `limit` and `after`."""
    account = account_of(request, version, object_id)
    if isinstance(account, Refusal):
        return answer(request, account)
    query = dict(request.query_params)
    limit = query.get("limit", "")
    page = templates.page(
        world_of(request).memory,
        account,
        query,
        query.get("after"),
        int(limit) if limit.isdigit() else templates.PAGE,
    )
    if next_path := page.get("paging", {}).get("next"):
        base = str(request.base_url).rstrip("/")
        page["paging"]["next"] = f"{base}/{version}{next_path}&limit={limit or templates.PAGE}"
    return answer(request, page)


@post("/{version:str}/{object_id:str}/message_templates", status_code=200)
async def create_template(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Create a template."""
    account = account_of(request, version, object_id)
    if isinstance(account, Refusal):
        return answer(request, account)
    body = decoded(await request.body())
    if isinstance(body, Refusal):
        return answer(request, body)
    return answer(request, drafting.create(world_of(request), account, body))


@delete("/{version:str}/{object_id:str}/message_templates", status_code=200)
async def delete_template(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Delete a template in all its languages, by `name`."""
    account = account_of(request, version, object_id)
    if isinstance(account, Refusal):
        return answer(request, account)
    name = request.query_params.get("name", "")
    return answer(request, templates.delete(world_of(request), account, name))


@post("/{version:str}/{object_id:str}/subscribed_apps", status_code=200)
async def subscribe(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Switch webhooks on for an account; here they always are."""
    account = account_of(request, version, object_id)
    return answer(request, account if isinstance(account, Refusal) else {"success": True})


router = Router(
    "/",
    route_handlers=[
        *graph_files.routes,
        read_object,
        change_object,
        list_phones,
        list_templates,
        create_template,
        delete_template,
        subscribe,
    ],
    include_in_schema=False,
)
