"""Everything that happens to one contact, in order. PURE.

The runner and the simulator both feed a Person its events; a Person feeds `route` and `advance`
and keeps what came of it, to be written (or shown) afterwards. Ids are made by whoever asks.
What an event changes about the contact happens to them in turn: a new tag may start another
automation, in the same breath.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from msgspec import structs

from engine.advance import Advance, advance
from engine.asked import Call, Changed, Moved, Sent
from engine.changes import changes_of
from engine.enter import TESTED, may_enter, may_test
from engine.route import NOBODY_STARTS, route
from engine.scene import Active, Lineup, Live, Routing, Scene, Start, Words
from flows.contact import Contact
from flows.content import Text
from flows.document import AnyFlow
from flows.effects import (
    AddNote,
    Assign,
    Block,
    CallWebhook,
    ChangeLists,
    ChangeTags,
    Effect,
    Send,
    SetConsent,
    SetField,
    StartAutomation,
    StartSubFlow,
    StopOthers,
)
from flows.events import (
    AIMED,
    ApiCalled,
    ConsentChanged,
    Event,
    FieldChanged,
    ListsChanged,
    MovedTo,
    Replied,
    Started,
    Stopped,
    SubFlowEnded,
    TagsChanged,
)
from flows.run import Run, Visit
from steps.start_automation import CHAIN_LIMIT

CHANGES = frozenset((TagsChanged, ListsChanged, FieldChanged))
STARTS_PER_EVENT = 50  # a fan-out wider than this is a mistake, not a campaign
TURNS_PER_EVENT = 1_000  # things that follow from one event; more is runs going round in a loop
ASKS = (Send, CallWebhook, StartAutomation, StartSubFlow)  # what a run that was stopped does not
_fingerprint = msgspec.json.Encoder(order="deterministic")


class Person:
    """One contact with their runs. Not shared, not stored: made for a batch, read, forgotten.

    `revisions`: the flows that events of this batch may move a run to.
    """

    def __init__(
        self,
        contact: Contact,
        runs: Sequence[Active],
        live: Lineup | Sequence[Live],
        entered: Mapping[int, datetime],
        words: Words,
        new_id: Callable[[], int],
        revisions: Mapping[int, AnyFlow] | None = None,
    ) -> None:
        self.contact = contact
        self.runs = {active.run.id: active for active in runs}
        self.live = live if isinstance(live, Lineup) else Lineup(live)
        self.entered = dict(entered)
        self.words = words
        self.new_id = new_id
        self.revisions = revisions or {}
        self.moved: dict[int, Moved] = {}
        self.sends: list[Sent] = []
        self.calls: list[Call] = []
        self.changes: list[Changed] = []
        self.recalled: list[int] = []
        self.said: list[tuple[Event, tuple[str, ...]]] = []
        self._answering = False
        self._starts_left = STARTS_PER_EVENT
        self._later: deque[tuple[Event, int]] = deque()
        self._printed: tuple[Contact, int] | None = None

    def happen(self, event: Event, now: datetime, run_id: int = 0) -> None:
        """Let `event` happen; `run_id` for those aimed at one run (verdicts, timers, answers)."""
        self._answering = isinstance(event, Replied)
        self._starts_left = STARTS_PER_EVENT
        self._take(event, run_id, now)
        for _ in range(TURNS_PER_EVENT):
            if not self._later:
                return
            self._take(*self._later.popleft(), now)
        self._cut_short(now)

    def next_timer(self) -> tuple[datetime, int, int] | None:
        """`(due, run id, seq)` of the earliest timer among the waiting runs."""
        first: tuple[datetime, int, int] | None = None
        for run_id, active in self.runs.items():
            wait = active.run.wait
            if wait is not None and wait.until is not None:
                timer = (wait.until, run_id, active.run.seq)
                first = timer if first is None else min(first, timer)
        return first

    def _take(self, event: Event, run_id: int, now: datetime) -> None:
        """One event: for one run, or for all of them but `run_id`, which caused it."""
        if isinstance(event, AIMED):
            active = self.runs.get(run_id)
            if active is not None and isinstance(event, MovedTo):
                self._move(active, event, now)
            elif active is not None:
                self._advance(active, event, now)
            return
        others = [active for active in self.runs.values() if active.run.id != run_id]
        if type(event) in CHANGES and not others and not self.live.hearing(type(event)):
            self.said.append((event, (NOBODY_STARTS,)))  # the usual case: nobody is concerned
            return
        scene = Scene(self.contact, others, self.live, self.entered, self.words)
        self._follow(route(event, scene, now), event, now)

    def _cut_short(self, now: datetime) -> None:
        """Nobody hears of what else would follow; runs that call others in a loop are ended."""
        while self._later:
            event, run_id = self._later.popleft()
            if isinstance(event, AIMED):
                why = "the flow goes round in a loop: it calls other automations without a wait"
                self._stop(run_id, why, now)
            else:
                self.said.append((event, ("more followed from one event than may",)))

    def _follow(self, routing: Routing, event: Event, now: datetime) -> None:
        self.said.append((event, routing.why))
        before, touched = self.contact, len(self.moved)
        if routing.consent is not None and routing.consent != before.consent:
            self.contact = structs.replace(before, consent=routing.consent)
        # Whoever reports a change has written it down; by now somebody may know better.
        if routing.consent is not None and not isinstance(event, ConsentChanged):
            self.changes.append(Changed(0, SetConsent(routing.consent, "message")))
            self._later.extend((one, 0) for one in changes_of(before, self.contact, 0, 0))
        for stop in routing.stops:
            self._stop(stop.run_id, stop.reason, now)
        for run_id in routing.resumes:
            if run_id in self.runs:
                self._advance(self.runs[run_id], event, now)
        for start in routing.starts:
            self._start_still(start, touched, event, now)
        if routing.confirm:
            self.sends.append(Sent(0, 0, Send("", 0, Text(routing.confirm)), answer=True))

    def _start_still(self, start: Start, touched: int, event: Event, now: datetime) -> None:
        """What this event led to already may have begun the same automation: ask once more."""
        live = start.live
        begun = islice(self.moved.values(), touched, None)
        if any(one.new and one.active.automation_id == live.automation_id for one in begun):
            runs = list(self.runs.values())
            scene = Scene(self.contact, runs, self.live, self.entered, self.words)
            allowed, why, instead = may_enter(live, scene, runs, start.data, now)
            if not allowed:
                self.said.append((event, (f"{live.flow.name}: {why}",)))
                return
            start = structs.replace(start, instead_of=instead)
        self._start(start, now)

    def _start(self, start: Start, now: datetime, parent: tuple[int, int] | None = None) -> None:
        if self._starts_left <= 0:
            return
        self._starts_left -= 1
        for run_id in start.instead_of:
            self._stop(run_id, "started again", now)
        live = start.live
        run = Run(self.new_id(), chain=start.chain, parent=parent)
        active = Active(run, live.automation_id, live.revision_id, live.flow)
        self.entered[live.automation_id] = now
        self.runs[run.id] = active
        begins = {"chain": start.chain, "parent": parent, "revision": live.revision_id}
        line = Visit("", "start", 0, now, "noted", "", start.why, begins)
        self.moved[run.id] = Moved(active, start.trigger, start.cart_id, new=True, trace=[line])
        self._advance(active, Started(start.trigger, start.data), now)

    def _move(self, active: Active, move: MovedTo, now: datetime) -> None:
        """Put a run on another step, perhaps of another revision. What it leaves is recalled."""
        run = active.run
        if move.from_step not in ("", run.step):
            return
        if move.revision_id not in (0, active.revision_id):
            flow = self.revisions.get(move.revision_id)
            if flow is None:
                return
            active = structs.replace(active, revision_id=move.revision_id, flow=flow)
        if run.wait is not None and (move.step != run.step or move.again):
            if "verdict" in run.wait.for_ and active.sent:
                move = structs.replace(move, left=True)
            elif run.wait.for_ & {"verdict", "http"}:
                self._recall(run.id)
            elif "sub_flow" in run.wait.for_:
                self._stop_called(run.id, "the automation that waits for it was moved", now)
        self._advance(active, move, now)

    def _stop(self, run_id: int, reason: str, now: datetime) -> None:
        if run_id in self.runs:
            self._advance(self.runs[run_id], Stopped(reason), now)

    def _advance(self, active: Active, event: Event, now: datetime) -> None:
        run_id, before = active.run.id, self.contact
        result = advance(active.flow, active.run, event, contact=before, now=now, seed=run_id)
        if result.run is active.run and not result.trace:
            return
        run = structs.replace(result.run, seen=self._print(result.contact))
        after = structs.replace(active, run=run)
        self._keep(after, result, event, before, active.run.seen)
        self.contact = result.contact
        if run.status == "waiting":
            self.runs[run_id] = after
        else:
            self._ended(run, now)
        # A run that waited long is as deep in the chain as the change that woke it.
        chain: int = max(run.chain, getattr(event, "chain", 0))
        if result.contact is not before and chain < CHAIN_LIMIT:
            happened = changes_of(before, result.contact, run_id, chain + 1)
            self._later.extend((one, run_id) for one in happened)
        for effect in result.effects:
            stopped = run.status == "waiting" and run_id not in self.runs  # by what it started
            if not (stopped and isinstance(effect, ASKS)):
                self._carry(effect, after, chain + 1, now)

    def _ended(self, run: Run, now: datetime) -> None:
        """Tell the run that waits for this one; take along those that this one waits for."""
        del self.runs[run.id]
        if run.status == "stopped":
            self._recall(run.id)
        if run.parent is not None:
            parent_id, seq = run.parent
            failed = run.status != "done"
            told = SubFlowEnded(seq, run.result, run.returned, failed, run.reason if failed else "")
            self._later.append((told, parent_id))
        if run.status == "stopped":
            self._stop_called(run.id, "the automation that waits for it was stopped", now)

    def _stop_called(self, run_id: int, why: str, now: datetime) -> None:
        for other in list(self.runs.values()):
            if other.run.parent is not None and other.run.parent[0] == run_id:
                self._stop(other.run.id, why, now)

    def _keep(
        self, after: Active, result: Advance, event: Event, before: Contact, seen: int
    ) -> None:
        """Add to what is written; the first line says what happened and whom it happened to."""
        moved = self.moved.get(after.run.id)
        if moved is None:
            moved = self.moved[after.run.id] = Moved(after, trace=[])
        moved.active = after
        first = len(moved.trace)
        if isinstance(event, Started):
            first = 0  # its own line is there already
        moved.trace.extend(result.trace)
        if first < len(moved.trace):
            told: dict[str, Any] = {**moved.trace[first].data, "event": event}
            if self._print(before) != seen:
                told["contact"] = before
            moved.trace[first] = structs.replace(moved.trace[first], data=told)

    def _print(self, contact: Contact) -> int:
        """A number that is the same as long as nothing about the contact is different."""
        if self._printed is None or self._printed[0] is not contact:
            self._printed = (contact, zlib.crc32(_fingerprint.encode(contact)))
        return self._printed[1]

    def _recall(self, run_id: int) -> None:
        """What the run has asked for but not got away: gone, here and in the queue."""
        self.recalled.append(run_id)
        self.sends = [sent for sent in self.sends if sent.run_id != run_id]
        self.calls = [call for call in self.calls if call.run_id != run_id]

    def _carry(self, effect: Effect, active: Active, chain: int, now: datetime) -> None:
        """`chain`: how many automations led to what begins by this."""
        run_id = active.run.id
        match effect:
            case Send():
                over = active.flow.over_budget
                self.sends.append(Sent(run_id, active.automation_id, effect, self._answering, over))
            case CallWebhook():
                self.calls.append(Call(run_id, effect))
            case StartAutomation(automation_id=automation_id, data=data):
                if chain <= CHAIN_LIMIT:
                    asked = ApiCalled(automation_id, data, "automation", chain)
                    self._take(asked, 0, now)
            case StartSubFlow():
                self._start_sub_flow(structs.replace(effect, chain=chain), run_id, now)
            case StopOthers():
                self._stop_others(effect, active, now)
            case (
                ChangeTags()
                | ChangeLists()
                | SetField()
                | SetConsent()
                | AddNote()
                | Block()
                | Assign()
            ):
                self.changes.append(Changed(run_id, effect))
            case _:
                pass

    def _start_sub_flow(self, effect: StartSubFlow, run_id: int, now: datetime) -> None:
        """Like a call: who may enter on their own account is not asked."""
        live = self.live.find(effect.automation_id)
        reason = ""
        if live is None:
            reason = f"automation {effect.automation_id} is not live"
        elif not may_test(live, self.contact.id):
            reason = f"{live.flow.name} {TESTED}"
        elif effect.chain > CHAIN_LIMIT:
            reason = f"{CHAIN_LIMIT} automations have started one another already"
        elif self._starts_left <= 0:
            reason = f"more than {STARTS_PER_EVENT} automations would start at once"
        if live is None or reason:
            told = SubFlowEnded(effect.seq, failed=True, reason=reason)
            self._later.append((told, run_id))
            return
        start = Start(live, "", effect.data, f"called by step “{effect.step}”", effect.chain)
        self._start(start, now, parent=(run_id, effect.seq))

    def _stop_others(self, effect: StopOthers, active: Active, now: datetime) -> None:
        family = {active.run.id}
        parent = active.run.parent
        while parent is not None and parent[0] in self.runs:
            family.add(parent[0])
            parent = self.runs[parent[0]].run.parent
        for other in list(self.runs.values()):
            wanted = not effect.automations or other.automation_id in effect.automations
            if wanted and other.run.id not in family:
                self._stop(other.run.id, effect.reason or f"stopped by {active.flow.name}", now)
