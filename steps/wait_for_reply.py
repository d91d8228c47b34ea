"""The kind `wait_for_reply`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, get_args

from msgspec import Meta, Struct

from flows.content import BODY_LIMIT, Content, Media, Text
from flows.events import Event
from flows.options import Choice, option
from flows.patterns import problem_in_pattern
from flows.replies import MediaSort, Said, Sort, Understood, answer, media, number, words
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step, StepId
from flows.words import Way
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

_WORDED = (*get_args(Way), "option")
_OPEN: Mapping[str, Sort] = {"date": "date", "phone": "phone", "email": "email"}
_AGREED = {"yes": True, "no": False}


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of answer, and the exit it takes."""

    exit: Annotated[
        StepId,
        Meta(
            title="Name in the automation",
            description="Name of its exit",
            extra_json_schema={"x-more": True, "x-made": True},
        ),
    ]
    label: Annotated[
        str, Meta(max_length=40, title="Name", description="What the exit is called")
    ] = ""
    match: Annotated[
        Literal[
            "option",
            "exact",
            "contains",
            "starts_with",
            "regex",
            "yes",
            "no",
            "number",
            "date",
            "phone",
            "email",
            "media",
            "any_media",
            "any",
        ],
        Meta(
            title="The reply",
            description="How the reply is compared. Option: tapped, or written as its name, its "
            "number or nearly its name. Date, phone, email: whether there is one in it",
            extra_json_schema={
                "x-hint": "",
                "x-words": {
                    "option": "Is an option of a message",
                    "contains": "Contains",
                    "exact": "Is exactly",
                    "starts_with": "Starts with",
                    "yes": "Means yes",
                    "no": "Means no",
                    "number": "Has a number",
                    "date": "Has a day",
                    "phone": "Has a phone number",
                    "email": "Has an e-mail address",
                    "media": "Is a file",
                    "any_media": "Is any file",
                    "any": "Is anything",
                    "regex": "Fits a regular expression",
                },
            },
        ),
    ] = "contains"
    words: Annotated[
        list[Annotated[str, Meta(max_length=500, extra_json_schema={"x-input": "text"})]],
        Meta(
            max_length=50,
            title="Words",
            description="Ids of options, words, or regular expressions",
            extra_json_schema={
                "x-input": "lines",
                "x-options-of": "step",
                "x-when": {"match": ["option", "contains", "exact", "starts_with", "regex"]},
            },
        ),
    ] = []
    step: Annotated[
        StepId | None,
        Meta(
            title="Message with the options",
            description="For options: the message that offered them; empty for any message",
            extra_json_schema={"x-input": "step", "x-when": {"match": ["option"]}},
        ),
    ] = None
    at_least: Annotated[
        float | None,
        Meta(
            title="Smallest",
            description="For numbers: the smallest",
            extra_json_schema={"x-when": {"match": ["number"]}},
        ),
    ] = None
    at_most: Annotated[
        float | None,
        Meta(
            title="Largest",
            description="For numbers: the largest",
            extra_json_schema={"x-when": {"match": ["number"]}},
        ),
    ] = None
    media: Annotated[
        list[MediaSort],
        Meta(
            max_length=6,
            title="Kinds of file",
            description="For media: which kinds; empty: any file",
            extra_json_schema={"x-when": {"match": ["media"]}},
        ),
    ] = []


