"""Everything that happens to one contact, in order. PURE.

The runner and the simulator both feed a Person its events; a Person feeds `route` and `advance`
and keeps what came of it, to be written (or shown) afterwards. Ids are made by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from engine.advance import Advance, advance
from engine.route import Active, Live, Routing, Scene, Start, Words, route
from flows.contact import Contact
from flows.content import Text
from flows.effects import (
    CallWebhook,
    ChangeTags,
    Effect,
    Send,
    SetConsent,
    SetField,
    StartAutomation,
)
from flows.events import (
    ApiCalled,
    ConsentChanged,
    Event,
    HttpAnswered,
    Replied,
    Started,
    Stopped,
    TimerDue,
    Verdict,
)
from flows.run import Run, Visit
from steps.start_automation import CHAIN_LIMIT

STARTS_PER_EVENT = 50  # a fan-out wider than this is a mistake, not a campaign


class Moved(Struct):
    """One run that an event touched, as it is now, with all that is new about it."""

    active: Active
    trigger: str = ""
    why: str = ""
    cart_id: int = 0
    new: bool = False
    trace: list[Visit] = []


class Sent(Struct, frozen=True):
    """A message a run asked for. `run_id` 0: the confirmation of a stop or start word.
    `answer`: the contact's own message led to it.
    """

    run_id: int
    automation_id: int
    send: Send
    answer: bool = False


class Call(Struct, frozen=True):
    """A webhook call a run asked for."""

    run_id: int
    call: CallWebhook


class Person:
    """One contact with their runs. Not shared, not stored: made for a batch, read, forgotten."""

    def __init__(
        self,
        contact: Contact,
        runs: Sequence[Active],
        live: Sequence[Live],
        entered: dict[int, datetime],
        words: Words,
        new_id: Callable[[], int],
    ) -> None:
        self.contact = contact
        self.runs = {active.run.id: active for active in runs}
        self.live = live
        self.entered = dict(entered)
        self.words = words
        self.new_id = new_id
        self.moved: dict[int, Moved] = {}
        self.sends: list[Sent] = []
        self.calls: list[Call] = []
        self.changes: list[ChangeTags | SetField | SetConsent] = []
        self.recalled: list[int] = []
        self.said: list[tuple[Event, tuple[str, ...]]] = []
        self._answering = False
        self._starts_left = STARTS_PER_EVENT

    def happen(self, event: Event, now: datetime, run_id: int = 0) -> None:
        """Let `event` happen; `run_id` for those aimed at one run (verdicts, timers, answers)."""
        self._answering = isinstance(event, Replied)
        self._starts_left = STARTS_PER_EVENT
        if isinstance(event, Verdict | TimerDue | HttpAnswered | Stopped):
            if run_id in self.runs:
                self._advance(self.runs[run_id], event, now)
            return
        scene = Scene(self.contact, list(self.runs.values()), self.live, self.entered, self.words)
        self._follow(route(event, scene, now), event, now)

    def next_timer(self) -> tuple[datetime, int, int] | None:
        """`(due, run id, seq)` of the earliest timer among the waiting runs."""
        timers = [
            (active.run.wait.until, run_id, active.run.seq)
            for run_id, active in self.runs.items()
            if active.run.wait is not None and active.run.wait.until is not None
        ]
        return min(timers, default=None)

    def _follow(self, routing: Routing, event: Event, now: datetime) -> None:
        self.said.append((event, routing.why))
        if routing.consent is not None:
            self.contact = structs.replace(self.contact, consent=routing.consent)
            # Whoever reports a change has written it down; by now somebody may know better.
            if not isinstance(event, ConsentChanged):
                self.changes.append(SetConsent(routing.consent, "message"))
        for stop in routing.stops:
            self._advance(self.runs[stop.run_id], Stopped(stop.reason), now)
        for run_id in routing.resumes:
            self._advance(self.runs[run_id], event, now)
        for start in routing.starts:
            self._start(start, now)
        if routing.confirm:
            self.sends.append(Sent(0, 0, Send("", 0, Text(routing.confirm)), answer=True))

    def _start(self, start: Start, now: datetime) -> None:
        for run_id in start.instead_of:
            if run_id in self.runs:
                self._advance(self.runs[run_id], Stopped("started again"), now)
        if self._starts_left <= 0:
            return
        self._starts_left -= 1
        live = start.live
        run = Run(self.new_id(), chain=start.chain)
        active = Active(run, live.automation_id, live.revision_id, live.flow)
        self.entered[live.automation_id] = now
        self.runs[run.id] = active
        self.moved[run.id] = Moved(
            active, start.trigger, start.why, start.cart_id, new=True, trace=[]
        )
        self._advance(active, Started(start.trigger, start.data), now)

    def _advance(self, active: Active, event: Event, now: datetime) -> None:
        run_id = active.run.id
        result = advance(active.flow, active.run, event, contact=self.contact, now=now, seed=run_id)
        if result.run is active.run and not result.trace:
            return
        after = structs.replace(active, run=result.run)
        self._keep(after, result)
        if result.run.status == "waiting":
            self.runs[run_id] = after
        else:
            del self.runs[run_id]
            if result.run.status == "stopped":
                self._recall(run_id)
        self.contact = result.contact
        for effect in result.effects:
            self._carry(effect, after, now)

    def _keep(self, after: Active, result: Advance) -> None:
        moved = self.moved.get(after.run.id)
        if moved is None:
            self.moved[after.run.id] = Moved(after, trace=list(result.trace))
        else:
            moved.active = after
            moved.trace.extend(result.trace)

    def _recall(self, run_id: int) -> None:
        """What the run has asked for but not got away: gone, here and in the queue."""
        self.recalled.append(run_id)
        self.sends = [sent for sent in self.sends if sent.run_id != run_id]
        self.calls = [call for call in self.calls if call.run_id != run_id]

    def _carry(self, effect: Effect, active: Active, now: datetime) -> None:
        run_id = active.run.id
        match effect:
            case Send():
                self.sends.append(Sent(run_id, active.automation_id, effect, self._answering))
            case CallWebhook():
                self.calls.append(Call(run_id, effect))
            case ChangeTags() | SetField() | SetConsent():
                self.changes.append(effect)
            case StartAutomation(automation_id=automation_id, data=data, chain=chain):
                if chain <= CHAIN_LIMIT:
                    self._other(automation_id, data, chain, now)
            case _:
                pass

    def _other(self, automation_id: int, data: dict[str, Any], chain: int, now: datetime) -> None:
        event = ApiCalled(automation_id, data, "automation", chain)
        scene = Scene(self.contact, list(self.runs.values()), self.live, self.entered, self.words)
        self._follow(route(event, scene, now), event, now)
