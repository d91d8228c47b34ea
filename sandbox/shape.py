"""Is the body of a send well formed? The limits that need no memory. Pure.

Source: the Cloud API's message reference, field by field. `check_message` reads a body into a
`Send` or says with which refusal the real API answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.memory import Json
from sandbox.numbers import digits_of
from sandbox.refusals import Refusal

BODY_LIMIT = 4096
CAPTION_LIMIT = 1024
CALLBACK_LIMIT = 512
MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
CAPTIONED = ("image", "video", "document")

INTERACTIVE_BODY = 1024
HEADER_LIMIT = 60
FOOTER_LIMIT = 60
MAX_BUTTONS = 3
BUTTON_TITLE = 20
OPTION_ID = 256
LIST_BUTTON = 20
MAX_ROWS = 10
MAX_SECTIONS = 10
ROW_ID = 200
ROW_TITLE = 24
ROW_DESCRIPTION = 72
SECTION_TITLE = 24
LINK_TITLE = 20
LATITUDES = 90
LONGITUDES = 180


@dataclass(frozen=True, slots=True)
class Send:
    """A well-formed send; exactly one of `to` (digits) and `recipient` (user id) is set."""

    to: str | None
    recipient: str | None
    written_to: str
    type: str
    content: Json
    context_id: str | None
    callback_data: str | None


def invalid(details: str) -> Refusal:
    """Return the refusal of a value that is not allowed (131009)."""
    return Refusal(131009, details)


def missing(details: str) -> Refusal:
    """Return the refusal of a body that lacks something (131008)."""
    return Refusal(131008, details)


def too_long(path: str, limit: int) -> Refusal:
    """Return the refusal of a text over its limit (100)."""
    return Refusal(100, f"Param {path} must be at most {limit} characters long.")


def check_message(body: Json) -> Send | Refusal:
    """Read the body of `POST /PNID/messages`."""
    if body.get("messaging_product") != "whatsapp":
        return Refusal(100, "The parameter messaging_product is required and must be 'whatsapp'.")
    if body.get("recipient_type", "individual") != "individual":
        return Refusal(100, "Param recipient_type must be one of {INDIVIDUAL}.")
    address = _address(body)
    if isinstance(address, Refusal):
        return address
    content = _content(body)
    if isinstance(content, Refusal):
        return content
    if refusal := _extras(body):
        return refusal
    return Send(
        to=address[0],
        recipient=address[1],
        written_to=address[2],
        type=body.get("type", "text"),
        content=content,
        context_id=(body.get("context") or {}).get("message_id"),
        callback_data=body.get("biz_opaque_callback_data"),
    )


def _content(body: Json) -> Json | Refusal:
    kind = body.get("type", "text")
    check = CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        return Refusal(131051, f"Message type {kind!r} is not supported.")
    content = body.get(kind)
    if kind == "contacts" and isinstance(content, list):
        content = {"contacts": content}
    if not isinstance(content, dict):
        return missing(f"Message type is {kind} but the parameter '{kind}' is missing.")
    return check(kind, content) or content


def _extras(body: Json) -> Refusal | None:
    context, callback = body.get("context"), body.get("biz_opaque_callback_data")
    if context is not None and not (
        isinstance(context, dict) and isinstance(context.get("message_id"), str)
    ):
        return invalid("context needs a message_id.")
    if callback is not None and not isinstance(callback, str):
        return Refusal(100, "Param biz_opaque_callback_data must be a string.")
    if callback is not None and len(callback) > CALLBACK_LIMIT:
        return too_long("biz_opaque_callback_data", CALLBACK_LIMIT)
    return None


def _address(body: Json) -> tuple[str | None, str | None, str] | Refusal:
    to, recipient = body.get("to"), body.get("recipient")
    if to:
        written = str(to)
        digits = digits_of(written)
        if digits is None:
            return invalid(f"Param to is not a phone number: {to!r}.")
        return digits, None, written
    if recipient:
        if not isinstance(recipient, str) or "." not in recipient:
            return invalid(f"Param recipient is not a user id: {recipient!r}.")
        return None, recipient, recipient
    return Refusal(100, "The parameter to is required.")


def _text(_kind: str, content: Json) -> Refusal | None:
    body = content.get("body")
    if not isinstance(body, str) or not body.strip():
        return Refusal(100, "The parameter text['body'] is required.")
    if len(body) > BODY_LIMIT:
        return too_long("text['body']", BODY_LIMIT)
    return None


def check_media(kind: str, content: Json) -> Refusal | None:
    """Check an image, video, audio, document or sticker object; its id is looked up elsewhere."""
    media_id, link = content.get("id"), content.get("link")
    if (media_id is None) == (link is None):
        return Refusal(100, f"Param {kind} needs exactly one of id and link.")
    if media_id is not None and not isinstance(media_id, str):
        return Refusal(100, f"Param {kind}['id'] must be a string.")
    if link is not None and not is_web_address(link):
        return Refusal(100, f"Param {kind}['link'] is not a valid URI.")
    caption = content.get("caption")
    if caption is None:
        return None
    if kind not in CAPTIONED:
        return Refusal(100, f"Unexpected key 'caption' on param '{kind}'.")
    if not isinstance(caption, str):
        return Refusal(100, f"Param {kind}['caption'] must be a string.")
    if len(caption) > CAPTION_LIMIT:
        return too_long(f"{kind}['caption']", CAPTION_LIMIT)
    return None


def is_web_address(text: object) -> bool:
    """Say whether a value is a complete http or https address."""
    if not isinstance(text, str) or any(letter.isspace() for letter in text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _location(_kind: str, content: Json) -> Refusal | None:
    for name, limit in (("latitude", LATITUDES), ("longitude", LONGITUDES)):
        if name not in content:
            return missing(f"Parameter location['{name}'] is missing.")
        try:
            degrees = float(content[name])
        except (TypeError, ValueError):
            return invalid(f"Param location['{name}'] must be a number.")
        if not -limit <= degrees <= limit:
            return invalid(f"Param location['{name}'] must be between -{limit} and {limit}.")
    return None


def _reaction(_kind: str, content: Json) -> Refusal | None:
    if not isinstance(content.get("message_id"), str):
        return missing("Parameter reaction['message_id'] is missing.")
    if not isinstance(content.get("emoji"), str):
        return missing("Parameter reaction['emoji'] is missing.")
    return None


def _contacts(_kind: str, content: Json) -> Refusal | None:
    for card in content["contacts"] if isinstance(content.get("contacts"), list) else []:
        name = card.get("name") if isinstance(card, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            return missing("Each contact needs name['formatted_name'].")
    if not content.get("contacts"):
        return missing("Parameter contacts is missing.")
    return None


def _interactive(_kind: str, content: Json) -> Refusal | None:
    kind = content.get("type")
    check = INTERACTIVE.get(kind) if isinstance(kind, str) else None
    if check is None:
        return invalid(f"Interactive type {kind!r} is not valid; use button, list or cta_url.")
    action = content.get("action")
    if not isinstance(action, dict):
        return missing("Parameter interactive['action'] is missing.")
    body = content.get("body")
    return (
        _named_text(body if isinstance(body, dict) else {}, "text", "Body text", INTERACTIVE_BODY)
        or _header(content.get("header"), kind=str(kind))
        or _footer(content.get("footer"))
        or check(action)
    )


def _named_text(holder: Json, key: str, label: str, limit: int) -> Refusal | None:
    text = holder.get(key)
    if text is None:
        return missing(f"{label} is missing.")
    if not isinstance(text, str) or not text.strip() or len(text) > limit:
        return invalid(f"{label} length invalid. Min length: 1, Max length: {limit}")
    return None


def _header(header: object, *, kind: str) -> Refusal | None:
    if header is None:
        return None
    header_type = header.get("type") if isinstance(header, dict) else None
    if not isinstance(header, dict) or header_type not in {"text", "image", "video", "document"}:
        return invalid("Header type must be text, image, video or document.")
    if kind == "list" and header_type != "text":
        return invalid("A list message can only have a text header.")
    if header_type == "text":
        return _named_text(header, "text", "Header text", HEADER_LIMIT)
    media = header.get(header_type)
    if not isinstance(media, dict):
        return missing(f"Header {header_type} is missing.")
    return check_media(header_type, media)


def _footer(footer: object) -> Refusal | None:
    if footer is None:
        return None
    return _named_text(
        footer if isinstance(footer, dict) else {}, "text", "Footer text", FOOTER_LIMIT
    )


def _buttons(action: Json) -> Refusal | None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MAX_BUTTONS:
        return invalid(f"Invalid buttons count. Min allowed buttons: 1, Max: {MAX_BUTTONS}")
    replies: list[Json] = []
    for button in buttons:
        reply = button.get("reply") if isinstance(button, dict) else None
        if not isinstance(reply, dict) or button.get("type") != "reply":
            return invalid("Each button needs the type 'reply' and a reply object.")
        if refusal := _named_text(reply, "title", "Button title", BUTTON_TITLE) or _named_text(
            reply, "id", "Button id", OPTION_ID
        ):
            return refusal
        replies.append(reply)
    return _unique(replies, "id", "button id") or _unique(replies, "title", "button title")


def _list(action: Json) -> Refusal | None:
    if refusal := _named_text(action, "button", "List button", LIST_BUTTON):
        return refusal
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= MAX_SECTIONS:
        return invalid(f"Invalid sections count. Min allowed sections: 1, Max: {MAX_SECTIONS}")
    rows: list[Json] = []
    for section in sections:
        section_rows = section.get("rows") if isinstance(section, dict) else None
        if not isinstance(section_rows, list) or not section_rows:
            return missing("Each section needs rows.")
        if (len(sections) > 1 or "title" in section) and (
            refusal := _named_text(section, "title", "Section title", SECTION_TITLE)
        ):
            return refusal
        for row in section_rows:
            if refusal := _row(row):
                return refusal
            rows.append(row)
    if len(rows) > MAX_ROWS:
        return invalid(f"Total row count exceed max allowed count: {MAX_ROWS}")
    return _unique(rows, "id", "row id")


def _row(row: object) -> Refusal | None:
    if not isinstance(row, dict):
        return invalid("Each row needs an id and a title.")
    if refusal := _named_text(row, "title", "Row title", ROW_TITLE) or _named_text(
        row, "id", "Row id", ROW_ID
    ):
        return refusal
    if row.get("description") is None:
        return None
    return _named_text(row, "description", "Row description", ROW_DESCRIPTION)


def _link(action: Json) -> Refusal | None:
    parameters = action.get("parameters")
    if action.get("name") != "cta_url" or not isinstance(parameters, dict):
        return missing("A cta_url action needs the name 'cta_url' and parameters.")
    if refusal := _named_text(parameters, "display_text", "Link text", LINK_TITLE):
        return refusal
    if not is_web_address(parameters.get("url")):
        return invalid("Param url is not a valid URI.")
    return None


def _unique(items: list[Json], key: str, label: str) -> Refusal | None:
    values = [item[key] for item in items]
    if len(set(values)) == len(values):
        return None
    return invalid(f"Duplicate {label} is not allowed.")


def _template(_kind: str, content: Json) -> Refusal | None:
    if not isinstance(content.get("name"), str) or not content["name"]:
        return Refusal(100, "The parameter template['name'] is required.")
    language = content.get("language")
    if not isinstance(language, dict) or not isinstance(language.get("code"), str):
        return Refusal(100, "The parameter template['language']['code'] is required.")
    components = content.get("components", [])
    if not isinstance(components, list) or not all(isinstance(one, dict) for one in components):
        return Refusal(100, "Param template['components'] must be an array of objects.")
    return None


Check = Callable[[str, Json], Refusal | None]
CHECKS: dict[str, Check] = {
    "text": _text,
    "location": _location,
    "reaction": _reaction,
    "contacts": _contacts,
    "interactive": _interactive,
    "template": _template,
    **dict.fromkeys(MEDIA_TYPES, check_media),
}
INTERACTIVE: dict[str, Callable[[Json], Refusal | None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link,
}
