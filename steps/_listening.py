"""What the kinds that wait for a reply have in common. Not a kind itself.

Rule: what is written in one breath is one reply: judged together, then message by message. While
a run waits here no reply is lost, also not one that overtakes the help we just sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from flows.calendar import DAY, WEEK, WEEKDAYS, Clock, Weekday, next_weekday
from flows.contact import BUILT_IN_FIELDS
from flows.content import Content, Reaction, Tap, Text
from flows.dates import Reader
from flows.duration import Duration, duration_words, parse_duration
from flows.effects import Effect, Send, SetConsent, SetField
from flows.events import Event, Replied, TimerDue, Verdict
from flows.replies import AUTOMATIC_WITHIN, Said, Understood, answer, automatic, fit, short
from flows.run import WaitFor
from flows.step import Context, Exit, Fail, Leave, Outcome, Wait
from steps._fields import FieldName, field_problem
from steps._moments import day_words

UpTo = Annotated[Duration, Meta(description="How long to wait")]
UntilTime = Annotated[
    Clock | None,
    Meta(
        title="Until a time of day",
        description="Instead: wait until this time of day, on the contact's clock",
        extra_json_schema={"x-more": True},
    ),
]
UntilDays = Annotated[
    list[Weekday],
    Meta(
        max_length=7,
        title="On these days",
        description="On which days that time counts; empty: any",
        extra_json_schema={"x-more": True, "x-words": WEEK, "x-when": {"until_time": "some"}},
    ),
]
Gather = Annotated[
    Duration | None,
    Meta(
        title="Gather short messages",
        description="Several short messages are one reply: wait until nothing came for so long",
        extra_json_schema={"x-more": True},
    ),
]
Automatic = Annotated[
    Literal["as_reply", "leave", "ignore"],
    Meta(
        title="Out-of-office answers",
        description="What looks like an out-of-office answer (its words, within 3 seconds): "
        "counts as a reply, leaves by its own exit, or is ignored",
        extra_json_schema={
            "x-more": True,
            "x-words": {
                "as_reply": "Count as a reply",
                "leave": "Leave by an exit of their own",
                "ignore": "Are ignored",
            },
        },
    ),
]
Tries = Annotated[
    int,
    Meta(
        ge=1,
        le=5,
        title="Tries",
        description="How many replies may miss before “other”",
        extra_json_schema={"x-more": True},
    ),
]
SaveTo = Annotated[
    FieldName | None,
    Meta(
        title="Save the reply to a field",
        description="Keep what was understood in this field of the contact; "
        "what does not fit into it is no match",
        extra_json_schema={"x-hint": "What does not fit into the field is no match."},
    ),
]
OTHER, NO_REPLY, AUTOMATIC = "other", "no_reply", "automatic"
STOP = "stop"  # the option that ends all messages: tapped, no step hears of it
LONGEST_GATHER = timedelta(minutes=10)  # later it is another message, and nobody likes to wait
TEXTS_AT_MOST = 50  # messages joined into one reply
_SHOWN = 200  # characters of a reply kept in the trace
_REPLY: frozenset[WaitFor] = frozenset({"reply", "time"})
_HELP: frozenset[WaitFor] = frozenset({"verdict", "reply"})

Judge = Callable[[Context, Said], Leave | None]


class Patience(Struct, frozen=True, kw_only=True):
    """How a step waits: until when, what it joins, what it overlooks, how often it helps.

    `judge` says by which exit a reply leaves, None: not understood; `give_up` leaves for good.
    """

    up_to: str
    until_time: str | None
    until_days: Sequence[Weekday]
    gather: str | None
    automatic: str
    tries: int
    judge: Judge
    give_up: Callable[[Context, Said], Leave]
    help: Callable[[Context], Content]

    def begin(self, ctx: Context, why: str = "", tried: int = 0) -> Wait:
        """Wait for the next reply; `tried` of them were not understood."""
        until = self._until(ctx)
        note: dict[str, Any] = {"tried": tried} if tried else {}
        if self.automatic != "as_reply":
            note["since"] = ctx.now.isoformat()
        return Wait(_REPLY, until, why or f"waits {self.words()} for a reply", (), note)

    def hear(self, ctx: Context, event: Event) -> Outcome:
        """What happened while it waited."""
        note = ctx.run.wait.note if ctx.run.wait is not None else {}
        match event:
            case TimerDue() if note.get("texts"):
                return self._judge(ctx, _joined(note, "", Text("")), note)
            case TimerDue():
                return Leave(NO_REPLY, f"no reply {self._passed()}")
            case Verdict(state=state, reason=reason):
                sent = state == "sent"
                why = "the help has left" if sent else f"the help was not sent ({reason or state})"
                return self.begin(ctx, f"{why}; waits on", note.get("tried", 0))
            case Replied(content=Reaction()):
                return self._wait_on(ctx, "an emoji on a message is no answer", note)
            case Replied(text=text, content=content):
                return self._hear_reply(ctx, text, content, note)
            case _:
                return Fail(f"a reply is waited for, not {type(event).__name__}")

    def passes(self, exit_name: str) -> timedelta | None:
        """The longest time before a run leaves by this exit; None: by the customer's message."""
        if exit_name != NO_REPLY:
            return None
        if self.until_time is None:
            return parse_duration(self.up_to)
        return len(WEEKDAYS) * DAY if self.until_days else DAY

    def words(self) -> str:
        """How long it waits: `up to 1 day`, `until Monday 09:00`."""
        if self.until_time is None:
            return f"up to {duration_words(parse_duration(self.up_to))}"
        days = day_words(self.until_days)
        return f"until {days} {self.until_time}" if days else f"until {self.until_time}"

    def exits(self, answers: Sequence[Exit], *, other: bool = True) -> tuple[Exit, ...]:
        """Those of the answers, and what else can become of a wait."""
        return (
            *answers,
            *([Exit(OTHER, "Any other reply")] if other else []),
            Exit(NO_REPLY, "No reply", required=True),
            *([Exit(AUTOMATIC, "Automatic answer")] if self.automatic == "leave" else []),
        )

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with how it waits."""
        if self.until_time is None and not parse_duration(self.up_to):
            yield "/up_to", "There must be time to answer."
        if self.until_days and self.until_time is None:
            yield "/until_time", "Say until what time on these days."
        if self.gather is not None:
            length = parse_duration(self.gather)
            if not timedelta(0) < length <= LONGEST_GATHER:
                yield "/gather", "This may last from a second to ten minutes."

    def _hear_reply(
        self, ctx: Context, text: str, content: Content, note: dict[str, Any]
    ) -> Outcome:
        said = Said(text, content)
        robot = "" if self.automatic == "as_reply" else automatic(said, _after_ours(ctx, note))
        if robot and self.automatic == "leave":
            return Leave(AUTOMATIC, robot, result=text, saw={"reply": text[:_SHOWN]})
        if robot:
            return self._wait_on(ctx, f"an automatic answer is overlooked: {robot}", note)
        if self.gather is None:
            return self._judge(ctx, said, note)
        texts = [*note.get("texts", ()), *([] if said.wordless else [text])]
        if not texts or not isinstance(content, Text) or len(texts) >= TEXTS_AT_MOST:
            return self._judge(ctx, _joined(note, text, content), note)
        until = ctx.now + parse_duration(self.gather)
        why = f"they write; waits {self.gather} for more"
        return Wait(_REPLY, until, why, (), {**note, "texts": texts})

    def _judge(self, ctx: Context, said: Said, note: dict[str, Any]) -> Outcome:
        apart = [Said(text, Text(text)) for text in reversed(note.get("texts", ()))]
        for one in (said, *apart):
            found = self.judge(ctx, one)
            if found is not None:
                return found
        tried = note.get("tried", 0) + 1
        if tried >= self.tries:
            return self.give_up(ctx, said)
        why = f"“{short(said.text)}” is not understood, {tried} of {self.tries}; helps"
        send = Send(ctx.step, ctx.seq, self.help(ctx))
        return Wait(_HELP, None, why, (send,), {"tried": tried})

    def _wait_on(self, ctx: Context, why: str, note: dict[str, Any]) -> Wait:
        until = ctx.run.wait.until if ctx.run.wait is not None else None
        return Wait(_REPLY, until or self._until(ctx), why, (), note)

    def _until(self, ctx: Context) -> datetime:
        if self.until_time is None:
            return ctx.now + parse_duration(self.up_to)
        return next_weekday(tuple(self.until_days), self.until_time, ctx.now, ctx.contact.zone)

    def _passed(self) -> str:
        if self.until_time is None:
            return f"in {duration_words(parse_duration(self.up_to))}"
        return self.words()


def reader(ctx: Context) -> Reader:
    """By whose habits the contact's words are read: theirs, else the flow's, else the company's."""
    contact = ctx.contact
    language = contact.language or ctx.language or contact.company.language
    return Reader(ctx.now, language, contact.country or contact.company.country, contact.zone)


