"""The Graph API: the addresses of the Cloud API, its token check, its answers.

One rule: handlers decode and answer; what is allowed is decided in `sends`, `templates`, `media`.
"""

import hashlib
import hmac
import json
import re
import time
from typing import Any

from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import State, UploadFile
from litestar.exceptions import ClientException
from litestar.params import FromPath, FromQuery

from sandbox import media, refused, sends, templates
from sandbox.memory import Json, Row
from sandbox.refusals import Refusal, no_such_object, unknown_path, wrong_token
from sandbox.world import World, find_phone, has_account

VERSION = re.compile(r"v\d+\.\d+")
MEDIA_URL_VALID_S = 300
HIGH_THROUGHPUT = 1000
DEFAULT_PHONE_FIELDS = ("verified_name", "display_phone_number", "quality_rating")

GraphRequest = Request[Any, Any, State]
Answer = Response[Any]


def _world(request: GraphRequest) -> World:
    world: World = request.app.state.world
    return world


def _answer(request: GraphRequest, outcome: Json | Refusal) -> Answer:
    if not isinstance(outcome, Refusal):
        return Response(outcome)
    world = _world(request)
    body = outcome.body(world.ids.trace())
    refused.remember(
        world.memory,
        outcome,
        method=request.method,
        path=request.url.path,
        message=body["error"]["message"],
        at=world.now(),
    )
    world.live.ring("")
    return Response(body, status_code=outcome.http_status)


def _gate(request: GraphRequest, version: str) -> Refusal | None:
    if not VERSION.fullmatch(version):
        return unknown_path(request.url.path)
    given = request.headers.get("authorization", "").encode()
    wanted = f"Bearer {_world(request).config.access_token}".encode()
    return None if hmac.compare_digest(given, wanted) else wrong_token()


def _phone(request: GraphRequest, version: str, object_id: str) -> Row | Refusal:
    if refusal := _gate(request, version):
        return refusal
    found = find_phone(_world(request).memory, object_id)
    return found or no_such_object(request.method, object_id)


def _account(request: GraphRequest, version: str, object_id: str) -> str | Refusal:
    if refusal := _gate(request, version):
        return refusal
    if has_account(_world(request).memory, object_id):
        return object_id
    return no_such_object(request.method, object_id)


async def _json(request: GraphRequest) -> Json | Refusal:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        return Refusal(100, "The body is not valid JSON.")
    return body if isinstance(body, dict) else Refusal(100, "The body must be a JSON object.")


