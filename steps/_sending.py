"""What the kinds that send have in common: their exits, their media, the gateway's verdict.

Not a kind itself (hence the underscore). A send step waits until the gateway says what became of
its message, so that whatever follows starts when the message has really left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from flows.content import Content, Media
from flows.duration import Duration, parse_duration
from flows.effects import Send
from flows.events import Event, Verdict
from flows.step import Context, Exit, Fail, Leave, Outcome, Wait

Liquid = Annotated[str, Meta(max_length=4096, extra_json_schema={"x-input": "text"})]
Link = Annotated[str, Meta(max_length=2000, extra_json_schema={"x-input": "url"})]
Expiry = Annotated[
    Duration | None,
    Meta(
        title="Drop if later than",
        description="Drop the message if it could only leave later than this",
        extra_json_schema={"x-more": True},
    ),
]
OPTION_ID = r"^[A-Za-z0-9_-]{1,64}$"
EXITS = (
    Exit("sent", "Sent", required=True),
    Exit("failed", "Failed"),
    Exit("suppressed", "Not sent"),
    Exit("expired", "Expired"),
)
_BREAKS = re.compile("[ \t\r\n\v\f\x85\u2028\u2029]+")


class MediaSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file shown with the message, by its public link or out of those that are kept here."""

    media: Annotated[
        Literal["image", "video", "audio", "document", "sticker"],
        Meta(
            description="What kind of file",
            extra_json_schema={
                "x-words": {
                    "image": "Picture",
                    "video": "Video",
                    "document": "Document",
                    "audio": "Audio",
                    "sticker": "Sticker",
                }
            },
        ),
    ] = "image"
    link: Annotated[
        Link,
        Meta(
            title="Address",
            description="Its public https address; may hold variables",
            extra_json_schema={"x-when": {"sha256": "none"}},
        ),
    ] = ""
    sha256: Annotated[
        str,
        Meta(
            pattern=r"^([0-9a-f]{64})?$",
            title="Uploaded file",
            description="Instead of an address: the hash of a file that was uploaded to Tiptoe",
            extra_json_schema={"x-input": "file", "x-hint": "Kept here, and sent from here."},
        ),
    ] = ""
    filename: Annotated[
        Liquid,
        Meta(
            title="File name",
            description="What a document is called; may hold variables",
            extra_json_schema={"x-when": {"media": ["document"]}},
        ),
    ] = ""


class Unsendable(Struct, frozen=True):
    """Why a message cannot be made for this contact."""

    why: str


def send(
    ctx: Context, content: Content, expires_after: str | None, *, track_links: bool = False
) -> Outcome:
    """Ask for `content` to be sent and wait for what becomes of it."""
    expires_at = ctx.now + parse_duration(expires_after) if expires_after else None
    effect = Send(ctx.step, ctx.seq, content, expires_at, track_links)
    return Wait(frozenset({"verdict"}), why="handed over for sending", effects=(effect,))


def leave_by(event: Event) -> Outcome:
    """The exit named like the gateway's verdict."""
    if isinstance(event, Verdict):
        return Leave(event.state, event.reason)
    return Fail(f"a message waits for its verdict, not for {type(event).__name__}")


def render_media(ctx: Context, setting: MediaSetting, caption: str = "") -> Media | Unsendable:
    """The file of a message, or why there is none."""
    filename = one_line(ctx.render(setting.filename))
    if setting.sha256:
        return Media(setting.media, caption=caption, filename=filename, sha256=setting.sha256)
    link = one_line(ctx.render(setting.link))
    if not link.startswith(("https://", "http://")):
        return Unsendable(f"the address of the {setting.media} came out as “{link}”")
    return Media(setting.media, link=link, caption=caption, filename=filename)


def media_texts(media: MediaSetting, where: str) -> Iterator[tuple[str, str]]:
    """What of a file's settings may hold variables, by its path."""
    if not media.sha256:
        yield f"{where}/link", media.link
    if media.filename:
        yield f"{where}/filename", media.filename


def media_problems(media: MediaSetting, where: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a file's settings; `where` points to them."""
    if not media.link.strip() and not media.sha256:
        yield f"{where}/link", "Give the file's address."
    if media.link.strip() and media.sha256:
        yield f"{where}/sha256", "A file has either an address or a hash, not both."


def one_line(text: str) -> str:
    """`text` with breaks, tabs and runs of spaces as one space: WhatsApp refuses parameters
    that hold a newline, a tab or five spaces.
    """
    return _BREAKS.sub(" ", text).strip()


def expiry_problem(expires_after: str | None) -> str | None:
    """What is wrong with a time limit for leaving."""
    if expires_after and not parse_duration(expires_after):
        return "No time at all would drop every message."
    return None
