"""A flow under a fake clock: the same core as live, with a pretend gateway and customer. PURE.

Messages get their verdict at once unless the script says otherwise; time jumps to whatever is
due next. Used by `tiptoe flow simulate`, golden tests, saved tests and the demo's bookkeeping.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, structs

from engine.asked import Moved, Sent
from engine.person import Person
from engine.scene import Live, Words
from flows.contact import Contact
from flows.content import (
    Buttons,
    Choices,
    Content,
    Tap,
    Template,
    Text,
    parse_payload,
    plain,
)
from flows.document import AnyFlow
from flows.duration import parse_duration
from flows.events import (
    ApiCalled,
    ConsentChanged,
    Event,
    HttpAnswered,
    Replied,
    ShopHappened,
    TimerDue,
    Verdict,
    VerdictState,
)
from flows.run import Run, Visit

EVENTS_LIMIT = 10_000  # happenings of one simulation; more is a loop that waits a second each time
SIMULATED = 1  # the automation id of the flow that is simulated


class Scripted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a script. When: `after` the start, or `after` the n-th message the flow asked for
    (`on_message`, from 1). What: the customer's `say` (text) or `tap` (option id), an `event` as
    JSON, or that message's `verdict`. A `tap` is on the newest message that offers the option.
    """

    after: str = "0s"
    on_message: int | None = None
    say: str | None = None
    tap: str | None = None
    event: Event | None = None
    verdict: VerdictState | None = None


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of the transcript."""

    at: datetime
    who: Literal["flow", "message", "customer", "event", "end"]
    text: str
    step: str = ""


class Transcript(Struct, frozen=True):
    """What happened, in order; `messages` is what the customer's phone got."""

    lines: list[Line]
    messages: list[Content]
    trace: list[Visit]
    status: str
    reason: str
    waits_until: datetime | None
    contact: Contact


class Pretend(Struct, frozen=True, kw_only=True):
    """The world of a simulation."""

    contact: Contact
    start: datetime
    lasts: timedelta = timedelta(days=30)
    others: Sequence[Live] = ()
    words: Words = Words()


def simulate(
    flow: AnyFlow,
    first: Event,
    script: Sequence[Scripted],
    world: Pretend,
    *,
    between: Callable[[Person], Person] = lambda person: person,
) -> Transcript:
    """Run `flow` from its `first` event through `script` for at most `world.lasts`.

    `between` is called between every two events (tests store and reload everything there).
    """
    return _Simulation(flow, script, world, between).play(first)


