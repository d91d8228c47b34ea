"""Uploaded and received files: which are allowed, and for how long they are kept."""

import hashlib
import struct
import zlib
from functools import lru_cache

from sandbox.memory import Json, Memory, Row
from sandbox.refusals import Refusal
from sandbox.world import World

KEPT_S = 30 * 24 * 3600
"""How long the business's uploads are kept."""
RECEIVED_KEPT_S = 7 * 24 * 3600
"""How long what customers send is kept."""
MEGABYTE = 1024 * 1024
TYPES = {
    "image": ({"image/jpeg", "image/png"}, 5 * MEGABYTE),
    "video": ({"video/mp4", "video/3gpp"}, 16 * MEGABYTE),
    "audio": (
        {"audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"},
        16 * MEGABYTE,
    ),
    "sticker": ({"image/webp"}, 500 * 1024),
    "document": (
        {
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        },
        100 * MEGABYTE,
    ),
}
LARGEST = 100 * MEGABYTE
PHOTO_SIZE = (240, 160)


def kind_of(mime_type: str) -> str | None:
    """Return the message type that a file type belongs to."""
    bare = mime_type.partition(";")[0].strip().lower()
    return next((kind for kind, (types, _) in TYPES.items() if bare in types), None)


def check(mime_type: str, size: int) -> Refusal | None:
    """Check an upload's type and size."""
    kind = kind_of(mime_type)
    if kind is None:
        allowed = ", ".join(sorted(one for types, _ in TYPES.values() for one in types))
        return Refusal(
            100, f"Param file must be a file with one of the following types: {allowed}."
        )
    most = TYPES[kind][1]
    if not 0 < size <= most:
        return Refusal(100, f"Param file: a {kind} must have 1 to {most} bytes, not {size}.")
    return None


def keep(
    world: World,
    phone_number_id: str,
    mime_type: str,
    data: bytes,
    filename: str,
    *,
    kept_s: float = KEPT_S,
) -> Row:
    """Keep a file and return its row. Called inside a transaction."""
    media_id, now = world.ids.object_id(), world.now()
    world.memory.do(
        "insert into media (id, phone_number_id, mime_type, sha256, data, at, filename, kept_s)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        media_id,
        phone_number_id,
        mime_type,
        hashlib.sha256(data).hexdigest(),
        data,
        now,
        filename,
        kept_s,
    )
    row = find(world.memory, media_id, now)
    assert row is not None  # noqa: S101 - it was kept in the line above
    return row


def find(memory: Memory, media_id: str, now: float) -> Row | None:
    """Find a file that is still kept, by its id."""
    return memory.one("select * from media where id = ? and at + kept_s >= ?", media_id, now)


def is_usable(memory: Memory, media_id: str, phone_number_id: str, kind: str, now: float) -> bool:
    """Say whether a number may send this upload as an object of this kind."""
    row = find(memory, media_id, now)
    return (
        row is not None
        and row["phone_number_id"] == phone_number_id
        and kind_of(row["mime_type"]) == kind
    )


def incoming(row: Row, caption: str = "") -> Json:
    """Return the object of an incoming message about a kept file."""
    content: Json = {"caption": caption} if caption else {}
    return content | {
        "mime_type": row["mime_type"],
        "sha256": row["sha256"],
        "id": row["id"],
    }


@lru_cache(maxsize=1)
def photo() -> bytes:
    """Return the photo that customers send: a small PNG of a green hill under a blue sky."""
    width, height = PHOTO_SIZE
    lines = bytearray()
    for y in range(height):
        lines.append(0)
        for x in range(width):
            hill = height * 0.55 + (x - width * 0.6) ** 2 / 260
            shade = int(40 * y / height)
            lines += bytes((70, 150 - shade, 90) if y > hill else (150 + shade, 195 + shade, 240))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(lines), 9)),
        (b"IEND", b""),
    )
    packed = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + packed
