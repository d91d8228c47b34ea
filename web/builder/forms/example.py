"""What a step would do for an example contact: how its message looks, until when it waits. PURE.

Rule: the step itself says so; nothing here repeats what a kind does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from flows.calendar import local
from flows.contact import Contact
from flows.content import (
    Buttons,
    Choices,
    Content,
    LinkButton,
    Location,
    Media,
    Template,
    as_numbered_text,
    plain,
)
from flows.effects import Effect, Send
from flows.run import Run
from flows.step import Context, Fail, Leave, Step, Wait
from flows.trouble import FlowError
from store.templates import Template as Stored
from web.templates.view import preview

FILES = {
    "image": "Picture",
    "video": "Video",
    "document": "Document",
    "audio": "Audio",
    "sticker": "Sticker",
}


class Bubble(Struct, frozen=True):
    """A message as the chat shows it. `media` is a word for a file above the text, `numbered` what
    phones without buttons show instead.
    """

    body: str
    media: str = ""
    header: str = ""
    footer: str = ""
    options: tuple[str, ...] = ()
    list_button: str = ""
    links: bool = False
    numbered: str = ""


class Example(Struct, frozen=True):
    """`bubble` for what sends, `sentence` for what waits or cannot be shown."""

    bubble: Bubble | None = None
    sentence: str = ""


def example_of(
    step: Step,
    step_id: str,
    steps: Mapping[str, Step],
    somebody: Contact,
    data: Mapping[str, Any],
    now: datetime,
    templates: Sequence[Stored] = (),
    language: str = "en",
) -> Example:
    """What `step` does for `somebody` who arrives `now` with the variables `data`."""
    run = Run(id=1, step=step_id, variables=dict(data))
    try:
        outcome = step.enter(Context(run, step_id, 1, somebody, now, 1, steps, language))
    except FlowError as error:
        return Example(sentence=f"It cannot be shown: {error}.")
    except (ValueError, OverflowError):  # a draft may hold what publishing will refuse
        return Example()
    content = _sent(outcome)
    if content is not None:
        return Example(bubble=bubble_of(content, templates))
    if step.group == "messages" and isinstance(outcome, Leave):
        return Example(sentence=f"It cannot be shown: {outcome.why}.")
    if step.group != "waiting":
        return Example()
    return Example(sentence=_sentence(outcome, somebody, now))


def bubble_of(content: Content, templates: Sequence[Stored] = ()) -> Bubble:
    """A message's content as the chat shows it; a template's words come from `templates`."""
    match content:
        case Buttons(body=body, options=options, footer=footer, header=header, header_media=media):
            labels = tuple(one.label for one in options)
            instead = as_numbered_text(content).body
            return Bubble(body, _file(media), header, footer, labels, numbered=instead)
        case Choices(body=body, button=button, options=options, footer=footer, header=header):
            labels = tuple(one.label for one in options)
            instead = as_numbered_text(content).body
            return Bubble(body, "", header, footer, labels, button, numbered=instead)
        case LinkButton(body=body, label=label, footer=footer, header=header):
            return Bubble(body, "", header, footer, (label,), links=True)
        case Media(caption=caption, filename=filename):
            return Bubble(caption or filename, _file(content))
        case Template():
            return _template(content, templates)
        case Location():
            return Bubble(plain(content), "Map")
        case _:
            return Bubble(plain(content))


def _sent(outcome: object) -> Content | None:
    effects: Sequence[Effect] = outcome.effects if isinstance(outcome, Wait | Leave) else ()
    return next((one.content for one in effects if isinstance(one, Send)), None)


def _template(content: Template, templates: Sequence[Stored]) -> Bubble:
    named = [one for one in templates if one.name == content.name]
    stored = next((one for one in named if one.language == content.language), None)
    if stored is None:
        return Bubble(" · ".join(content.body), header=f"Template {content.name}")
    shown = preview(stored.components)
    body = stored.filled(content.body, content.named)
    header = shown.header.replace("{{1}}", content.header) if content.header else shown.header
    return Bubble(body, shown.media, header, shown.footer, shown.buttons)


def _file(media: Media | None) -> str:
    return "" if media is None else FILES[media.media]


def _sentence(outcome: object, somebody: Contact, now: datetime) -> str:
    arrives = f"For example: somebody who arrives {_shown(now, somebody.zone)}"
    match outcome:
        case Wait(for_=awaited, until=datetime() as until):
            rest = "goes on" if awaited == {"time"} else "goes on at the latest"
            return f"{arrives} {rest} {_shown(until, somebody.zone)}."
        case Leave(exit=exit_name, why=why):
            way = "" if exit_name == "after" else f" by “{exit_name.replace('_', ' ')}”"
            return f"{arrives} goes on at once{way}: {why}."
        case Fail(reason=reason):
            return f"{arrives} gets no further: {reason}."
        case _:
            return ""


def _shown(at: datetime, zone: str) -> str:
    here = local(at, zone)
    return f"{here:%a} {here.day} {here:%b %H:%M}"
