"""The loop: move one run until it waits or ends. PURE.

No clock, I/O, randomness or id-making in here, and nothing is raised for a bad flow: the run
fails with a reason that names the step. Live running, simulator, saved tests and replay all
call this one function.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from flows.contact import Contact
from flows.document import AnyFlow
from flows.effects import (
    Assign,
    Block,
    ChangeLists,
    ChangeTags,
    Effect,
    ReachGoal,
    Return,
    SetConsent,
    SetField,
)
from flows.events import (
    Event,
    HttpAnswered,
    MovedTo,
    Replied,
    Retried,
    Started,
    Stopped,
    SubFlowEnded,
    TimerDue,
    Verdict,
)
from flows.run import Run, Visit, WaitFor, Waiting
from flows.step import Context, Fail, Leave, Outcome, Stay, Step, Wait, kind_of
from flows.trouble import FlowError

STEPS_PER_ADVANCE = 1_000  # the longest flow allowed; more without a wait is a loop
NO_VARIABLES: dict[str, Any] = {}
ANSWERS: dict[type, WaitFor] = {Verdict: "verdict", HttpAnswered: "http", SubFlowEnded: "sub_flow"}


class Advance(Struct, frozen=True):
    """What came of an event: the run as it is now, the contact as the run sees it, what is asked
    for, and the trace in words. An event the run does not wait for changes nothing.
    """

    run: Run
    contact: Contact
    effects: list[Effect]
    trace: list[Visit]


def advance(
    flow: AnyFlow, run: Run, event: Event, *, contact: Contact, now: datetime, seed: int = 0
) -> Advance:
    """Give `event` to `run` and move it until it waits or ends. Deterministic in its arguments."""
    # A failed run is only seen here when it is to try again; it may be ended before it does.
    again = run.status == "failed" and isinstance(event, Retried | Stopped)
    if run.status != "waiting" and not again:
        return Advance(run, contact, [], [])
    return _Passage(flow, run, contact, now, seed).take(event)


class _Passage:
    """One advance in progress: the only mutable thing of the core, gone when it returns."""

    __slots__ = ("contact", "ctx", "effects", "flow", "now", "run", "seed", "steps", "trace")

    def __init__(self, flow: AnyFlow, run: Run, contact: Contact, now: datetime, seed: int) -> None:
        self.flow = flow
        self.steps = flow.steps
        self.run = run
        self.contact = contact
        self.now = now
        self.seed = seed
        self.effects: list[Effect] = []
        self.trace: list[Visit] = []
        self.ctx: Context | None = None

    def take(self, event: Event) -> Advance:
        run = self.run
        match event:
            case Started(data=data) if run.step is None:
                self.run = structs.replace(run, variables={**run.variables, **data})
                self._walk(self.flow.start)
            case Stopped(reason=reason, from_step=from_step):
                if from_step in ("", run.step):
                    self._end("stopped", reason)
            case MovedTo():
                self._move(event)
            case Retried(why=why):
                self._note(run.step or "", why)
                self.run = structs.replace(run, status="waiting", reason="")
                self._arrive(run.step or self.flow.start)
            case _ if run.wait is not None:
                self._hear(event, run.wait)
            case _:
                pass
        return Advance(self.run, self.contact, self.effects, self.trace)

    def _hear(self, event: Event, wait: Waiting) -> None:
        """Resume if this is what the run waits for; late answers and timers miss by their `seq`."""
        match event:
            case Replied() if "verdict" in wait.for_:
                # The answer overtook the verdict: what they answer must have been sent.
                self._resume(
                    Verdict(self.run.seq, "sent", "the contact answered before the verdict")
                )
                if self.run.wait is not None and "reply" in self.run.wait.for_:
                    self._resume(event)
            case Verdict() | HttpAnswered() | SubFlowEnded():
                if ANSWERS[type(event)] in wait.for_ and event.seq == self.run.seq:
                    self._resume(event)
            case TimerDue(seq=seq):
                if wait.until is not None and seq == self.run.seq and self.now >= wait.until:
                    self._resume(event)
            case Replied():
                if "reply" in wait.for_:
                    self._resume(event)
            case _ if "event" in wait.for_:
                self._resume(event)
            case _:
                pass

    def _move(self, move: MovedTo) -> None:
        """Put the run on another step; nothing that has left is sent again by it."""
        run, step = self.run, self.steps.get(move.step)
        if move.from_step not in ("", run.step):
            return
        if step is None:
            self._end("failed", f"step “{move.step}” is not in this flow")
            return
        self._note(move.step, move.why)
        if move.step == run.step and not move.again:
            return
        sent = run.sent | {run.step} if move.left and run.step else run.sent
        self.run = structs.replace(run, seq=run.seq + 1, wait=None, sent=sent)
        if move.again:
            self._walk(move.step)
        else:
            self._arrive(move.step)

    def _arrive(self, step_id: str | None) -> None:
        """Enter a step out of turn; what has left from it before counts as sent."""
        step = self.steps.get(step_id or "")
        if step_id is not None and step is not None and step_id in self.run.sent:
            outcome = self._ask(step_id, step, None, sent=True)
            step_id = self._settle(step_id, step, outcome)
        self._walk(step_id)

    def _resume(self, event: Event) -> None:
        step_id = self.run.step
        step = self.steps.get(step_id or "")
        if step_id is None or step is None:
            self._end("failed", f"step “{step_id}” is not in this flow any more")
            return
        outcome = self._ask(step_id, step, event)
        if type(event) is Verdict and event.state == "sent":
            self.run = structs.replace(self.run, sent=self.run.sent | {step_id})
            self.ctx = None
        target = self._settle(step_id, step, outcome)
        if target is not None:
            self._walk(target)

    def _walk(self, step_id: str | None) -> None:
        """Enter steps one after the other until one waits or the run ends."""
        for _ in range(STEPS_PER_ADVANCE):
            if step_id is None:
                return
            step = self.steps.get(step_id)
            if step is None:
                self.run = structs.replace(self.run, step=step_id)
                self._end("failed", f"step “{step_id}” does not exist")
                return
            if step_id in self.run.sent:  # it comes by once more, so another message is meant
                self.run = structs.replace(self.run, sent=self.run.sent - {step_id})
                self.ctx = None
            step_id = self._settle(step_id, step, self._ask(step_id, step, None))
        if step_id is not None:
            self.run = structs.replace(self.run, step=step_id)
            self._end(
                "failed",
                f"{STEPS_PER_ADVANCE} steps in a row without a wait, last “{step_id}”: "
                "the flow goes round in a loop",
            )

    def _ask(self, step_id: str, step: Step, event: Event | None, *, sent: bool = False) -> Outcome:
        ctx = self.ctx
        if ctx is None:
            ctx = self.ctx = Context(
                self.run,
                step_id,
                self.run.seq + 1,
                self.contact,
                self.now,
                self.seed,
                self.steps,
                self.flow.language,
            )
        else:
            ctx.step = step_id
            ctx.seq = self.run.seq + 1
        try:
            if event is not None:
                return step.resume(ctx, event)
            return step.enter_again(ctx) if sent else step.enter(ctx)
        except FlowError as error:
            return Fail(str(error))
        except Exception as error:  # noqa: BLE001  a faulty kind fails its run, never the batch
            return Fail(f"internal fault of this kind: {type(error).__name__}: {error}")

    def _settle(self, step_id: str, step: Step, outcome: Outcome) -> str | None:
        """Book an outcome; the step to enter next, or None when the run waits or ended."""
        run = self.run
        if type(outcome) is Leave:
            self._visit(step_id, step, "left", outcome.exit, outcome.why, outcome.saw)
            if outcome.effects:
                self._fold(outcome.effects)
            if outcome.result is not None:
                answers = {**run.variables.get("answers", NO_VARIABLES), step_id: outcome.result}
                self.run = structs.replace(
                    self.run, variables={**run.variables, "answers": answers}
                )
                self.ctx = None
            target = step.next.get(outcome.exit)
            if target is None:
                self.run = structs.replace(self.run, step=step_id)
                self._end("done", f"“{outcome.exit}” leads nowhere" if outcome.exit else "")
            return target
        if type(outcome) is Wait:
            self._visit(step_id, step, "waits", "", outcome.why)
            if outcome.effects:
                self._fold(outcome.effects)
            wait = Waiting(outcome.for_, outcome.until, outcome.note)
            self.run = structs.replace(self.run, step=step_id, seq=run.seq + 1, wait=wait)
            self.ctx = None
            return None
        if type(outcome) is Stay:
            return None
        assert isinstance(outcome, Fail)  # noqa: S101  the union is closed
        said = f"{step.name or step.label} ({step_id}): {outcome.reason}"
        self._visit(step_id, step, "failed", "", outcome.reason)
        self.run = structs.replace(self.run, step=step_id)
        self._end("failed", said)
        return None

    def _fold(self, effects: tuple[Effect, ...]) -> None:
        """Keep what is asked for, and let the rest of this advance already see it done."""
        self.effects.extend(effects)
        for effect in effects:
            match effect:
                case ChangeTags(add=add, remove=remove):
                    self.contact = self.contact.with_tags(add, remove)
                case SetField(name=name, value=value):
                    self.contact = self.contact.with_field(name, value)
                case SetConsent(consent=consent):
                    self.contact = structs.replace(self.contact, consent=consent)
                case ChangeLists(add=add, remove=remove):
                    self.contact = self.contact.on_lists(add, remove)
                case Block(blocked=blocked):
                    self.contact = structs.replace(self.contact, blocked=blocked)
                case Assign(hand_over=True):
                    self.contact = structs.replace(self.contact, handed_over=True)
                case ReachGoal(goal=goal, value=value):
                    self.run = structs.replace(self.run, goal=goal, goal_value=value)
                case Return(result=result, values=values):
                    self.run = structs.replace(self.run, result=result, returned=values)
                case _:
                    continue
            self.ctx = None

    def _visit(
        self,
        step_id: str,
        step: Step,
        did: Any,
        exit_name: str,
        why: str,
        saw: dict[str, Any] = NO_VARIABLES,
    ) -> None:
        data = {"saw": saw} if saw else NO_VARIABLES
        self.trace.append(
            Visit(step_id, kind_of(step), self.run.seq, self.now, did, exit_name, why, data)
        )

    def _note(self, step_id: str, why: str) -> None:
        step = self.steps.get(step_id)
        kind = kind_of(step) if step else ""
        self.trace.append(Visit(step_id, kind, self.run.seq, self.now, "noted", "", why))

    def _end(self, status: Any, reason: str) -> None:
        if status != "done" and not (self.trace and self.trace[-1].did == "failed"):
            step_id = self.run.step or ""
            step = self.steps.get(step_id)
            kind = kind_of(step) if step else ""
            self.trace.append(Visit(step_id, kind, self.run.seq, self.now, "ended", "", reason))
        self.run = structs.replace(self.run, status=status, wait=None, reason=reason)
