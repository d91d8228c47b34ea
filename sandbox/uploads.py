"""Resumable uploads: the files that templates with a media header show as examples.

Source: Meta's "Resumable Upload API": begin a session, send the bytes from an offset on, get a
handle; after a break the session says how much it has.
"""

import base64
import hashlib

from sandbox.memory import Json, Memory, Row
from sandbox.refusals import Refusal, no_such_object
from sandbox.template_rules import MEDIA_FORMATS, component, handles_of
from sandbox.world import World

PREFIX = "upload:"
TYPES = {
    "application/pdf": "DOCUMENT",
    "image/jpeg": "IMAGE",
    "image/jpg": "IMAGE",
    "image/png": "IMAGE",
    "video/mp4": "VIDEO",
}
"""What the upload API takes, and the header format that it is an example of."""


def begin(world: World, filename: str, mime_type: str, length: str) -> Json | Refusal:
    """Begin an upload; return `{"id": "upload:…"}`."""
    if mime_type not in TYPES:
        return Refusal(100, f"Param file_type must be one of {', '.join(TYPES)}.")
    if not (length.isascii() and length.isdigit() and int(length) > 0):
        return Refusal(100, "Param file_length must be the size in bytes.")
    upload_id = PREFIX + base64.urlsafe_b64encode(world.ids.object_id().encode()).decode()
    with world.writing():
        world.memory.do(
            "insert into uploads values (?, ?, ?, ?, ?, null)",
            upload_id,
            filename,
            mime_type,
            int(length),
            b"",
        )
    return {"id": upload_id}


def find(memory: Memory, upload_id: str) -> Row | None:
    """Find an upload by its id."""
    return memory.one("select * from uploads where id = ?", upload_id)


def state(row: Row) -> Json:
    """Return how much of an upload has come."""
    return {"id": row["id"], "file_offset": len(row["data"])}


def take(world: World, upload_id: str, offset: str, data: bytes) -> Json | Refusal:
    """Take bytes of an upload; return `{"h": handle}` with the last of them."""
    row = find(world.memory, upload_id)
    if row is None:
        return no_such_object("POST", upload_id)
    have = len(row["data"])
    if offset != str(have):
        return Refusal(100, f"Header file_offset must be {have}: so many bytes have come.")
    whole = row["data"] + data
    if len(whole) > row["size"]:
        return Refusal(100, f"The file is longer than its file_length, {row['size']} bytes.")
    handle = _handle(row, whole) if len(whole) == row["size"] else None
    with world.writing():
        world.memory.do(
            "update uploads set data = ?, handle = ? where id = ?", whole, handle, upload_id
        )
    return {"h": handle} if handle else {"id": upload_id, "file_offset": len(whole)}


def _handle(row: Row, data: bytes) -> str:
    parts = (row["filename"], row["mime_type"], row["id"], hashlib.sha256(data).hexdigest())
    return "4::" + ":".join(base64.b64encode(part.encode()).decode() for part in parts)


def check_examples(memory: Memory, components: list[Json]) -> Refusal | None:
    """Check that an example that was uploaded here fits the header that shows it.

    Handles of other uploads are taken as they are: a template may be older than this file.
    """
    carousel = component(components, "CAROUSEL") or {}
    for card in carousel.get("cards", []):
        if refusal := check_examples(memory, card["components"]):
            return refusal
    header = component(components, "HEADER") or {}
    wanted = str(header.get("format", "")).upper()
    if wanted not in MEDIA_FORMATS:
        return None
    for handle in handles_of(header):
        row = memory.one("select mime_type from uploads where handle = ?", handle)
        if row is not None and TYPES[row["mime_type"]] != wanted:
            return Refusal(
                100, f"The example of the {wanted} header is {row['mime_type']}, no {wanted}."
            )
    return None
