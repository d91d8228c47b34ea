"""The kind `ask`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.content import BODY_LIMIT, BODY_LIMIT_WITH_OPTIONS, Content
from flows.duration import parse_duration
from flows.events import Event, Verdict
from flows.options import Choice, option
from flows.replies import MediaSort, Said, Sort, Understood, answer, media, number
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step
from flows.text import has_liquid
from steps._fields import field_reference
from steps._listening import (
    AUTOMATIC,
    NO_REPLY,
    OTHER,
    STOP,
    Automatic,
    Gather,
    Patience,
    SaveTo,
    Tries,
    UntilDays,
    UntilTime,
    UpTo,
    keep,
    leave,
    opt_out,
    other,
    reader,
    save_problem,
)
from steps._options import (
    Footer,
    ListButton,
    Options,
    offered,
    option_problems,
    with_options,
)
from steps._sending import Expiry, expiry_problem, leave_by, one_line, send

_ANSWERED = "answered"
_UNSENT = (Exit("failed", "Failed"), Exit("suppressed", "Not sent"))
_TAKEN = frozenset(
    (_ANSWERED, OTHER, NO_REPLY, AUTOMATIC, "sent", "failed", "suppressed", "expired")
)
_WANTED: Mapping[Sort, str] = {
    "text": "a text",
    "number": "a number",
    "date": "a day",
    "moment": "a day and time",
    "yes_no": "yes or no",
    "email": "an e-mail address",
    "phone": "a phone number",
    "media": "a file",
}


class Ask(Step, frozen=True, kw_only=True, tag="ask"):
    """Asks a question and waits for its answer: one of up to ten options, or something of a kind,
    such as a number or a day. Options can be tapped, or answered by their name, nearly their name,
    or their number; phones without buttons show them numbered. Like any free message it can only
    be sent within 24 hours of the customer's last one.
    """

    label: ClassVar[str] = "Ask a question"
    group: ClassVar[Group] = "messages"
    icon: ClassVar[str] = "circle-help"
    example: ClassVar[Mapping[str, Any]] = {
        "text": 'Which size do you wear, {{ contact.first_name | default: "dear customer" }}?',
        "options": [
            {"id": "s", "label": "Small"},
            {"id": "m", "label": "Medium"},
            {"id": "l", "label": "Large"},
        ],
        "up_to": "2d",
        "tries": 2,
        "help": "Please tap one of the sizes, or write its number.",
        "save_to": "size",
    }

    text: Annotated[
        str,
        Meta(
            max_length=BODY_LIMIT,
            title="Question",
            description="The question; with options at most 1,024 characters",
            extra_json_schema={
                "x-input": "message",
                "x-hint": "",
                "x-limit-with": {"options": BODY_LIMIT_WITH_OPTIONS},
            },
        ),
    ] = ""
    options: Options = []
    expects: Annotated[
        Sort,
        Meta(
            title="Answer",
            description="Without options: what the answer must be to be understood",
            extra_json_schema={
                "x-when": {"options": "none"},
                "x-words": {
                    "text": "Any text",
                    "number": "A number",
                    "date": "A day",
                    "moment": "A day and time",
                    "yes_no": "Yes or no",
                    "email": "An e-mail address",
                    "phone": "A phone number",
                    "media": "A file",
                },
            },
        ),
    ] = "text"
    at_least: Annotated[
        float | None,
        Meta(
            title="Smallest",
            description="For a number: the smallest",
            extra_json_schema={"x-when": {"expects": ["number"]}},
        ),
    ] = None
    at_most: Annotated[
        float | None,
        Meta(
            title="Largest",
            description="For a number: the largest",
            extra_json_schema={"x-when": {"expects": ["number"]}},
        ),
    ] = None
    media: Annotated[
        list[MediaSort],
        Meta(
            max_length=6,
            title="Kinds of file",
            description="For a file: which kinds; empty: any",
            extra_json_schema={"x-when": {"expects": ["media"]}},
        ),
    ] = []
    save_to: SaveTo = None
    up_to: UpTo = "24h"
    until_time: UntilTime = None
    until_days: UntilDays = []
    tries: Tries = 1
    help: Annotated[
        str,
        Meta(
            max_length=BODY_LIMIT,
            title="Help after a miss",
            description="What is sent, with the options, when an answer is not understood and "
            "there is another try; empty: the question again",
            extra_json_schema={"x-input": "message", "x-more": True},
        ),
    ] = ""
    gather: Gather = None
    automatic: Automatic = "as_reply"
    list_button: ListButton = "Choose"
    footer: Footer = ""
    expires_after: Expiry = None

    def exits(self) -> tuple[Exit, ...]:
        answers = [
            Exit(one.id, one.label.strip() or one.id, required=True)
            for one in self.options
            if one.id != STOP
        ] or [Exit(_ANSWERED, "Answered", required=True)]
        expired = (Exit("expired", "Expired"),) if self.expires_after else ()
        return (*self._patience().exits(answers), *_UNSENT, *expired)

    def enter(self, ctx: Context) -> Outcome:
        wrong, content = self._content(ctx, self.text)
        if wrong:
            return Leave("failed", wrong)
        return send(ctx, content, self.expires_after)

    def enter_again(self, ctx: Context) -> Outcome:
        return self._patience().begin(ctx)

    def resume(self, ctx: Context, event: Event) -> Outcome:
        patience = self._patience()
        if isinstance(event, Verdict) and not (ctx.run.wait is not None and ctx.run.wait.note):
            if event.state != "sent":
                return leave_by(event)
            return patience.begin(ctx, f"the question has left; waits {patience.words()}")
        return patience.hear(ctx, event)

    def summary(self) -> str:
        said = one_line(self.text) or "No question yet"
        if self.options:
            return " · ".join([said, *(one.label for one in self.options)])
        return f"{said} · {_WANTED[self.expects]}"

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/text", self.text
        if self.help:
            yield "/help", self.help

    def references(self) -> Iterator[Reference]:
        yield from field_reference(self.save_to or "", "/save_to")

    def gives(self) -> Iterator[tuple[str, str]]:
        yield "", "the answer"

    def offers(self) -> tuple[tuple[str, str], ...]:
        return offered(self.options)

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.text.strip():
            yield "/text", "Write the question."
        limit = self._limit()
        for field, text in (("/text", self.text), ("/help", self.help)):
            if len(text) > limit and not has_liquid(text):
                yield field, f"This is too long: {len(text):,} characters, at most {limit:,} fit."
        yield from self._option_problems()
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            yield "/at_most", "No number is between these."
        if self.tries == 1 and self.help:
            yield "/tries", "Without a second try nobody sees the help."
        yield from self._patience().problems()
        yield from save_problem(self.save_to)
        wrong = expiry_problem(self.expires_after)
        if wrong:
            yield "/expires_after", wrong

    def waits(self) -> bool:
        return True

    def free_form(self) -> bool:
        return True

    def passes(self, exit_name: str) -> timedelta | None:
        if exit_name in ("failed", "suppressed"):
            return timedelta(0)
        if exit_name == "expired" and self.expires_after:
            return parse_duration(self.expires_after)
        return self._patience().passes(exit_name)

    def _option_problems(self) -> Iterator[tuple[str, str]]:
        yield from option_problems(self.options, self.list_button, self.footer)
        for number_, one in enumerate(self.options):
            if one.id in _TAKEN:
                yield f"/options/{number_}/id", f"“{one.id}” is the name of another exit here."
        if self.options and all(one.id == STOP for one in self.options):
            yield "/options", "“Stop” is no answer; add an option beside it."
        if self.options and self.expects != "text":
            yield "/expects", "A question has either options or a kind of answer."

    def _patience(self) -> Patience:
        return Patience(
            up_to=self.up_to,
            until_time=self.until_time,
            until_days=self.until_days,
            gather=self.gather,
            automatic=self.automatic,
            tries=self.tries,
            judge=self._judge,
            give_up=self._give_up,
            help=self._help,
        )

    def _judge(self, ctx: Context, said: Said) -> Leave | None:
        found = self._understand(ctx, said)
        if self.options and found is not None and found.value == STOP:
            return opt_out(said)
        effects = None if found is None else keep(ctx, self.save_to, found, said)
        if found is None or effects is None:
            return None
        return leave(found.value if self.options else _ANSWERED, found, said, effects)

    def _give_up(self, ctx: Context, said: Said) -> Leave:
        wanted = "one of the options" if self.options else _WANTED[self.expects]
        return other(ctx, None, said, f"the reply is not {wanted}")

    def _understand(self, ctx: Context, said: Said) -> Understood | None:
        if self.options:
            shown = [Choice(id_, label, n) for n, (id_, label) in enumerate(self.offers(), 1)]
            return option(said, shown, [one.id for one in shown], (ctx.run.id, (ctx.step,)))
        match self.expects:
            case "number":
                return number(said, reader(ctx), self.at_least, self.at_most)
            case "media":
                return media(said, self.media)
            case _:
                return answer(said, self.expects, reader(ctx))

    def _help(self, ctx: Context) -> Content:
        wrong, content = self._content(ctx, self.help or self.text)
        return self._content(ctx, self.text)[1] if wrong else content

    def _limit(self) -> int:
        return BODY_LIMIT_WITH_OPTIONS if self.options else BODY_LIMIT

    def _content(self, ctx: Context, text: str) -> tuple[str, Content]:
        """What is wrong with the message made of `text` (empty: nothing), and the message."""
        body = ctx.render(text).strip()
        content = with_options(ctx, body, self.options, self.list_button, self.footer)
        if len(body) > self._limit():
            said = f"the text came out {len(body):,} characters long; {self._limit():,} fit"
            return said, content
        wrong = "" if body else "the text came out empty: give its variables a fallback"
        return wrong, content
