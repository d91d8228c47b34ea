"""A flow under a fake clock: the same core as live, with a pretend gateway and customer. PURE.

Messages get their verdict at once unless the script or the world's post says otherwise, webhooks
an empty 200, and other automations come to their end; time jumps to whatever is due next. Used by
`tiptoe flow simulate`, golden tests, saved tests, the builder's try-outs (`engine/tryout.py`) and
the demo's bookkeeping.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from engine.asked import Moved, Sent
from engine.person import Person
from engine.scene import Active, Live, Words
from engine.stand_in import Leaving, StandIn, answer_for, changed, going, tap_on
from engine.transcript import Line, Transcript, event_words, visit_words
from flows.contact import Contact
from flows.content import (
    Content,
    Text,
    plain,
)
from flows.document import AnyFlow
from flows.duration import parse_duration
from flows.events import (
    AIMED,
    ApiCalled,
    Event,
    HttpAnswered,
    Occasion,
    Replied,
    Retried,
    ShopHappened,
    Started,
    SubFlowEnded,
    TimerDue,
    Verdict,
)
from flows.run import Visit
from flows.scenario import Answer, Scripted

EVENTS_LIMIT = 10_000  # happenings of one simulation; more is a loop that waits a second each time
VISITS_LIMIT = 50_000  # steps of one simulation; more is such a loop of many steps
SIMULATED = 0  # the id of a flow that is no stored automation: none of those has it


class Pretend(Struct, frozen=True, kw_only=True):
    """The world of a simulation. `seed`: the number of the first run, which decides its splits;
    `splits`: steps that go one way whatever is drawn, by id. `automation`: the flow's own number,
    when it has one. `post`: when a message would leave, and how it fares; None: at once, and well.
    """

    contact: Contact
    start: datetime
    lasts: timedelta = timedelta(days=30)
    others: Sequence[Live] = ()
    words: Words = Words()
    answers: Sequence[Answer] = ()
    seed: int = 1
    splits: Mapping[str, str] = {}
    automation: int = SIMULATED
    post: Callable[[Sent, Contact, datetime], Leaving] | None = None


def simulate(
    flow: AnyFlow,
    first: Event,
    script: Sequence[Scripted],
    world: Pretend,
    *,
    between: Callable[[Person], Person] = lambda person: person,
) -> Transcript:
    """Run `flow` from its `first` event through `script` for at most `world.lasts`. A `first` of
    Started begins a run at once, whoever may enter otherwise.

    `between` is called between every two events (tests store and reload everything there).
    """
    return Simulation(flow, script, world, between).play(first)


class Simulation:
    """One simulation under way; it is played once. Who wants to know more of it than the transcript
    tells listens in: a subclass (`engine/tryout.py`).
    """

    def __init__(
        self,
        flow: AnyFlow,
        script: Sequence[Scripted],
        world: Pretend,
        between: Callable[[Person], Person],
    ) -> None:
        ids = itertools.count(world.seed)
        live = [Live(world.automation, 1, going(flow, world.splits)), *world.others]
        self.person: Person = StandIn(world.contact, [], live, {}, world.words, lambda: next(ids))
        self.live = live[0]
        self.now = world.start
        self.end = world.start + world.lasts
        self.between = between
        self.script = list(script)
        self.answers = world.answers
        self.post = world.post
        self.asked: Counter[str] = Counter()
        self.queue: list[tuple[datetime, int, Event | Scripted, int]] = []
        self.order = itertools.count()
        self.lines: list[Line] = []
        self.sent = 0
        self.underway: dict[tuple[int, int], Sent] = {}
        self.queued: set[tuple[int, int]] = set()
        self.ahead: datetime | None = None
        self.messages: list[Content] = []
        self.trace: list[Visit] = []
        self.passage: list[Visit] = []
        self.runs: dict[int, Active] = {}
        self.said: list[str] = []

    def play(self, first: Event) -> Transcript:
        """Let everything happen. `ahead` is then when the next thing would."""
        self._put(self.now, self._aimed(first))
        for one in self.script:
            if one.on_message is None:
                self._put(self.now + parse_duration(one.after), one)
        for _ in range(EVENTS_LIMIT):
            due = self._next()
            if due is None or due[0] > self.end:
                self.ahead = due[0] if due else None
                break
            if len(self.trace) >= VISITS_LIMIT:
                self._line("end", f"the simulation ends here: {VISITS_LIMIT:,} steps were taken")
                break
            at, what, run_id = due
            self.now = max(self.now, at)
            event = self._event(what) if isinstance(what, Scripted) else what
            if event is not None:
                self._happen(event, run_id)
            if isinstance(what, Scripted) and what.contact:
                self.person.contact = changed(self.person.contact, what.contact)
            if event is not None:
                self._let(event, run_id)
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

    def _event(self, one: Scripted) -> Event | None:
        """What a line of the script means at the moment it happens."""
        if one.event is not None:
            return self._aimed(one.event)
        if one.tap is not None:
            self._overtake()
            return tap_on(self.messages, one.tap)
        return None if one.say is None else Replied(one.say, Text(one.say))

    def _aimed(self, event: Event) -> Event:
        """An event for an automation that is not here is for the flow that is."""
        if isinstance(event, ApiCalled | Occasion | ShopHappened):
            here = [one.automation_id for one in self.person.live]
            anybody = isinstance(event, ShopHappened) and not event.automation_id
            if event.automation_id not in here and not anybody:
                return structs.replace(event, automation_id=self.live.automation_id)
        return event

    def _happen(self, event: Event, run_id: int) -> None:
        """What an event means for the world around the flow: the phone and the chat."""
        contact = self.person.contact
        match event:
            case Replied(text=text):  # live, the webhook that brings it opens the window
                self._overtake()
                self._line("customer", text)
                said = {"last_inbound_at": self.now, "last_message": text}
                self.person.contact = structs.replace(contact, **said)
            case Verdict(seq=seq, state="sent"):
                sent = self.underway.pop((run_id, seq), None)
                self.queued.discard((run_id, seq))
                if sent is not None and self._waits_for(sent):
                    self._arrive(sent)
                self.person.contact = structs.replace(contact, last_outbound_at=self.now)
            case _ if words := event_words(event):
                self._line("event", words)
            case _:
                pass

    def _let(self, event: Event, run_id: int) -> None:
        """Let it happen to the person, and see what came of it."""
        person = self.person
        if isinstance(event, Started) and isinstance(person, StandIn):
            person.begin(self.live, event, self.now)
        else:
            if isinstance(event, AIMED) and not run_id:  # of the script: it means the watched run
                run_id = self._watched()
            if isinstance(event, Retried) and run_id in self.runs:
                person.runs.setdefault(run_id, self.runs[run_id])
            person.happen(event, self.now, run_id)
        self._report()

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
            self._send(sent)
        for call in calls:
            answer = self._answer(call.call.step)
            ok = 200 <= answer.status < 300  # noqa: PLR2004  HTTP's own
            told = HttpAnswered(call.call.seq, ok, answer.status, answer.body, answer.reason)
            self._put(self.now + parse_duration(answer.after), told, call.run_id)
        if isinstance(person, StandIn):
            called, person.called = person.called, []
            for run_id, effect in called:
                answer = self._answer(effect.step)
                ended = SubFlowEnded(
                    effect.seq, answer.result, answer.values, answer.failed, answer.reason
                )
                self._put(self.now + parse_duration(answer.after), ended, run_id)

    def _show(self, moved: Moved) -> None:
        run = moved.active.run
        self.runs[run.id] = moved.active
        for visit in moved.trace:
            if visit.kind == "start":
                continue
            self.trace.append(visit)
            if run.id == self._watched():
                self.passage.append(visit)
            self._line("flow", visit_words(visit), visit.step)
        if run.status != "waiting":
            self._line("end", f"{run.status}: {run.reason}" if run.reason else run.status)

    def _answer(self, step: str) -> Answer:
        self.asked[step] += 1
        self.asked[""] += 1
        return answer_for(self.answers, self.asked, step)

    def _send(self, sent: Sent) -> None:
        self.sent += 1
        told = [one for one in self.script if one.on_message == self.sent]
        verdict = next((one for one in told if one.verdict), Scripted(verdict="sent"))
        alone = not any((verdict.say, verdict.tap, verdict.event))
        delay = parse_duration(verdict.after) if alone else timedelta(0)
        state, reason = verdict.verdict or "sent", verdict.reason
        if self.post is not None:
            leaving = self.post(sent, self.person.contact, self.now)
            delay += leaving.at - self.now
            if verdict not in told:
                state, reason = leaving.state, leaving.reason
            if leaving.at > self.now:
                self.queued.add((sent.run_id, sent.send.seq))
        if not delay and state == "sent":
            self._arrive(sent)
        elif state == "sent":
            self.underway[sent.run_id, sent.send.seq] = sent
        if sent.run_id:
            event = Verdict(sent.send.seq, state, reason)
            if verdict.contact and alone:
                self._put(self.now + delay, Scripted(contact=verdict.contact))
            self._put(self.now + delay, event, sent.run_id)
        for one in told:
            if one is not verdict or not alone:
                self._put(self.now + parse_duration(one.after), one)

    def _overtake(self) -> None:
        """The contact answers: what is underway has come to their phone before its verdict; what
        still stands in the queue has not.
        """
        underway = self.underway
        self.underway = {key: one for key, one in underway.items() if key in self.queued}
        for key, sent in underway.items():
            if key not in self.queued and self._waits_for(sent):
                self._arrive(sent)

    def _waits_for(self, sent: Sent) -> bool:
        """Whether the run still waits for this message: else it was recalled."""
        active = self.person.runs.get(sent.run_id)
        return active is not None and active.run.seq == sent.send.seq

    def _arrive(self, sent: Sent) -> None:
        self.messages.append(sent.send.content)
        self._line("message", plain(sent.send.content), sent.send.step)

    def _watched(self) -> int:
        """The first run of the flow that is simulated; 0 before it began."""
        mine = (
            one for one, run in self.runs.items() if run.automation_id == self.live.automation_id
        )
        return next(mine, 0)

    def _line(self, who: Any, text: str, step: str = "") -> None:
        self.lines.append(Line(self.now, who, text, step))

    def _transcript(self) -> Transcript:
        watched = self.runs.get(self._watched())
        main = watched.run if watched else None
        return Transcript(
            self.lines,
            self.messages,
            self.trace,
            main.status if main else "not started",
            main.reason if main else "; ".join(self.said),
            main.wait.until if main and main.wait else None,
            self.person.contact,
            self.passage,
            main.goal if main else "",
        )