@post("/{version:str}/{object_id:str}/messages", status_code=200)
async def send_message(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Send a message, or mark one as read."""
    phone = _phone(request, version, object_id)
    if isinstance(phone, Refusal):
        return _answer(request, phone)
    body = await _json(request)
    if isinstance(body, Refusal):
        return _answer(request, body)
    if "status" not in body:
        return _answer(request, sends.accept(_world(request), phone, body))
    if body["status"] != "read" or body.get("messaging_product") != "whatsapp":
        return _answer(request, Refusal(100, "Param status must be 'read'."))
    return _answer(request, sends.mark_read(_world(request), phone, body))


@post(
    "/{version:str}/{object_id:str}/media",
    status_code=200,
    request_max_body_size=media.LARGEST + media.MEGABYTE,
)
async def upload(request: GraphRequest, version: FromPath[str], object_id: FromPath[str]) -> Answer:
    """Keep a file: multipart `messaging_product`, `type`, `file`."""
    phone = _phone(request, version, object_id)
    if isinstance(phone, Refusal):
        return _answer(request, phone)
    try:
        form = await request.form()
    except ClientException:
        return _answer(request, Refusal(100, "The body is not multipart/form-data."))
    file = form.get("file")
    if form.get("messaging_product") != "whatsapp":
        return _answer(request, Refusal(100, "The parameter messaging_product is required."))
    if not isinstance(file, UploadFile):
        return _answer(request, Refusal(100, "The parameter file is required."))
    data = await file.read()
    mime_type = str(form.get("type") or file.content_type)
    if refusal := media.check(mime_type, len(data)):
        return _answer(request, refusal)
    world = _world(request)
    with world.memory.writing():
        row = media.keep(world, phone["phone_number_id"], mime_type, data, file.filename)
    return _answer(request, {"id": row["id"]})


@get("/{version:str}/{object_id:str}")
async def read_object(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Read a number, an account, a template or a file's facts, by its id."""
    if refusal := _gate(request, version):
        return _answer(request, refusal)
    world = _world(request)
    if phone := find_phone(world.memory, object_id):
        return _answer(request, phone_facts(phone, request.query_params.get("fields", "")))
    if row := media.find(world.memory, object_id):
        return _answer(request, _media_facts(request, row))
    if template := templates.find_by_id(world.memory, object_id):
        return _answer(request, templates.as_json(template))
    if has_account(world.memory, object_id):
        return _answer(request, {"id": object_id, "name": world.config.business_name})
    return _answer(request, no_such_object("GET", object_id))


@post("/{version:str}/{object_id:str}", status_code=200)
async def edit_template(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Edit a template."""
    if refusal := _gate(request, version):
        return _answer(request, refusal)
    world = _world(request)
    template = templates.find_by_id(world.memory, object_id)
    if template is None:
        return _answer(request, no_such_object("POST", object_id))
    body = await _json(request)
    if isinstance(body, Refusal):
        return _answer(request, body)
    return _answer(request, templates.edit(world, template, body))


def phone_facts(phone: Row, fields: str) -> Json:
    """Return what the API says about a number; `fields` is a comma-separated choice."""
    high = phone["throughput_per_s"] >= HIGH_THROUGHPUT
    known: Json = {
        "verified_name": phone["verified_name"],
        "display_phone_number": phone["display_phone_number"],
        "quality_rating": "GREEN",
        "status": "CONNECTED",
        "name_status": "APPROVED",
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "account_mode": "LIVE",
        "throughput": {"level": "HIGH" if high else "STANDARD"},
        "messaging_limit_tier": "TIER_UNLIMITED",
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
    }
    wanted = [name for name in fields.split(",") if name in known] or DEFAULT_PHONE_FIELDS
    return {name: known[name] for name in wanted} | {"id": phone["phone_number_id"]}


def _media_facts(request: GraphRequest, row: Row) -> Json:
    until = int(time.time()) + MEDIA_URL_VALID_S
    address = f"{str(request.base_url).rstrip('/')}/media/{row['id']}"
    return {
        "messaging_product": "whatsapp",
        "url": f"{address}?until={until}&signature={_url_hash(request, row['id'], until)}",
        "mime_type": row["mime_type"],
        "sha256": row["sha256"],
        "file_size": len(row["data"]),
        "id": row["id"],
    }


def _url_hash(request: GraphRequest, media_id: str, until: int) -> str:
    secret = _world(request).config.app_secret.encode()
    return hmac.new(secret, f"{media_id} {until}".encode(), hashlib.sha256).hexdigest()[:32]


@get("/media/{media_id:str}")
async def download(
    request: GraphRequest,
    media_id: FromPath[str],
    until: FromQuery[int] = 0,
    signature: FromQuery[str] = "",
) -> Answer:
    """Download a file by the address that the API gave; it is valid for five real minutes."""
    row = media.find(_world(request).memory, media_id)
    wanted = _url_hash(request, media_id, until)
    if row is None or until < time.time() or not hmac.compare_digest(signature, wanted):
        return Response("URL signature expired or not valid", status_code=404)
    if refusal := _gate(request, "v1.0"):
        return _answer(request, refusal)
    return Response(row["data"], media_type=row["mime_type"])


@get("/{version:str}/{object_id:str}/phone_numbers")
async def list_phones(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """List the numbers of an account."""
    account = _account(request, version, object_id)
    if isinstance(account, Refusal):
        return _answer(request, account)
    rows = _world(request).memory.all(
        "select * from phones where waba_id = ? order by rowid", account
    )
    fields = request.query_params.get("fields", "")
    return _answer(request, {"data": [phone_facts(row, fields) for row in rows]})


@get("/{version:str}/{object_id:str}/message_templates")
async def list_templates(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """List an account's templates, paged by `limit` and `after`."""
    account = _account(request, version, object_id)
    if isinstance(account, Refusal):
        return _answer(request, account)
    query = dict(request.query_params)
    limit = query.get("limit", "")
    page = templates.page(
        _world(request).memory,
        account,
        query,
        query.get("after"),
        int(limit) if limit.isdigit() else templates.PAGE,
    )
    if next_path := page.get("paging", {}).get("next"):
        base = str(request.base_url).rstrip("/")
        page["paging"]["next"] = f"{base}/{version}{next_path}&limit={limit or templates.PAGE}"
    return _answer(request, page)


@post("/{version:str}/{object_id:str}/message_templates", status_code=200)
async def create_template(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Create a template."""
    account = _account(request, version, object_id)
    if isinstance(account, Refusal):
        return _answer(request, account)
    body = await _json(request)
    if isinstance(body, Refusal):
        return _answer(request, body)
    return _answer(request, templates.create(_world(request), account, body))


@delete("/{version:str}/{object_id:str}/message_templates", status_code=200)
async def delete_template(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Delete a template in all its languages, by `name`."""
    account = _account(request, version, object_id)
    if isinstance(account, Refusal):
        return _answer(request, account)
    name = request.query_params.get("name", "")
    return _answer(request, templates.delete(_world(request), account, name))


@post("/{version:str}/{object_id:str}/subscribed_apps", status_code=200)
async def subscribe(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Switch webhooks on for an account; here they always are."""
    account = _account(request, version, object_id)
    return _answer(request, account if isinstance(account, Refusal) else {"success": True})


router = Router(
    "/",
    route_handlers=[
        send_message,
        upload,
        read_object,
        edit_template,
        download,
        list_phones,
        list_templates,
        create_template,
        delete_template,
        subscribe,
    ],
    include_in_schema=False,
)