class WaitForReply(Step, frozen=True, kw_only=True, tag="wait_for_reply"):
    """Waits for the customer's answer and goes on by the first line that fits it. When nothing
    came in time, it goes on by “No reply”. What was understood is found under `answers`: an
    option's id, a number, an ISO date, a phone number with its country, else the text.
    """

    label: ClassVar[str] = "Wait for reply"
    group: ClassVar[Group] = "waiting"
    icon: ClassVar[str] = "message-circle-question"
    example: ClassVar[Mapping[str, Any]] = {
        "up_to": "2d",
        "answers": [
            {"exit": "few", "label": "Up to 4", "match": "number", "at_least": 1, "at_most": 4},
            {"exit": "many", "label": "More", "match": "number", "at_least": 5},
        ],
        "tries": 2,
        "help": "How many people will you be? Please write a number.",
        "save_to": "party_size",
    }

    up_to: UpTo = "24h"
    until_time: UntilTime = None
    until_days: UntilDays = []
    answers: Annotated[
        list[Answer],
        Meta(
            max_length=20,
            title="Answers",
            description="What may come, the first that fits wins",
        ),
    ] = []
    save_to: SaveTo = None
    gather: Gather = None
    tries: Tries = 1
    help: Annotated[
        str,
        Meta(
            max_length=BODY_LIMIT,
            title="Help after a miss",
            description="What is sent when a reply fits no line and there is another try",
            extra_json_schema={"x-input": "message", "x-more": True},
        ),
    ] = ""
    automatic: Automatic = "as_reply"

    def exits(self) -> tuple[Exit, ...]:
        lines = [Exit(one.exit, one.label or one.exit, required=True) for one in self.answers]
        caught = any(one.match == "any" for one in self.answers) and self.save_to is None
        return self._patience().exits(lines, other=not caught)

    def enter(self, ctx: Context) -> Outcome:
        return self._patience().begin(ctx)

    def enter_again(self, ctx: Context) -> Outcome:
        return self.enter(ctx)

    def resume(self, ctx: Context, event: Event) -> Outcome:
        return self._patience().hear(ctx, event)

    def summary(self) -> str:
        return self._patience().words()

    def texts(self) -> Iterator[tuple[str, str]]:
        if self.help:
            yield "/help", self.help

    def references(self) -> Iterator[Reference]:
        yield from field_reference(self.save_to or "", "/save_to")

    def steps_named(self) -> Iterator[tuple[str, str]]:
        for number_, one in enumerate(self.answers):
            if one.match == "option" and one.step is not None:
                yield f"/answers/{number_}/step", one.step

    def options_named(self) -> Iterator[tuple[str, str, str]]:
        for number_, one in enumerate(self.answers):
            if one.match == "option" and one.step is not None:
                for place, word in enumerate(one.words):
                    yield f"/answers/{number_}/words/{place}", one.step, word

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from self._patience().problems()
        seen = {OTHER, NO_REPLY, AUTOMATIC}
        for number_, one in enumerate(self.answers):
            where = f"/answers/{number_}"
            if one.exit in seen:
                yield f"{where}/exit", f"There is another exit “{one.exit}” here already."
            seen.add(one.exit)
            yield from _problems(one, where)
        if self.tries > 1 and not self.help.strip():
            yield "/help", "Write what helps them to answer again."
        if self.tries == 1 and self.help:
            yield "/tries", "Without a second try nobody sees the help."
        yield from save_problem(self.save_to)

    def gives(self) -> Iterator[tuple[str, str]]:
        yield "", "the answer"

    def waits(self) -> bool:
        return True

    def passes(self, exit_name: str) -> timedelta | None:
        return self._patience().passes(exit_name)

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
        if self._chose_stop(ctx, said):
            return opt_out(said)
        for one in self.answers:
            found = self._understand(ctx, one, said)
            if found is None:
                continue
            effects = keep(ctx, self.save_to, found, said)
            if effects is not None:
                return leave(one.exit, found, said, effects)
        if (
            self.answers
            or keep(ctx, self.save_to, Understood(said.text, said.text, ""), said) is None
        ):
            return None
        return other(ctx, self.save_to, said, "they replied")

    def _give_up(self, ctx: Context, said: Said) -> Leave:
        why = "none of the answers fits" if self.answers else "they replied"
        return other(ctx, self.save_to, said, why)

    def _help(self, ctx: Context) -> Content:
        return Text(ctx.render(self.help).strip())

    def _understand(self, ctx: Context, one: Answer, said: Said) -> Understood | None:
        match one.match:
            case "option":
                asked = [] if said.tapped else self._asked(ctx, one)
                steps = () if one.step is None else (one.step,)
                return option(said, asked, one.words, (ctx.run.id, steps))
            case "exact" | "contains" | "starts_with" | "regex" as way:
                return words(said, way, one.words)
            case "number":
                return number(said, reader(ctx), one.at_least, one.at_most)
            case "yes" | "no":
                found = answer(said, "yes_no", reader(ctx))
                return found if found is not None and found.value is _AGREED[one.match] else None
            case "date" | "phone" | "email":
                return answer(said, _OPEN[one.match], reader(ctx))
            case "media":
                return media(said, one.media)
            case "any_media":
                sent = isinstance(said.content, Media)
                return Understood(said.text, said.text, "they sent a file") if sent else None
            case "any":
                return Understood(said.text, said.text, "they replied")

    def _chose_stop(self, ctx: Context, said: Said) -> bool:
        """Whether they name or number the option “stop” of a message that this waits for."""
        lines = [one for one in self.answers if one.match == "option"]
        shown = [] if said.tapped else [_shown(question) for question in _questions(ctx, lines)]
        return any(
            option(said, choices, (STOP,), (ctx.run.id, ()))
            for choices in shown
            if any(one.id == STOP for one in choices)
        )

    def _asked(self, ctx: Context, one: Answer) -> list[Choice]:
        """All options the customer had when asked, so that none is taken for another one."""
        shown = [choice for question in _questions(ctx, [one]) for choice in _shown(question)]
        for line in self.answers:
            if line.match == "option" and line.step == one.step:
                shown += [Choice(word, line.label) for word in line.words]
        return shown


def _questions(ctx: Context, lines: Sequence[Answer]) -> list[Step]:
    """The steps whose options these lines mean: those named, else all that offer one of them."""
    named = {line.step for line in lines if line.step is not None}
    found = [ctx.steps[step_id] for step_id in sorted(named) if step_id in ctx.steps]
    wanted = {word for line in lines if line.step is None for word in line.words}
    if wanted:
        found += [
            step
            for step_id, step in ctx.steps.items()
            if step_id not in named and any(id_ in wanted for id_, _ in step.offers())
        ]
    return found


def _shown(question: Step) -> list[Choice]:
    return [Choice(id_, label, n) for n, (id_, label) in enumerate(question.offers(), 1)]


def _problems(one: Answer, where: str) -> Iterator[tuple[str, str]]:
    if one.match in _WORDED and not any(word.strip() for word in one.words):
        yield f"{where}/words", "Say what the reply is compared with."
    for place, word in enumerate(one.words):
        wrong = problem_in_pattern(word) if one.match == "regex" else None
        if wrong:
            yield f"{where}/words/{place}", f"“{word}” is no regular expression: {wrong}."
    if one.at_least is not None and one.at_most is not None and one.at_least > one.at_most:
        yield f"{where}/at_most", "No number is between these."
