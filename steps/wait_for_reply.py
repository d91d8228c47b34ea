"""The kind `wait_for_reply`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from flows.content import Content, Media, Reaction, Tap, parse_payload
from flows.duration import Duration, duration_words, parse_duration
from flows.effects import Effect, SetField
from flows.events import Event, Replied, TimerDue
from flows.patterns import problem_in_pattern
from flows.run import WaitFor
from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Step, StepId, Wait
from flows.words import normal, says
from steps._fields import FieldName, field_problem

_REPLY: frozenset[WaitFor] = frozenset({"reply", "time"})
_OTHER = "other"
_NO_REPLY = "no_reply"


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of answer, and the exit it takes."""

    exit: Annotated[StepId, Meta(description="Name of its exit")]
    label: Annotated[str, Meta(max_length=40, description="What the exit is called")] = ""
    match: Annotated[
        Literal["option", "exact", "contains", "starts_with", "regex", "any_media"],
        Meta(description="How the reply is compared"),
    ] = "contains"
    words: Annotated[
        list[Annotated[str, Meta(max_length=500, extra_json_schema={"x-input": "text"})]],
        Meta(max_length=50, description="Ids of options, words, or regular expressions"),
    ] = []
    step: Annotated[
        StepId | None,
        Meta(
            description="For options: the message that offered them; empty for any message",
            extra_json_schema={"x-input": "step"},
        ),
    ] = None


class WaitForReply(Step, frozen=True, kw_only=True, tag="wait_for_reply"):
    """Waits for the customer's answer and goes on by the first line that fits it. When nothing
    came in time, it goes on by “No reply”.
    """

    label: ClassVar[str] = "Wait for reply"
    group: ClassVar[Group] = "waiting"
    icon: ClassVar[str] = "message-circle-question"

    up_to: Annotated[Duration, Meta(description="How long to wait")] = "24h"
    answers: Annotated[
        list[Answer], Meta(max_length=20, description="What may come, the first that fits wins")
    ] = []
    save_to: Annotated[
        FieldName | None, Meta(description="Keep the reply in this field of the contact")
    ] = None

    def exits(self) -> tuple[Exit, ...]:
        return (
            *(Exit(one.exit, one.label or one.exit, required=True) for one in self.answers),
            Exit(_OTHER, "Any other reply"),
            Exit(_NO_REPLY, "No reply", required=True),
        )

    def enter(self, ctx: Context) -> Outcome:
        length = parse_duration(self.up_to)
        why = f"waits up to {duration_words(length)} for a reply"
        return Wait(_REPLY, ctx.now + length, why)

    def resume(self, ctx: Context, event: Event) -> Outcome:
        match event:
            case TimerDue():
                return Leave(_NO_REPLY, f"no reply in {duration_words(parse_duration(self.up_to))}")
            case Replied(content=Reaction()) if ctx.run.wait is not None:
                return Wait(_REPLY, ctx.run.wait.until, "an emoji on a message is no answer")
            case Replied(text=text, content=content):
                exit_name, why = self._choose(ctx.run.id, text, content)
                return Leave(exit_name, why, self._keep(text), text)
            case _:
                return Fail(f"a reply is waited for, not {type(event).__name__}")

    def summary(self) -> str:
        return f"up to {duration_words(parse_duration(self.up_to))}"

    def problems(self) -> Iterator[tuple[str, str]]:
        if not parse_duration(self.up_to):
            yield "/up_to", "There must be time to answer."
        seen = {_OTHER, _NO_REPLY}
        for number, one in enumerate(self.answers):
            where = f"/answers/{number}"
            if one.exit in seen:
                yield f"{where}/exit", f"There is another exit “{one.exit}” here already."
            seen.add(one.exit)
            if one.match != "any_media" and not any(word.strip() for word in one.words):
                yield f"{where}/words", "Say what the reply is compared with."
            for place, word in enumerate(one.words):
                wrong = problem_in_pattern(word) if one.match == "regex" else None
                if wrong:
                    yield f"{where}/words/{place}", f"“{word}” is no regular expression: {wrong}."
        if self.save_to is not None:
            wrong = field_problem(self.save_to)
            if wrong:
                yield "/save_to", wrong

    def waits(self) -> bool:
        return True

    def passes(self, exit_name: str) -> timedelta | None:
        return parse_duration(self.up_to) if exit_name == _NO_REPLY else None

    def _choose(self, run_id: int, text: str, content: Content) -> tuple[str, str]:
        tapped = parse_payload(content.payload) if isinstance(content, Tap) else None
        for one in self.answers:
            why = _fits(one, run_id, text, content, tapped)
            if why:
                return one.exit, why
        return _OTHER, "none of the answers fits" if self.answers else "they replied"

    def _keep(self, text: str) -> tuple[Effect, ...]:
        return (SetField(self.save_to, text),) if self.save_to else ()


def _fits(
    answer: Answer, run_id: int, text: str, content: Content, tapped: tuple[int, str, str] | None
) -> str:
    """Why the reply is this answer, in words; empty when it is not."""
    match answer.match:
        case "any_media":
            return "they sent a file" if isinstance(content, Media) else ""
        case "option" if tapped is not None:
            ours = tapped[0] == run_id and answer.step in (None, tapped[1])
            return f"they tapped “{text}”" if ours and tapped[2] in answer.words else ""
        case "option":
            typed = normal(text) in {normal(word) for word in (*answer.words, answer.label)}
            return f"they wrote “{text}”" if typed and normal(text) else ""
        case "exact" | "contains" | "starts_with" | "regex" as way:
            word = next((word for word in answer.words if says(way, text, word)), None)
            return "" if word is None else f"the reply {_SAID[way]} “{word}”"


_SAID = {
    "exact": "is",
    "contains": "contains",
    "starts_with": "starts with",
    "regex": "matches",
}
