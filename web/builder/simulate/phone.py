"""A try-out's messages as the contact's phone shows them: bubbles with what can be tapped.

Rule: pure words about contents; what WhatsApp would send back for a tap rides in the button.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.rehearsal import Bubble
from flows.content import (
    Buttons,
    Choices,
    Content,
    LinkButton,
    Location,
    Media,
    Option,
    Template,
    as_numbered_text,
    as_written_link,
    plain,
)
from store.templates import Template as Known
from web.builder.simulate.world import World
from web.templates.view import preview

FATES = {
    "failed": "Failed",
    "suppressed": "Not sent",
    "expired": "Expired: too late to be sent",
    "recalled": "Taken back before it was sent",
}
COMING = {  # what becomes of a queued one, and when
    "sent": "leaves {at}",
    "failed": "fails {at}",
    "suppressed": "is not sent, {at}",
    "expired": "expires {at}",
}
MOST = 200  # messages that are shown; older ones are scrolled to by nobody
REASONS = {  # the gateway's one word for flows, in a few for people
    "window_closed": "the service window is closed",
    "opted_out": "the contact does not want messages",
    "handed_over": "a person has the chat",
}


class Tappable(Struct, frozen=True):
    """One thing to tap; `value` is what the form sends."""

    label: str
    value: str
    description: str = ""


class Shown(Struct, frozen=True):
    """A message on the phone. `day`: a heading before it, when it is the first of its day. `act`:
    how much of the try-out to keep so as to answer differently; None for our own messages.
    """

    out: bool
    text: str
    at: datetime
    day: str = ""
    clock: str = ""
    note: str = ""
    header: str = ""
    footer: str = ""
    taps: tuple[Tappable, ...] = ()
    list_button: str = ""
    links: tuple[str, ...] = ()
    fate: str = ""
    bad: bool = False
    why: tuple[str, ...] = ()
    act: int | None = None
    step: str = ""


def shown(talk: list[Bubble], world: World, zone: ZoneInfo, *, plain_phone: bool) -> list[Shown]:
    """The chat in its order. `plain_phone`: one that cannot show buttons."""
    found: list[Shown] = []
    last = ""
    for one in talk[-MOST:]:
        local = one.at.astimezone(zone)
        day = f"{local:%a} {local.day} {local:%b}"
        parts = _parts(one.content, world, plain_phone=plain_phone)
        found.append(
            Shown(
                out=one.out,
                at=one.at,
                day=day if day != last else "",
                clock=f"{local:%H:%M}",
                fate=_fate(one, f"{day} {local:%H:%M}"),
                bad=one.fate in ("failed", "suppressed", "expired"),
                why=one.why,
                act=None if one.out else max(0, one.act),
                step=one.step,
                **parts,
            )
        )
        last = day
    return found


def _fate(one: Bubble, at: str) -> str:
    if one.fate == "queued":
        return COMING[one.coming].format(at=at)
    said = FATES.get(one.fate, "")
    reason = REASONS.get(one.reason, one.reason)
    return f"{said}: {reason}" if reason and one.fate in ("failed", "suppressed") else said


def _parts(content: Content, world: World, *, plain_phone: bool) -> dict[str, Any]:
    """What stands in the bubble."""
    match content:
        case Buttons() | Choices() if plain_phone:
            return {"text": as_numbered_text(content).body}
        case LinkButton() if plain_phone:
            return {"text": as_written_link(content).body}
        case Buttons(body=body, options=options, header=header, footer=footer):
            taps = tuple(_tap(one, "button") for one in options)
            over = {"note": _file(content.header_media)} if content.header_media else {}
            return {"text": body, "taps": taps, "header": header, "footer": footer, **over}
        case Choices(body=body, options=options, header=header, footer=footer, button=button):
            taps = tuple(_tap(one, "list") for one in options)
            listed = {"taps": taps, "list_button": button}
            return {"text": body, "header": header, "footer": footer, **listed}
        case LinkButton(body=body, label=label, header=header, footer=footer):
            return {"text": body, "links": (label,), "header": header, "footer": footer}
        case Media(caption=caption):
            return {"text": caption, "note": _file(content)}
        case Location():
            return {"text": plain(content), "note": "Location"}
        case Template():
            return _template(content, world.template(content))
        case _:
            return {"text": plain(content)}


def _file(media: Media) -> str:
    name = media.filename if media.media == "document" else ""
    return f"{media.media.capitalize()}{f': {name}' if name else ''}"


def _template(content: Template, known: Known | None) -> dict[str, Any]:
    if known is None:
        note = f"Template {content.name}, which this company does not have"
        return {"text": " · ".join(content.body), "note": note}
    drawn = preview(known.components)
    payloads = {one.index: one.value for one in content.buttons if one.kind == "quick_reply"}
    taps, links = [], []
    for number, (label, quick) in enumerate(_buttons(known)):
        if quick:
            taps.append(Tappable(label, _sent(payloads.get(number, label), label, "template")))
        else:
            links.append(label)
    over = content.header_media
    note = _file(over) if over is not None else drawn.media
    return {
        "text": known.filled(content.body, content.named),
        "header": content.header or drawn.header,
        "footer": drawn.footer,
        "note": note,
        "taps": tuple(taps),
        "links": tuple(links),
    }


def _buttons(known: Known) -> Iterator[tuple[str, bool]]:
    """`(label, whether it is a quick reply)` of a template's buttons."""
    for component in known.components:
        buttons = component.get("buttons")
        if str(component.get("type", "")).upper() != "BUTTONS" or not isinstance(buttons, list):
            continue
        for one in buttons:
            if isinstance(one, Mapping):
                quick = str(one.get("type", "")).upper() == "QUICK_REPLY"
                yield str(one.get("text") or one.get("type") or ""), quick


def _tap(option: Option, of: str) -> Tappable:
    sent = _sent(option.payload, option.label, of)
    return Tappable(option.label, sent, option.description)


def _sent(payload: str, label: str, of: str) -> str:
    return json.dumps([payload, label, of], ensure_ascii=False)
