"""Understanding replies: what was answered, does it fit, was it a person at all. PURE.

Rule: nothing is guessed, and every match says why, in words. Options are in `flows/options.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any, Literal

from msgspec import Struct

from flows.contact import FieldKind
from flows.content import Content, Location, Media, Tap, Text, parse_payload, plain
from flows.dates import Reader, read_date, read_moment
from flows.patterns import find
from flows.readings import read_email, read_number, read_phone, read_yes_no
from flows.reply_words import AUTOMATIC
from flows.words import Way, normal, says

Sort = Literal["text", "number", "date", "moment", "yes_no", "email", "phone", "media"]
MediaSort = Literal["image", "video", "audio", "document", "sticker", "location"]
AUTOMATIC_WITHIN = timedelta(seconds=3)  # nobody reads and types that fast
_CLOCKS_APART = timedelta(seconds=2)  # WhatsApp's times are whole seconds, of another clock
_SHOWN = 60  # characters of a reply repeated in a reason
_SAID: dict[Way, str] = {
    "exact": "is",
    "contains": "contains",
    "starts_with": "starts with",
    "regex": "matches",
}


class Said(Struct, frozen=True):
    """What the customer sent: its words and what they came in. `tapped` is our payload."""

    text: str
    content: Content

    @property
    def tapped(self) -> tuple[int, str, str] | None:
        """`(run id, step id, option id)` when it is an option of ours."""
        return parse_payload(self.content.payload) if isinstance(self.content, Tap) else None

    @property
    def wordless(self) -> bool:
        """Whether it is a file or place without words of the customer's own."""
        if isinstance(self.content, Text | Tap):
            return not self.text.strip()
        return self.text == plain(self.content) and not getattr(self.content, "caption", "")


class Understood(Struct, frozen=True):
    """What a reply says: the `value` later steps find, its `words` for people, and `why`."""

    value: Any
    words: str
    why: str


def words(said: Said, way: Way, wanted: Sequence[str]) -> Understood | None:
    """The first of `wanted` that the reply says in this `way`. A regular expression with a group
    gives what the group caught.
    """
    for word in wanted:
        if not says(way, said.text, word):
            continue
        caught = find(word, said.text) if way == "regex" else None
        why = f"the reply {_SAID[way]} “{short(word)}”"
        return Understood(said.text if caught is None else caught, said.text, why)
    return None


def number(
    said: Said, reader: Reader, at_least: float | None = None, at_most: float | None = None
) -> Understood | None:
    """The number in the reply, if it lies between the bounds (included)."""
    found = None if said.wordless else read_number(said.text, reader)
    if found is None or (at_least is not None and found < at_least):
        return None
    if at_most is not None and found > at_most:
        return None
    return Understood(found, f"{found}", f"they gave the number {found}")


def media(said: Said, sorts: Collection[MediaSort] = ()) -> Understood | None:
    """The file or place they sent, if it is one of `sorts` (none named: any). A sticker is only a
    file where it is named.
    """
    content = said.content
    if isinstance(content, Media):
        if content.media not in sorts and (sorts or content.media == "sticker"):
            return None
        kept = {
            "media": content.media,
            "link": content.link,
            "id": content.remote_id,
            "caption": content.caption,
            "filename": content.filename,
            "mime_type": content.mime_type,
        }
        return Understood(kept, plain(content), f"they sent a file ({content.media})")
    if isinstance(content, Location) and "location" in sorts:
        place = {
            "latitude": content.latitude,
            "longitude": content.longitude,
            "name": content.name,
            "address": content.address,
        }
        where = plain(content) if content.name or content.address else ""
        words_ = where or f"{content.latitude}, {content.longitude}"
        return Understood(place, words_, "they sent a place")
    return None


def answer(said: Said, sort: Sort, reader: Reader) -> Understood | None:
    """The reply as an answer to an open question that wants something of this `sort`."""
    if sort == "number":
        return number(said, reader)
    if sort == "media":
        return media(said)
    if said.wordless or said.tapped is not None:
        return None
    return _READ[sort](said.text, reader)


def fit(understood: Understood, kind: FieldKind, said: Said, reader: Reader) -> Any | None:
    """What a field of this kind keeps of the reply; None when it does not fit into one."""
    value = understood.value
    if kind in ("text", "choice"):
        return understood.words
    if kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if kind == "yes_no" and isinstance(value, bool):
        return value
    for text in (understood.words, said.text, value if isinstance(value, str) else ""):
        found = answer(Said(text, Text(text)), _SORTS[kind], reader) if text else None
        if found is not None:
            return found.value
    return None


def automatic(said: Said, after: timedelta) -> str:
    """Why this looks like an answer nobody wrote, `after` our message; empty: it does not."""
    if not isinstance(said.content, Text) or not -_CLOCKS_APART <= after <= AUTOMATIC_WITHIN:
        return ""
    text = f" {normal(said.text)} "
    found = next((phrase for phrase in AUTOMATIC if f" {phrase} " in text), None)
    if found is None:
        return ""
    seconds = max(0, round(after.total_seconds()))
    return f"it says “{found}” and came {seconds} s after our message"


def _text(text: str, _: Reader) -> Understood | None:
    return Understood(text, text, "they answered")


def _date(text: str, reader: Reader) -> Understood | None:
    day = read_date(text, reader)
    return None if day is None else _same(day.isoformat(), f"they gave the day {day}")


def _moment(text: str, reader: Reader) -> Understood | None:
    at = read_moment(text, reader)
    return None if at is None else _same(at.isoformat(), f"they gave the time {at.isoformat()}")


def _yes_no(text: str, _: Reader) -> Understood | None:
    agreed = read_yes_no(text)
    if agreed is None:
        return None
    return Understood(agreed, text, f"they said {'yes' if agreed else 'no'}")


def _email(text: str, _: Reader) -> Understood | None:
    address = read_email(text)
    return None if address is None else _same(address, "they gave an e-mail address")


def _phone(text: str, reader: Reader) -> Understood | None:
    dialled = read_phone(text, reader)
    return None if dialled is None else _same(dialled, "they gave a telephone number")


def _same(value: str, why: str) -> Understood:
    return Understood(value, value, why)


_READ: dict[Sort, Callable[[str, Reader], Understood | None]] = {
    "text": _text,
    "date": _date,
    "moment": _moment,
    "yes_no": _yes_no,
    "email": _email,
    "phone": _phone,
}
_SORTS: dict[FieldKind, Sort] = {
    "text": "text",
    "choice": "text",
    "number": "number",
    "yes_no": "yes_no",
    "date": "date",
    "moment": "moment",
}


def short(text: str) -> str:
    """A reply as a reason repeats it: one line of at most 60 characters."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
