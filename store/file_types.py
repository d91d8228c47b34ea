"""What kind of file something is, by its bytes, and what WhatsApp takes of it.

Rule: nobody's word on a type is believed where the bytes say another; what they do not say at all
may only be text, or an unknown file. Source: the Cloud API's media reference.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

HEAD = 4096  # bytes that are looked at; no mark lies deeper
MEGABYTE = 1024 * 1024
UNKNOWN = "application/octet-stream"
OFFICE = "application/vnd.openxmlformats-officedocument."
ZIPPED = {
    "word/": f"{OFFICE}wordprocessingml.document",
    "xl/": f"{OFFICE}spreadsheetml.sheet",
    "ppt/": f"{OFFICE}presentationml.presentation",
}
OLD_OFFICE = ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint")
"""These three begin alike: which of them it is, its sender may say."""
IMAGES = ("image/jpeg", "image/png")
VIDEOS = ("video/mp4", "video/3gpp")
AUDIOS = ("audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg")
STICKERS = ("image/webp",)
DOCUMENTS = ("text/plain", "application/pdf", *OLD_OFFICE, *ZIPPED.values())
TAKES: dict[str, tuple[tuple[str, ...], int]] = {
    "image": (IMAGES, 5 * MEGABYTE),
    "video": (VIDEOS, 16 * MEGABYTE),
    "audio": (AUDIOS, 16 * MEGABYTE),
    "sticker": (STICKERS, 500 * 1024),
    "document": (DOCUMENTS, 100 * MEGABYTE),
}
"""What each kind of message may hold: types, and bytes at most."""
LARGEST = max(size for _, size in TAKES.values())
MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (0, b"GIF8", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
)
AUDIO_BRANDS = (b"M4A ", b"M4B ")
SHOWN_IN_BROWSERS = (*IMAGES, *VIDEOS, *AUDIOS, *STICKERS)
"""Types that a page may show at once: none of them can hold a script."""


def type_of(path: Path, said: str = "") -> str:
    """The type of a file; `said` is what its sender calls it."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    for place, mark, found in MARKS:
        if head[place : place + len(mark)] == mark:
            return found
    if head[4:8] == b"ftyp":
        return _film(head[8:12])
    if head[:4] == b"PK\x03\x04":
        return _zipped(path)
    said = bare(said)
    if head[:4] == b"\xd0\xcf\x11\xe0":
        return said if said in OLD_OFFICE else UNKNOWN
    return "text/plain" if _is_text(head) else UNKNOWN


def bare(mime_type: str) -> str:
    """`audio/ogg; codecs=opus` as `audio/ogg`."""
    return mime_type.partition(";")[0].strip().lower()


def fits(mime_type: str, size: int) -> list[str]:
    """The kinds of message that may hold such a file."""
    return [kind for kind in TAKES if problem(kind, mime_type, size) is None]


def problem(kind: str, mime_type: str, size: int) -> str | None:
    """Why WhatsApp does not take such a file in a message of this kind, in words."""
    types, most = TAKES[kind]
    if bare(mime_type) not in types:
        return f"WhatsApp takes no {bare(mime_type)} as {kind}, only {', '.join(types)}."
    if size > most:
        return f"It has {_shown(size)}; WhatsApp takes {_shown(most)} as {kind}."
    return "The file is empty." if not size else None


def _shown(size: int) -> str:
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE else f"{size / 1024:.0f} KB"


def _film(brand: bytes) -> str:
    if brand in AUDIO_BRANDS:
        return "audio/mp4"
    if brand == b"qt  ":
        return "video/quicktime"
    return "video/3gpp" if brand.startswith(b"3g") else "video/mp4"


def _zipped(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return UNKNOWN
    for folder, found in ZIPPED.items():
        if any(name.startswith(folder) for name in names):
            return found
    return "application/zip"


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A letter may be cut in two where we stopped reading.
        return len(head) == HEAD and error.start >= HEAD - 3
    return True