class _Simulation:
    def __init__(
        self,
        flow: AnyFlow,
        script: Sequence[Scripted],
        world: Pretend,
        between: Callable[[Person], Person],
    ) -> None:
        ids = itertools.count(1)
        live = [Live(SIMULATED, 1, flow), *world.others]
        self.person = Person(world.contact, [], live, {}, world.words, lambda: next(ids))
        self.now = world.start
        self.end = world.start + world.lasts
        self.between = between
        self.script = list(script)
        self.queue: list[tuple[datetime, int, Event | Scripted, int]] = []
        self.order = itertools.count()
        self.lines: list[Line] = []
        self.asked = 0
        self.messages: list[Content] = []
        self.trace: list[Visit] = []
        self.runs: dict[int, Run] = {}
        self.said: list[str] = []
        for one in self.script:
            if one.on_message is None:
                self._schedule(one, world.start)

    def play(self, first: Event) -> Transcript:
        self._put(self.now, first)
        for _ in range(EVENTS_LIMIT):
            due = self._next()
            if due is None or due[0] > self.end:
                break
            at, what, run_id = due
            self.now = max(self.now, at)
            event = self._event(what) if isinstance(what, Scripted) else what
            self._tell(event)
            if isinstance(event, Replied):  # live, the webhook that brings it opens the window
                self.person.contact = structs.replace(self.person.contact, last_inbound_at=self.now)
            self.person.happen(event, self.now, run_id)
            self._report()
            self.person = self.between(self.person)
        else:
            self._line("end", f"the simulation ends here: {EVENTS_LIMIT:,} things have happened")
        return self._transcript()

    def _next(self) -> tuple[datetime, Event | Scripted, int] | None:
        timer = self.person.next_timer()
        head = min(self.queue, default=None, key=lambda one: one[:2])
        if timer is not None and (head is None or timer[0] < head[0]):
            return timer[0], TimerDue(timer[2]), timer[1]
        if head is None:
            return None
        self.queue.remove(head)
        return head[0], head[2], head[3]

    def _put(self, at: datetime, what: Event | Scripted, run_id: int = 0) -> None:
        self.queue.append((at, next(self.order), what, run_id))

    def _schedule(self, one: Scripted, since: datetime) -> None:
        if one.event is not None or one.say is not None or one.tap is not None:
            self._put(since + parse_duration(one.after), one)

    def _event(self, one: Scripted) -> Event:
        """What a line of the script means at the moment it happens."""
        if one.event is not None:
            return one.event
        if one.tap is not None:
            return self._tap(one.tap)
        return Replied(one.say or "", Text(one.say or ""))

    def _tap(self, option: str) -> Event:
        """A tap on the newest message that offers `option`; plain words when none does."""
        for content in reversed(self.messages):
            for text, label in _options(content):
                parsed = parse_payload(text)
                if parsed is not None and parsed[2] == option:
                    return Replied(label or option, Tap(text, label or option))
        return Replied(option, Text(option))

    def _tell(self, event: Event) -> None:
        match event:
            case Replied(text=text):
                self._line("customer", text)
            case ShopHappened(kind=kind):
                self._line("event", kind)
            case ApiCalled(by=by):
                self._line("event", f"started by {by}")
            case ConsentChanged(consent=consent):
                self._line("event", f"consent: {consent}")
            case _:
                pass

    def _report(self) -> None:
        """Take over what the person has newly done and asked for: lines and future events."""
        person = self.person
        moved, person.moved = person.moved, {}
        for one in moved.values():
            self._show(one)
        self.said += [why for _, said in person.said for why in said]
        sends, person.sends = person.sends, []
        calls, person.calls = person.calls, []
        person.said = []
        for sent in sends:
            self._deliver(sent)
        for call in calls:
            self._put(self.now, HttpAnswered(call.call.seq, ok=True, status=200), call.run_id)

    def _show(self, moved: Moved) -> None:
        run = self.runs[moved.active.run.id] = moved.active.run
        for visit in moved.trace:
            if visit.kind == "start":
                continue
            self.trace.append(visit)
            self._line("flow", _visit_words(visit), visit.step)
        if run.status != "waiting":
            self._line("end", f"{run.status}: {run.reason}" if run.reason else run.status)

    def _deliver(self, sent: Sent) -> None:
        self.asked += 1
        told = [one for one in self.script if one.on_message == self.asked]
        verdict: VerdictState = next((one.verdict for one in told if one.verdict), "sent")
        if sent.run_id:
            self._put(self.now, Verdict(sent.send.seq, verdict), sent.run_id)
        if verdict == "sent":
            self.messages.append(sent.send.content)
            self._line("message", plain(sent.send.content), sent.send.step)
        for one in told:
            self._schedule(one, self.now)

    def _line(self, who: Any, text: str, step: str = "") -> None:
        self.lines.append(Line(self.now, who, text, step))

    def _transcript(self) -> Transcript:
        main = next(iter(self.runs.values()), None)
        return Transcript(
            self.lines,
            self.messages,
            self.trace,
            main.status if main else "not started",
            main.reason if main else "; ".join(self.said),
            main.wait.until if main and main.wait else None,
            self.person.contact,
        )


def _options(content: Content) -> Iterator[tuple[str, str]]:
    """`(payload, label)` of all that can be tapped."""
    match content:
        case Buttons(options=options) | Choices(options=options):
            for option in options:
                yield option.payload, option.label
        case Template(buttons=buttons):
            for button in buttons:
                if button.kind == "quick_reply":
                    yield button.value, ""
        case _:
            return


def _visit_words(visit: Visit) -> str:
    match visit.did:
        case "left":
            said = f"left by {visit.exit}" if visit.exit else "the end"
        case "waits":
            return visit.why or "waits"
        case _:
            said = visit.did
    return f"{said}: {visit.why}" if visit.why else said
