"""The kind `send_message`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.content import (
    BODY_LIMIT,
    BODY_LIMIT_WITH_OPTIONS,
    CAPTION_LIMIT,
    Content,
)
from flows.events import Event
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from flows.text import has_liquid
from steps._options import (
    Footer,
    ListButton,
    Options,
    offered,
    option_problems,
    with_options,
)
from steps._sending import (
    EXITS,
    Expiry,
    MediaSetting,
    Unsendable,
    expiry_problem,
    leave_by,
    one_line,
    render_media,
    send,
)


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
    options: Options = []
    list_button: ListButton = "Choose"
    footer: Footer = ""
    track_links: Annotated[
        bool,
        Meta(description="Web addresses in the text become links that tell us who opens them"),
    ] = False
    expires_after: Expiry = None

    def exits(self) -> tuple[Exit, ...]:
        return EXITS

    def enter(self, ctx: Context) -> Outcome:
        made = self._content(ctx)
        if isinstance(made, Unsendable):
            return Leave("failed", made.why)
        return send(ctx, made, self.expires_after, track_links=self.track_links)

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
        yield from option_problems(self.options, self.list_button, self.footer)
        wrong = expiry_problem(self.expires_after)
        if wrong:
            yield "/expires_after", wrong

    def offers(self) -> tuple[tuple[str, str], ...]:
        return offered(self.options)

    def free_form(self) -> bool:
        return True

    def _media_problems(self, media: MediaSetting) -> Iterator[tuple[str, str]]:
        if not media.link.strip():
            yield "/media/link", "Give the file's address."
        if self.options:
            yield "/media", "A message has either a file or options; send two messages."
        if media.media == "audio" and self.text:
            yield "/text", "WhatsApp shows no text with an audio file; send two messages."

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
        return with_options(ctx, body, self.options, self.list_button, self.footer)