def keep(
    ctx: Context, field: str | None, found: Understood, said: Said
) -> tuple[Effect, ...] | None:
    """The effect that saves what was understood; None when it does not fit into the field."""
    if not field:
        return ()
    if field == "email":
        address = answer(Said(found.words, Text(found.words)), "email", reader(ctx))
        return None if address is None else (SetField(field, address.value),)
    kind = "text" if field in BUILT_IN_FIELDS else ctx.contact.company.fields.get(field, "text")
    value = fit(found, kind, said, reader(ctx))
    return None if value is None else (SetField(field, value),)


def leave(exit_name: str, found: Understood, said: Said, effects: tuple[Effect, ...]) -> Leave:
    """Leave with what was understood as the step's answer, and what was said in the trace."""
    value = found.value
    seen = value[:_SHOWN] if isinstance(value, str) else value
    saw = {"reply": said.text[:_SHOWN], "understood": seen}
    return Leave(exit_name, found.why, effects, value, saw)


def other(ctx: Context, field: str | None, said: Said, why: str) -> Leave:
    """Leave by “other” with the reply as it is, kept in the field where it fits."""
    effects = keep(ctx, field, Understood(said.text, said.text, ""), said)
    if effects is None:
        effects, why = (), f"{why}; it does not fit into “{field}”"
    return Leave(OTHER, why, effects, said.text, {"reply": said.text[:_SHOWN]})


