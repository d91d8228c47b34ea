"""The kind `send_template`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.content import Media, Template
from flows.events import Event
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step
from steps._sending import (
    EXITS,
    Expiry,
    Liquid,
    MediaSetting,
    Unsendable,
    expiry_problem,
    leave_by,
    media_problems,
    media_texts,
    one_line,
    render_media,
    send,
)
from steps._template_parts import (
    FALLBACK,
    MOST_CARDS,
    ButtonSetting,
    CardSetting,
    PlaceSetting,
    Values,
    button_problems,
    card_problems,
    card_texts,
    fill_button,
    fill_cards,
    quick_replies,
)


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
            title="Template",
            description="Which template",
            extra_json_schema={"x-input": "template"},
        ),
    ] = ""
    language: Annotated[
        str,
        Meta(
            pattern=r"^[a-z]{2,3}(_[A-Za-z]{2,4})?$",
            title="Language",
            description="Language of the template, such as en or pt_BR",
            extra_json_schema={"x-input": "language"},
        ),
    ] = "en"
    body: Values = []
    named: Annotated[
        dict[str, Liquid],
        Meta(
            max_length=50,
            title="Named variables",
            description="What fills the body's named variables",
            extra_json_schema={"x-fills": "named"},
        ),
    ] = {}
    header: Annotated[
        Liquid,
        Meta(
            title="Variable of the header",
            description="What fills the variable of a text header",
            extra_json_schema={"x-fills": "header"},
        ),
    ] = ""
    header_media: Annotated[
        MediaSetting | None,
        Meta(
            title="File of the header",
            description="The picture, video or document of the header",
            extra_json_schema={"x-fills": "header_media"},
        ),
    ] = None
    header_place: Annotated[
        PlaceSetting | None,
        Meta(
            title="Place of the header",
            description="The place of a header that shows a map",
            extra_json_schema={"x-fills": "header_place"},
        ),
    ] = None
    buttons: Annotated[
        list[ButtonSetting],
        Meta(
            max_length=10,
            title="Buttons",
            description="What fills the buttons",
            extra_json_schema={"x-fills": "buttons"},
        ),
    ] = []
    cards: Annotated[
        list[CardSetting],
        Meta(
            max_length=MOST_CARDS,
            title="Cards",
            description="What fills the cards of a carousel",
            extra_json_schema={"x-fills": "cards"},
        ),
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
            yield from media_texts(self.header_media, "/header_media")
        if self.header_place is not None:
            yield from self.header_place.texts()
        for number, text in enumerate(self.body):
            yield f"/body/{number}", text
        for name, text in self.named.items():
            yield f"/named/{name}", text
        for number, button in enumerate(self.buttons):
            yield f"/buttons/{number}/value", button.value
        yield from card_texts(self.cards)

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.template:
            yield "/template", "Choose a template."
        if self.body and self.named:
            yield "/named", "A template has either numbered or named variables, not both."
        headers = (self.header or None, self.header_media, self.header_place)
        if sum(one is not None for one in headers) > 1:
            yield "/header", "A header is either a text, a file or a place, not both."
        if self.header_media is not None and self.header_media.sha256:
            yield from media_problems(self.header_media, "/header_media")
        for field, text in self.texts():
            if field != "/header" and not text.strip():
                yield field, "This is empty; WhatsApp refuses an empty variable."
        yield from button_problems(self.buttons, "/buttons")
        yield from card_problems(self.cards)
        wrong = expiry_problem(self.expires_after)
        if wrong:
            yield "/expires_after", wrong

    def offers(self) -> tuple[tuple[str, str], ...]:
        on_cards = (one for card in self.cards for one in quick_replies(card.buttons))
        found = dict.fromkeys([*quick_replies(self.buttons), *on_cards])
        return tuple((one, "") for one in found)

    def references(self) -> Iterator[Reference]:
        if self.template:
            count = len(self.named) or len(self.body)
            yield Reference("template", self.template, "/template", self.language, count)

    def _content(self, ctx: Context) -> Template | Unsendable:
        body = tuple(one_line(ctx.render(text)) for text in self.body)
        named = {name: one_line(ctx.render(text)) for name, text in self.named.items()}
        header = one_line(ctx.render(self.header))
        buttons = tuple(fill_button(ctx, button) for button in self.buttons)
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
                return Unsendable(f"{where}, “{source}”, came out empty: {FALLBACK}")
        cards = fill_cards(ctx, self.cards)
        if isinstance(cards, Unsendable):
            return cards
        media: Media | None = None
        if self.header_media is not None:
            rendered = render_media(ctx, self.header_media)
            if isinstance(rendered, Unsendable):
                return rendered
            media = rendered
        place = None if self.header_place is None else self.header_place.render(ctx)
        return Template(
            self.template,
            self.language,
            body,
            header,
            media,
            buttons,
            named,
            cards,
            header_location=place,
        )
