"""What a message looks like on the customer's phone, as data. Pure.

The form, all parts optional: `header {kind, text | media | location}`, `text`, `footer`,
`buttons [{kind: reply|url|phone|copy|other, title, id|url|phone|code}]`,
`list {button, sections[{title, rows[{id, title, description}]}]}`, `cards [the same]`,
`media {kind, id|link, caption, filename}`, `location`, `contacts`.
"""

from dataclasses import dataclass

from sandbox.memory import Json
from sandbox.shape import MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class Option:
    """Something that the customer can tap to answer; `place` from 0, `kind` is reply or row."""

    place: int
    id: str
    title: str
    description: str
    kind: str


def show(kind: str, content: Json) -> Json:
    """Return what the customer sees of a message that is no template."""
    if kind == "text":
        return {"text": content["body"]}
    if kind in MEDIA_TYPES:
        return {"text": content.get("caption", ""), "media": {"kind": kind, **content}}
    if kind == "location":
        return {"text": content.get("name") or content.get("address") or "", "location": content}
    if kind == "contacts":
        names = [card["name"]["formatted_name"] for card in content["contacts"]]
        return {"text": ", ".join(names), "contacts": names}
    if kind == "interactive":
        return _interactive(content)
    return {"text": content.get("emoji", "")}


def _interactive(content: Json) -> Json:
    shown: Json = {"text": content["body"]["text"]}
    if header := content.get("header"):
        kind = header["type"]
        shown["header"] = (
            {"kind": "text", "text": header["text"]}
            if kind == "text"
            else {"kind": kind, "media": header[kind]}
        )
    if footer := content.get("footer"):
        shown["footer"] = footer["text"]
    action = content["action"]
    if content["type"] == "button":
        shown["buttons"] = [{"kind": "reply", **one["reply"]} for one in action["buttons"]]
    elif content["type"] == "list":
        shown["list"] = {"button": action["button"], "sections": action["sections"]}
    else:
        link = action["parameters"]
        shown["buttons"] = [{"kind": "url", "title": link["display_text"], "url": link["url"]}]
    return shown


def options_of(shown: Json) -> list[Option]:
    """Return what can be tapped, in the order in which it is seen."""
    replies = [
        ("reply", one)
        for part in (shown, *shown.get("cards", []))
        for one in part.get("buttons", [])
        if one["kind"] == "reply"
    ]
    rows = [
        ("row", row)
        for section in shown.get("list", {}).get("sections", [])
        for row in section["rows"]
    ]
    return [
        Option(place, one["id"], one["title"], one.get("description") or "", kind)
        for place, (kind, one) in enumerate(replies + rows)
    ]


def find_option(shown: Json, wanted: int | str) -> Option | None:
    """Find an option by its place (from 0), its id or its title."""
    options = options_of(shown)
    if isinstance(wanted, int):
        return options[wanted] if 0 <= wanted < len(options) else None
    return next(
        (one for one in options if one.id == wanted),
        next((one for one in options if one.title.casefold() == wanted.casefold()), None),
    )


def buttons_and_rows(shown: Json) -> list[Json]:
    """Return all buttons and list rows as one flat list, for the control API."""
    buttons = [
        dict(one) for part in (shown, *shown.get("cards", [])) for one in part.get("buttons", [])
    ]
    rows = [
        {"kind": "row", **row}
        for section in shown.get("list", {}).get("sections", [])
        for row in section["rows"]
    ]
    return buttons + rows