def opt_out(said: Said) -> Leave:
    """What choosing the option “stop” by its number or label means: the same as tapping it, which
    never gets here. The run ends, as all others do when consent is taken back.
    """
    why = f"“{short(said.text)}” chooses the option that ends all messages"
    return Leave("", why, (SetConsent("no", "option"),), saw={"reply": said.text[:_SHOWN]})


def save_problem(field: str | None) -> Iterator[tuple[str, str]]:
    """What is wrong with the field that a reply is kept in."""
    wrong = field_problem(field) if field is not None else None
    if wrong:
        yield "/save_to", wrong


def _joined(note: dict[str, Any], text: str, content: Content) -> Said:
    """Everything written since the last judgement as one reply; a tap stands for itself."""
    if isinstance(content, Tap):
        return Said(text, content)
    texts = list(note.get("texts", ()))
    if text and not (texts and Said(text, content).wordless):
        texts.append(text)
    joined = "\n".join(texts)
    return Said(joined, Text(joined) if isinstance(content, Text) else content)


def _after_ours(ctx: Context, note: dict[str, Any]) -> timedelta:
    """How long after our last message the reply came. An answer that overtakes the verdict comes
    before that message's time is written down; then it is how long the run has waited.
    """
    came = ctx.contact.last_inbound_at or ctx.now
    waited = ctx.now - datetime.fromisoformat(note["since"]) if "since" in note else timedelta.max
    ours = ctx.contact.last_outbound_at
    gap = waited if ours is None else came - ours
    return gap if abs(gap) <= AUTOMATIC_WITHIN else min(gap, waited, key=abs)
