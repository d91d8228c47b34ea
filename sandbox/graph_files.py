"""The Graph API's files: media of messages, and uploads for the examples of templates.

One rule: handlers decode and answer; what is allowed is decided in `media` and `uploads`.
"""

import hashlib
import hmac
import time

from litestar import Response, delete, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException
from litestar.params import FromPath, FromQuery

from sandbox import media, uploads
from sandbox.gate import Answer, GraphRequest, answer, passes, phone_of, world_of
from sandbox.memory import Json, Row
from sandbox.refusals import Refusal, no_such_object

MEDIA_URL_VALID_S = 300
LARGEST_BODY = media.LARGEST + media.MEGABYTE


@post("/{version:str}/{object_id:str}/media", status_code=200, request_max_body_size=LARGEST_BODY)
async def upload(request: GraphRequest, version: FromPath[str], object_id: FromPath[str]) -> Answer:
    """Keep a file: multipart `messaging_product`, `type`, `file`."""
    phone = phone_of(request, version, object_id)
    if isinstance(phone, Refusal):
        return answer(request, phone)
    try:
        form = await request.form()
    except ClientException:
        return answer(request, Refusal(100, "The body is not multipart/form-data."))
    file = form.get("file")
    if form.get("messaging_product") != "whatsapp":
        return answer(request, Refusal(100, "The parameter messaging_product is required."))
    if not isinstance(file, UploadFile):
        return answer(request, Refusal(100, "The parameter file is required."))
    data = await file.read()
    mime_type = str(form.get("type") or file.content_type)
    if refusal := media.check(mime_type, len(data)):
        return answer(request, refusal)
    world = world_of(request)
    with world.writing():
        row = media.keep(world, phone["phone_number_id"], mime_type, data, file.filename)
    return answer(request, {"id": row["id"]})


def media_facts(request: GraphRequest, row: Row) -> Json:
    """Return what the API says about a file, with an address for five real minutes."""
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
    secret = world_of(request).config.app_secret.encode()
    return hmac.new(secret, f"{media_id} {until}".encode(), hashlib.sha256).hexdigest()[:32]


@get("/media/{media_id:str}")
async def download(
    request: GraphRequest,
    media_id: FromPath[str],
    until: FromQuery[int] = 0,
    signature: FromQuery[str] = "",
) -> Answer:
    """Download a file by the address that the API gave; it is valid for five real minutes."""
    world = world_of(request)
    row = media.find(world.memory, media_id, world.now())
    wanted = _url_hash(request, media_id, until)
    if row is None or until < time.time() or not hmac.compare_digest(signature, wanted):
        return Response("URL signature expired or not valid", status_code=404)
    if refusal := passes(request, "v1.0"):
        return answer(request, refusal)
    return Response(row["data"], media_type=row["mime_type"])


@delete("/{version:str}/{object_id:str}", status_code=200)
async def delete_media(
    request: GraphRequest, version: FromPath[str], object_id: FromPath[str]
) -> Answer:
    """Delete a file."""
    if refusal := passes(request, version):
        return answer(request, refusal)
    world = world_of(request)
    if media.find(world.memory, object_id, world.now()) is None:
        return answer(request, no_such_object("DELETE", object_id))
    with world.writing():
        world.memory.do("delete from media where id = ?", object_id)
    return answer(request, {"success": True})


@post("/{version:str}/{app_id:str}/uploads", status_code=200)
async def begin_upload(
    request: GraphRequest, version: FromPath[str], app_id: FromPath[str]
) -> Answer:
    """Begin the upload of a template's example: `file_length`, `file_type`, `file_name`."""
    del app_id  # the sandbox is one app, whatever it is called
    if refusal := passes(request, version):
        return answer(request, refusal)
    query = request.query_params
    outcome = uploads.begin(
        world_of(request),
        query.get("file_name", ""),
        query.get("file_type", ""),
        query.get("file_length", ""),
    )
    return answer(request, outcome)


async def continue_upload(request: GraphRequest, upload_id: str) -> Answer:
    """Take the bytes of an upload from `file_offset` on; the last ones are answered by a handle."""
    offset = request.headers.get("file_offset", "0")
    data = await request.body()
    return answer(request, uploads.take(world_of(request), upload_id, offset, data))


routes = [upload, download, delete_media, begin_upload]
