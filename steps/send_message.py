"""The kind `send_message`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from flows.content import (
    BODY_LIMIT,
    BODY_LIMIT_WITH_OPTIONS,
    BUTTONS_LIMIT,
    CAPTION_LIMIT,
    LIST_LIMIT,
    Buttons,
    Choices,
    Content,
    Option,
    Text,
    payload,
)
from flows.events import Event
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from flows.text import has_liquid
from steps._sending import (
    EXITS,
    OPTION_ID,
    Expiry,
    MediaSetting,
    Unsendable,
    expiry_problem,
    leave_by,
    one_line,
    render_media,
    send,
)

_BUTTON_LABEL = 20  # WhatsApp's limits: reference of interactive messages
_ROW_LABEL = 24
_DESCRIPTION = 72
_FOOTER = 60


class OptionSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing the customer can tap."""

    id: Annotated[
        str, Meta(pattern=OPTION_ID, description="Its stable name; “stop” ends all messages")
    ]
    label: Annotated[
        str,
        Meta(max_length=_ROW_LABEL, description="What people see: 20 characters, in a list 24"),
    ] = ""
    description: Annotated[
        str, Meta(max_length=_DESCRIPTION, description="A second line, shown in a list")
    ] = ""


class SendMessage(Step, frozen=True, kw_only=True, tag="send_message"):
    """Sends a free message: text, a file, up to three buttons or a list of up to ten options.
    WhatsApp allows it for 24 hours after the customer's last message.
    """

    label: ClassVar[str] = "Send message"
    group: ClassVar[Group] = "messages"
    icon: ClassVar[str] = "message-circle"

    text: Annotated[
        str,
        Meta(
            max_length=BODY_LIMIT,
            description="The message; with options or a file at most 1,024 characters",
            extra_json_schema={"x-input": "message"},
        ),
    ] = ""
    media: Annotated[
        MediaSetting | None, Meta(description="A file; the text becomes its caption")
    ] = None
    options: Annotated[
        list[OptionSetting],
        Meta(
            max_length=LIST_LIMIT,
            description="Up to three are buttons, more are a list",
            extra_json_schema={"x-input": "options"},
        ),
    ] = []
    list_button: Annotated[
        str, Meta(max_length=_BUTTON_LABEL, description="The button that opens the list")
    ] = "Choose"
    footer: Annotated[
        str, Meta(max_length=_FOOTER, description="A small last line under the options")
    ] = ""
    expires_after: Expiry = None

    def exits(self) -> tuple[Exit, ...]:
        return EXITS

    def enter(self, ctx: Context) -> Outcome:
        made = self._content(ctx)
        if isinstance(made, Unsendable):
            return Leave("failed", made.why)
        return send(ctx, made, self.expires_after)

    def resume(self, ctx: Context, event: Event) -> Outcome:
        return leave_by(event)

    def summary(self) -> str:
        if not self.text and self.media is not None:
            return self.media.media.capitalize()
        said = one_line(self.text) or "No text yet"
        return " · ".join([said, *(option.label for option in self.options)])

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/text", self.text
        if self.media is not None:
            yield "/media/link", self.media.link

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.text.strip() and (self.media is None or self.options):
            yield "/text", "Write a text."
        limit = self._limit()
        if len(self.text) > limit and not has_liquid(self.text):
            yield (
                "/text",
                f"This is too long: {len(self.text):,} characters, at most {limit:,} fit.",
            )
        if self.media is not None:
            yield from self._media_problems(self.media)
        yield from self._option_problems()
        if self.footer and not self.options:
            yield "/footer", "Only a message with options has a footer."
        for field, text in (("/footer", self.footer), ("/list_button", self.list_button)):
            if has_liquid(text):
                yield field, "This cannot hold variables."
        wrong = expiry_problem(self.expires_after)
        if wrong:
            yield "/expires_after", wrong

    def free_form(self) -> bool:
        return True

    def _media_problems(self, media: MediaSetting) -> Iterator[tuple[str, str]]:
        if not media.link.strip():
            yield "/media/link", "Give the file's address."
        if self.options:
            yield "/media", "A message has either a file or options; send two messages."
        if media.media == "audio" and self.text:
            yield "/text", "WhatsApp shows no text with an audio file; send two messages."

    def _option_problems(self) -> Iterator[tuple[str, str]]:
        ids: set[str] = set()
        labels: set[str] = set()
        limit = _ROW_LABEL if self._is_list() else _BUTTON_LABEL
        if self._is_list() and not self.list_button.strip():
            yield "/list_button", "The button that opens the list needs a word."
        for number, option in enumerate(self.options):
            where = f"/options/{number}"
            label = option.label.strip()
            if option.id in ids:
                yield f"{where}/id", f"Two options have the id “{option.id}”."
            if not label:
                yield f"{where}/label", "This option needs a word."
            elif label in labels:
                yield f"{where}/label", f"Two options read “{label}”."
            if len(label) > limit:
                yield f"{where}/label", f"On a button at most {limit} characters are shown."
            if has_liquid(option.label) or has_liquid(option.description):
                yield f"{where}/label", "An option cannot hold variables."
            ids.add(option.id)
            labels.add(label)

    def _is_list(self) -> bool:
        described = any(option.description for option in self.options)
        return described or len(self.options) > BUTTONS_LIMIT

    def _limit(self) -> int:
        if self.options:
            return BODY_LIMIT_WITH_OPTIONS
        return CAPTION_LIMIT if self.media is not None else BODY_LIMIT

    def _content(self, ctx: Context) -> Content | Unsendable:
        body = ctx.render(self.text).strip()
        limit = self._limit()
        if len(body) > limit:
            return Unsendable(f"the text came out {len(body):,} characters long; {limit:,} fit")
        if self.media is not None:
            return render_media(ctx, self.media, body)
        if not body:
            return Unsendable("the text came out empty: give its variables a fallback")
        options = tuple(
            Option(payload(ctx.run.id, ctx.step, one.id), one.label.strip(), one.description)
            for one in self.options
        )
        if not options:
            return Text(body)
        if self._is_list():
            return Choices(body, self.list_button, options, self.footer)
        return Buttons(body, options, self.footer)
