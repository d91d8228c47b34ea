"""The kind `send_message`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from flows.content import (
    BODY_LIMIT,
    BODY_LIMIT_WITH_OPTIONS,
    CAPTION_LIMIT,
    Content,
    LinkButton,
    Media,
)
from flows.events import Event
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from flows.text import has_liquid
from steps._options import (
    BUTTON_LABEL,
    Footer,
    Header,
    ListButton,
    Options,
    is_list,
    offered,
    option_problems,
    with_options,
)
from steps._sending import (
    EXITS,
    Expiry,
    Link,
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

NOT_OVER_BUTTONS = ("audio", "sticker")


class LinkButtonSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One button that opens a web page."""

    label: Annotated[
        str, Meta(max_length=BUTTON_LABEL, title="Label", description="What the button says")
    ] = ""
    url: Annotated[
        Link, Meta(title="Address", description="The page it opens; may hold variables")
    ] = ""


class SendMessage(Step, frozen=True, kw_only=True, tag="send_message"):
    """Sends a free message: text, a file, up to three buttons, a list of up to ten options or a
    button that opens a page. WhatsApp allows it for 24 hours after the customer's last message.
    """

    label: ClassVar[str] = "Send message"
    group: ClassVar[Group] = "messages"
    icon: ClassVar[str] = "message-circle"

    text: Annotated[
        str,
        Meta(
            max_length=BODY_LIMIT,
            title="Message",
            description="The message; with options or a file at most 1,024 characters",
            extra_json_schema={
                "x-input": "message",
                "x-hint": "",
                "x-limit-with": {
                    "options": BODY_LIMIT_WITH_OPTIONS,
                    "media": CAPTION_LIMIT,
                    "link_button": BODY_LIMIT_WITH_OPTIONS,
                },
            },
        ),
    ] = ""
    media: Annotated[
        MediaSetting | None,
        Meta(
            title="File",
            description="A file; the text becomes its caption, or buttons stand under both",
        ),
    ] = None
    options: Options = []
    list_button: ListButton = "Choose"
    link_button: Annotated[
        LinkButtonSetting | None,
        Meta(
            title="Link button",
            description="Instead of options: a button that opens a page",
        ),
    ] = None
    header: Header = ""
    footer: Footer = ""
    track_links: Annotated[
        bool,
        Meta(
            title="Count who opens links",
            description="Web addresses become links that tell us who opens them",
            extra_json_schema={"x-more": True},
        ),
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
        link = [self.link_button.label] if self.link_button is not None else []
        return " · ".join([said, *(option.label for option in self.options), *link])

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/text", self.text
        if self.media is not None:
            yield from media_texts(self.media, "/media")
        if self.link_button is not None:
            yield "/link_button/url", self.link_button.url

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.text.strip() and (self.media is None or self._has_buttons()):
            yield "/text", "Write a text."
        limit = self._limit()
        if len(self.text) > limit and not has_liquid(self.text):
            yield (
                "/text",
                f"This is too long: {len(self.text):,} characters, at most {limit:,} fit.",
            )
        if self.media is not None:
            yield from self._media_problems(self.media)
        if self.link_button is not None:
            yield from self._link_problems(self.link_button)
        yield from option_problems(
            self.options,
            self.list_button,
            self.footer,
            self.header,
            link_button=self.link_button is not None,
        )
        wrong = expiry_problem(self.expires_after)
        if wrong:
            yield "/expires_after", wrong

    def offers(self) -> tuple[tuple[str, str], ...]:
        return offered(self.options)

    def free_form(self) -> bool:
        return True

    def _media_problems(self, media: MediaSetting) -> Iterator[tuple[str, str]]:
        yield from media_problems(media, "/media")
        if is_list(self.options):
            yield "/media", "A list has no file over it; send two messages."
        if self._has_buttons() and media.media in NOT_OVER_BUTTONS:
            yield "/media/media", "Over buttons stands a picture, a video or a document."
        if self.header:
            yield "/header", "Over the buttons stands either a line or a file, not both."
        if media.media in NOT_OVER_BUTTONS and self.text:
            said = f"WhatsApp shows no text with {_called(media.media)}; send two messages."
            yield "/text", said

    def _link_problems(self, link: LinkButtonSetting) -> Iterator[tuple[str, str]]:
        if self.options:
            yield "/link_button", "A message has either options or a link button, not both."
        if not link.label.strip():
            yield "/link_button/label", "The button needs a word."
        if has_liquid(link.label):
            yield "/link_button/label", "This cannot hold variables."
        if not link.url.strip():
            yield "/link_button/url", "Give the address of the page."

    def _has_buttons(self) -> bool:
        return bool(self.options) or self.link_button is not None

    def _limit(self) -> int:
        if self._has_buttons():
            return BODY_LIMIT_WITH_OPTIONS
        return CAPTION_LIMIT if self.media is not None else BODY_LIMIT

    def _content(self, ctx: Context) -> Content | Unsendable:
        body = ctx.render(self.text).strip()
        limit = self._limit()
        if len(body) > limit:
            return Unsendable(f"the text came out {len(body):,} characters long; {limit:,} fit")
        media: Media | None = None
        if self.media is not None:
            made = render_media(ctx, self.media, "" if self._has_buttons() else body)
            if isinstance(made, Unsendable) or not self._has_buttons():
                return made
            media = made
        if not body:
            return Unsendable("the text came out empty: give its variables a fallback")
        if self.link_button is not None:
            return self._with_link(ctx, body, self.link_button, media)
        return with_options(
            ctx, body, self.options, self.list_button, self.footer, self.header, media
        )

    def _with_link(
        self, ctx: Context, body: str, link: LinkButtonSetting, media: Media | None
    ) -> Content | Unsendable:
        url = one_line(ctx.render(link.url))
        if not url.startswith(("https://", "http://")):
            return Unsendable(f"the address of the link button came out as “{url}”")
        return LinkButton(body, link.label.strip(), url, self.footer, self.header, media)


def _called(media: str) -> str:
    return "a sticker" if media == "sticker" else "an audio file"
