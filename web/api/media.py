"""Files by API: upload one to send, fetch one that came or was uploaded.

Rule: a file is found through its company only, its type is read from its bytes, and a browser gets
nothing of it to run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Struct

from store import media
from store.errors import NotFoundError
from store.file_types import LARGEST, SHOWN_IN_BROWSERS, TAKES, fits
from store.files import HASH, Kept, NewFile, TooLargeError, path_of
from web.config import WebConfig
from web.given import Asker, Web
from web.shell.errors import Detail, RefusedError

TAGS = ["Files"]
FIELD = "file"
BODY_LIMIT = LARGEST + 1024 * 1024  # the form around the largest file
AT_ONCE = 256 * 1024
LONGEST_NAME = 240
TOO_LARGE = f"A file has at most {LARGEST // (1024 * 1024)} MB."


class FileOut(Struct, frozen=True):
    """A file that Tiptoe keeps. `kinds`: the messages that may hold it, for WhatsApp limits types
    and sizes of each.
    """

    sha256: str
    mime_type: str
    size: int
    filename: str
    kinds: list[str]


@post(
    "/media",
    summary="Upload a file",
    tags=TAGS,
    opt={"change_role": "editor"},
    request_max_body_size=BODY_LIMIT,
    status_code=201,
)
async def upload_file(request: Request[Any, Any, Any], who: Asker, web: Web) -> FileOut:
    """A form (multipart/form-data) with the file as `file`. The answer's `sha256` stands for it in
    messages and steps; the same file is kept once, however often it is uploaded.
    """
    return await keep_upload(request, who.company_id, web)


async def keep_upload(request: Request[Any, Any, Any], company_id: int, web: WebConfig) -> FileOut:
    """Keep the file of a form for a company. Raises RefusedError for what no message may hold."""
    file = await _given(request)
    name = Path(file.filename or "").name[:LONGEST_NAME]
    try:
        kept = await _take_in(file, web.media)
    except TooLargeError:
        raise RefusedError(413, TOO_LARGE) from None
    kinds = fits(kept.mime_type, kept.size)
    if not kinds:
        said = _why_not(kept)
        raise RefusedError(422, said, details=[Detail(f"/{FIELD}", said)])
    async with web.database.write() as tx:
        await media.keep(tx, company_id, kept, web.clock(), filename=name)
    return FileOut(kept.sha256, kept.mime_type, kept.size, name, kinds)


@get("/media/{sha256:str}", summary="Fetch a file", tags=TAGS)
async def fetch_file(who: Asker, web: Web, sha256: FromPath[str]) -> Stream:
    """The bytes of a file that a customer sent or that was uploaded."""
    found = None
    if HASH.fullmatch(sha256):
        async with web.database.read() as tx:
            found = await media.find(tx, who.company_id, sha256)
    path = path_of(web.media, sha256) if found is not None else None
    if found is None or path is None or not await asyncio.to_thread(path.is_file):
        raise NotFoundError("There is no such file here.")
    shown = "inline" if found.mime_type in SHOWN_IN_BROWSERS else "attachment"
    name = quote(found.filename or sha256, safe="")
    return Stream(
        _parts(path),
        media_type=found.mime_type,
        headers={
            "Content-Length": str(found.size),
            "Content-Disposition": f"{shown}; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
            # The content of an address never changes; who may see it does.
            "Cache-Control": "private, max-age=3600",
        },
    )


async def _given(request: Request[Any, Any, Any]) -> UploadFile:
    said = f"Send a form (multipart/form-data) with the file as “{FIELD}”."
    if request.content_type[0] != "multipart/form-data":
        raise RefusedError(415, said)
    try:
        form = await request.form()
    except RequestEntityTooLarge as error:
        raise RefusedError(413, TOO_LARGE) from error
    except (ClientException, UnicodeDecodeError, LookupError) as error:  # bytes that are no text
        raise RefusedError(400, said) from error
    file = form.get(FIELD)
    if not isinstance(file, UploadFile):
        raise RefusedError(422, said, details=[Detail(f"/{FIELD}", said)])
    return file


async def _take_in(file: UploadFile, folder: Path) -> Kept:
    """Put the file where files lie. Raises TooLargeError."""
    with NewFile(folder, LARGEST) as new:
        while part := await file.read(AT_ONCE):
            await asyncio.to_thread(new.write, part)
        return await asyncio.to_thread(new.keep, file.content_type or "")


def _why_not(kept: Kept) -> str:
    if not kept.size:
        return "The file is empty."
    for kind, (types, most) in TAKES.items():
        if kept.mime_type in types:
            return f"WhatsApp takes at most {most / (1024 * 1024):g} MB as {kind}."
    return f"WhatsApp takes no files of this type ({kept.mime_type})."


async def _parts(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while part := await asyncio.to_thread(file.read, AT_ONCE):
            yield part


HANDLERS = (upload_file, fetch_file)
