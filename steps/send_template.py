"""The kind `send_template`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from flows.content import Template, TemplateButton, payload
from flows.events import Event
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step
from steps._sending import (
    EXITS,
    OPTION_ID,
    Expiry,
    Liquid,
    MediaSetting,
    Unsendable,
    expiry_problem,
    leave_by,
    one_line,
    render_media,
    send,
)

_FALLBACK = 'give it a fallback, such as {{ contact.first_name | default: "there" }}'


class ButtonSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one of the template's buttons is filled in with."""

    index: Annotated[int, Meta(ge=0, le=9, description="Place of the button, from 0")] = 0
    kind: Annotated[
        Literal["quick_reply", "url", "copy_code"], Meta(description="What kind of button it is")
    ] = "quick_reply"
    value: Annotated[
        Liquid,
        Meta(
            description="Quick reply: the option's id (“stop” ends all messages). "
            "Link: what replaces the variable at its end. Code: the coupon"
        ),
    ] = ""


class SendTemplate(Step, frozen=True, kw_only=True, tag="send_template"):
    """Sends a message template that WhatsApp has approved. The only message that may be sent
    when the customer has not written in the last 24 hours.
    """

    label: ClassVar[str] = "Send template"
    group: ClassVar[Group] = "messages"
    icon: ClassVar[str] = "file-text"

    template: Annotated[
        str,
        Meta(
            max_length=512,
            description="Which template",
            extra_json_schema={"x-input": "template"},
        ),
    ] = ""
    language: Annotated[
        str,
        Meta(
            pattern=r"^[a-z]{2,3}(_[A-Za-z]{2,4})?$",
            description="Language of the template, such as en or pt_BR",
            extra_json_schema={"x-input": "language"},
        ),
    ] = "en"
    body: Annotated[
        list[Liquid], Meta(max_length=50, description="What fills {{1}}, {{2}} … of the body")
    ] = []
    named: Annotated[
        dict[str, Liquid], Meta(max_length=50, description="What fills the body's named variables")
    ] = {}
    header: Annotated[Liquid, Meta(description="What fills the variable of a text header")] = ""
    header_media: Annotated[
        MediaSetting | None, Meta(description="The picture, video or document of the header")
    ] = None
    buttons: Annotated[
        list[ButtonSetting], Meta(max_length=10, description="What fills the buttons")
    ] = []
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
        filled = [*self.body, *self.named.values()]
        return " · ".join([self.template or "No template yet", *filled])

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/header", self.header
        if self.header_media is not None:
            yield "/header_media/link", self.header_media.link
        for number, text in enumerate(self.body):
            yield f"/body/{number}", text
        for name, text in self.named.items():
            yield f"/named/{name}", text
        for number, button in enumerate(self.buttons):
            yield f"/buttons/{number}/value", button.value

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.template:
            yield "/template", "Choose a template."
        if self.body and self.named:
            yield "/named", "A template has either numbered or named variables, not both."
        if self.header and self.header_media is not None:
            yield "/header", "A header is either a text or a file, not both."
        for field, text in self.texts():
            if field != "/header" and not text.strip():
                yield field, "This is empty; WhatsApp refuses an empty variable."
        yield from self._button_problems()
        wrong = expiry_problem(self.expires_after)
        if wrong:
            yield "/expires_after", wrong

    def offers(self) -> tuple[tuple[str, str], ...]:
        buttons = sorted(self.buttons, key=lambda one: one.index)
        return tuple((one.value, "") for one in buttons if one.kind == "quick_reply")

    def references(self) -> Iterator[Reference]:
        if self.template:
            count = len(self.named) or len(self.body)
            yield Reference("template", self.template, "/template", self.language, count)

    def _button_problems(self) -> Iterator[tuple[str, str]]:
        seen: set[int] = set()
        for number, button in enumerate(self.buttons):
            if button.index in seen:
                yield f"/buttons/{number}/index", f"Button {button.index} is filled in twice."
            seen.add(button.index)
            named = not button.value or re.fullmatch(OPTION_ID, button.value)
            if button.kind == "quick_reply" and not named:
                said = "An option's id has letters, digits, - and _ only."
                yield f"/buttons/{number}/value", said

    def _content(self, ctx: Context) -> Template | Unsendable:
        body = tuple(one_line(ctx.render(text)) for text in self.body)
        named = {name: one_line(ctx.render(text)) for name, text in self.named.items()}
        header = one_line(ctx.render(self.header))
        buttons = tuple(self._button(ctx, button) for button in self.buttons)
        for where, source, filled in (
            ("the header", self.header, header),
            *((f"variable {n}", self.body[n - 1], text) for n, text in enumerate(body, 1)),
            *((f"variable “{name}”", self.named[name], text) for name, text in named.items()),
            *(
                (f"button {one.index}", one.value, filled.value)
                for one, filled in zip(self.buttons, buttons, strict=True)
            ),
        ):
            if not filled and (source or where != "the header"):
                return Unsendable(f"{where}, “{source}”, came out empty: {_FALLBACK}")
        media = None
        if self.header_media is not None:
            rendered = render_media(ctx, self.header_media)
            if isinstance(rendered, Unsendable):
                return rendered
            media = rendered
        return Template(self.template, self.language, body, header, media, buttons, named)

    def _button(self, ctx: Context, button: ButtonSetting) -> TemplateButton:
        if button.kind == "quick_reply":
            value = payload(ctx.run.id, ctx.step, button.value)
        else:
            value = one_line(ctx.render(button.value))
        return TemplateButton(button.index, button.kind, value)
