"""Our content as the body of `POST /PHONE_NUMBER_ID/messages`. Pure.

Rule: labels that may come from a customer's own data are cut to WhatsApp's limits; words that
carry the message are never cut, WhatsApp refuses them with a reason instead.
Source: the Cloud API's message reference.
"""

from __future__ import annotations

import re
from typing import Any

from flows.content import (
    Buttons,
    Choices,
    Content,
    Location,
    Media,
    Option,
    Reaction,
    Template,
    TemplateButton,
    Text,
)
from gateway.channel import Address

BUTTON_TITLE = 20
LIST_BUTTON = 20
ROW_TITLE = 24
ROW_DESCRIPTION = 72
CAPTIONED = ("image", "video", "document")
_NOT_IN_PARAMETERS = re.compile(r"[\r\n\t]+| {5,}")


def request_body(
    content: Content, to: Address, reference: str, *, quoted: str = ""
) -> dict[str, Any] | None:
    """The JSON body of a send; None for content that only customers can send."""
    typed = _typed(content)
    if typed is None:
        return None
    kind, value = typed
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient" if to.kind == "user_id" else "to": to.value,
        "type": kind,
        kind: value,
    }
    if reference:
        body["biz_opaque_callback_data"] = reference
    if quoted:
        body["context"] = {"message_id": quoted}
    return body


def _typed(content: Content) -> tuple[str, dict[str, Any]] | None:
    match content:
        case Text():
            return "text", {"body": content.body, "preview_url": content.preview_url}
        case Media():
            return content.media, _media(content)
        case Buttons():
            action: dict[str, Any] = {"buttons": [_button(option) for option in content.options]}
            return "interactive", _interactive("button", content, action)
        case Choices():
            rows = [_row(option) for option in content.options]
            action = {"button": content.button[:LIST_BUTTON], "sections": [{"rows": rows}]}
            return "interactive", _interactive("list", content, action)
        case Template():
            return "template", _template(content)
        case Location():
            words = {"name": content.name, "address": content.address}
            place = {"latitude": content.latitude, "longitude": content.longitude}
            return "location", place | {key: value for key, value in words.items() if value}
        case Reaction():
            return "reaction", {"message_id": content.to, "emoji": content.emoji}
        case _:
            return None


def _media(media: Media) -> dict[str, Any]:
    value = {"id": media.remote_id} if media.remote_id else {"link": media.link}
    if media.caption and media.media in CAPTIONED:
        value["caption"] = media.caption
    if media.filename and media.media == "document":
        value["filename"] = media.filename
    return value


def _interactive(kind: str, content: Buttons | Choices, action: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {"type": kind, "body": {"text": content.body}, "action": action}
    if content.footer:
        value["footer"] = {"text": content.footer}
    return value


def _button(option: Option) -> dict[str, Any]:
    return {
        "type": "reply",
        "reply": {"id": option.payload, "title": option.label[:BUTTON_TITLE]},
    }


def _row(option: Option) -> dict[str, Any]:
    row = {"id": option.payload, "title": option.label[:ROW_TITLE]}
    if option.description:
        row["description"] = option.description[:ROW_DESCRIPTION]
    return row


def _template(template: Template) -> dict[str, Any]:
    value: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    components = [*_header(template), *_body(template), *map(_template_button, template.buttons)]
    if components:
        value["components"] = components
    return value


def _header(template: Template) -> list[dict[str, Any]]:
    media = template.header_media
    if media is not None:
        return [
            {"type": "header", "parameters": [{"type": media.media, media.media: _media(media)}]}
        ]
    if template.header:
        return [{"type": "header", "parameters": [_text(template.header)]}]
    return []


def _body(template: Template) -> list[dict[str, Any]]:
    parameters = [_text(value) for value in template.body]
    parameters += [
        {"type": "text", "parameter_name": name, "text": _clean(value)}
        for name, value in template.named.items()
    ]
    return [{"type": "body", "parameters": parameters}] if parameters else []


def _text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": _clean(value)}


def _clean(value: str) -> str:
    """A parameter without what Meta refuses inside one: line breaks, tabs, five spaces."""
    return _NOT_IN_PARAMETERS.sub(" ", value)


def _template_button(button: TemplateButton) -> dict[str, Any]:
    parameters: dict[str, dict[str, str]] = {
        "quick_reply": {"type": "payload", "payload": button.value},
        "url": {"type": "text", "text": button.value},
        "copy_code": {"type": "coupon_code", "coupon_code": button.value},
    }
    return {
        "type": "button",
        "sub_type": button.kind,
        "index": str(button.index),
        "parameters": [parameters[button.kind]],
    }
