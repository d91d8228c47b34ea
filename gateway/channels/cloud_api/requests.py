"""Our content as the body of `POST /PHONE_NUMBER_ID/messages`. Pure.

Rule: labels that may come from a customer's own data are cut to WhatsApp's limits; words that
carry the message are never cut, WhatsApp refuses them with a reason instead.
Source: the Cloud API's message reference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from flows.content import (
    Amount,
    Buttons,
    Card,
    Choices,
    Content,
    Day,
    LinkButton,
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
NO_HEADING = "…"  # of several sections each must have a title
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


def read_body(channel_id: str, *, typing: bool) -> dict[str, Any]:
    """The JSON body that puts the blue ticks on a customer's message, and on all before it.
    `typing`: also shows, for a while or until we answer, that somebody is writing.
    """
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": channel_id,
    }
    return body | {"typing_indicator": {"type": "text"}} if typing else body


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
            sections = _sections(content.options)
            action = {"button": content.button[:LIST_BUTTON], "sections": sections}
            return "interactive", _interactive("list", content, action)
        case LinkButton():
            link = {"display_text": content.label[:BUTTON_TITLE], "url": content.url}
            action = {"name": "cta_url", "parameters": link}
            return "interactive", _interactive("cta_url", content, action)
        case Template():
            return "template", _template(content)
        case Location():
            return "location", _place(content)
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


def _place(place: Location) -> dict[str, Any]:
    words = {"name": place.name, "address": place.address}
    point = {"latitude": place.latitude, "longitude": place.longitude}
    return point | {key: value for key, value in words.items() if value}


def _interactive(
    kind: str, content: Buttons | Choices | LinkButton, action: dict[str, Any]
) -> dict[str, Any]:
    value: dict[str, Any] = {"type": kind, "body": {"text": content.body}, "action": action}
    header = None if isinstance(content, Choices) else content.header_media
    if header is not None:
        value["header"] = {"type": header.media, header.media: _media(header)}
    elif content.header:
        value["header"] = {"type": "text", "text": content.header}
    if content.footer:
        value["footer"] = {"text": content.footer}
    return value


def _button(option: Option) -> dict[str, Any]:
    return {
        "type": "reply",
        "reply": {"id": option.payload, "title": option.label[:BUTTON_TITLE]},
    }


def _sections(options: Sequence[Option]) -> list[dict[str, Any]]:
    """Rows under their headings; options without one, or one alone, need none."""
    sections: list[dict[str, Any]] = []
    last: str | None = None
    for option in options:
        if option.section != last:
            last = option.section
            title = {"title": last[:ROW_TITLE]} if last else {}
            sections.append(title | {"rows": []})
        sections[-1]["rows"].append(_row(option))
    if len(sections) > 1:
        for section in sections:
            section.setdefault("title", NO_HEADING)
    return sections


def _row(option: Option) -> dict[str, Any]:
    row = {"id": option.payload, "title": option.label[:ROW_TITLE]}
    if option.description:
        row["description"] = option.description[:ROW_DESCRIPTION]
    return row


def _template(template: Template) -> dict[str, Any]:
    value: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    components = [*_header(template), *_body(template)]
    if template.cards:
        components.append(
            {"type": "carousel", "cards": [_card(*one) for one in enumerate(template.cards)]}
        )
    components += map(_template_button, template.buttons)
    if components:
        value["components"] = components
    return value


def _card(index: int, card: Card) -> dict[str, Any]:
    components = [_media_header(card.media)]
    if card.body:
        components.append({"type": "body", "parameters": [_text(value) for value in card.body]})
    components += map(_template_button, card.buttons)
    return {"card_index": index, "components": components}


def _header(template: Template) -> list[dict[str, Any]]:
    if template.header_media is not None:
        return [_media_header(template.header_media)]
    if template.header_location is not None:
        place = {"type": "location", "location": _place(template.header_location)}
        return [{"type": "header", "parameters": [place]}]
    if template.header:
        return [{"type": "header", "parameters": [_text(template.header)]}]
    return []


def _media_header(media: Media) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": media.media, media.media: _media(media)}]}


def _body(template: Template) -> list[dict[str, Any]]:
    typed = template.typed
    parameters = [
        _value(value, typed.get(str(place))) for place, value in enumerate(template.body, 1)
    ]
    parameters += [
        {"parameter_name": name} | _value(value, typed.get(name))
        for name, value in template.named.items()
    ]
    return [{"type": "body", "parameters": parameters}] if parameters else []


def _value(shown: str, typed: Amount | Day | None) -> dict[str, Any]:
    """A value as text, or as an amount or a date with the text as what is shown otherwise."""
    if typed is None:
        return _text(shown)
    value: dict[str, Any] = {"fallback_value": _clean(shown)} | structs.asdict(typed)
    if isinstance(typed, Day):
        value = {key: part for key, part in value.items() if part is not None}
        value["calendar"] = "GREGORIAN"
    kind = str(typed.__struct_config__.tag)
    return {"type": kind, kind: value}


def _text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": _clean(value)}


def _clean(value: str) -> str:
    """A parameter without what Meta refuses inside one: line breaks, tabs, five spaces."""
    return _NOT_IN_PARAMETERS.sub(" ", value)


def _template_button(button: TemplateButton) -> dict[str, Any]:
    return {
        "type": "button",
        "sub_type": button.kind,
        "index": str(button.index),
        "parameters": [_button_parameter(button)],
    }


def _button_parameter(button: TemplateButton) -> dict[str, Any]:
    match button.kind:
        case "quick_reply":
            return {"type": "payload", "payload": button.value}
        case "url":
            return {"type": "text", "text": button.value}
        case "copy_code":
            return {"type": "coupon_code", "coupon_code": button.value}
        case "flow":
            action: dict[str, Any] = {"flow_token": button.value}
            if button.data:
                action["flow_action_data"] = button.data
        case "catalog" | "mpm":
            action = {"thumbnail_product_retailer_id": button.value} | button.data
    return {"type": "action", "action": action}
