"""A try-out played on a flow: what stands on the phone, what happened, what it waits for. PURE.

Rule: it is the simulator of saved tests with somebody listening; it decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

from engine.asked import Moved, Sent
from engine.person import Person
from engine.scene import Words
from engine.simulator import Pretend, Simulation
from engine.stand_in import Leaving
from engine.transcript import Transcript
from engine.tryout import Session
from flows.contact import BUILT_IN_FIELDS, Contact
from flows.content import Content
from flows.document import AnyFlow
from flows.duration import write_duration
from flows.events import (
    Event,
    FieldChanged,
    ListsChanged,
    Replied,
    TagsChanged,
    Verdict,
    VerdictState,
)
from flows.run import Run, Visit
from flows.scenario import Scripted

Post = Callable[[Sent, Contact, datetime], Leaving]
Teller = Literal["flow", "message", "customer", "event", "end"]
Fate = Literal["queued", "sent", "failed", "suppressed", "expired", "recalled"]


class Bubble(Struct):
    """A message of the chat, in or out. `act`: how many things the tester had let happen before it;
    `number`: which of the messages that the flow asked for (from 1; 0 for theirs). While it is
    queued, `at` is when its `coming` fate comes. `why`: what holds it back or became of it, in
    sentences.
    """

    at: datetime
    out: bool
    content: Content
    act: int
    step: str = ""
    number: int = 0
    fate: Fate = "sent"
    coming: VerdictState = "sent"
    reason: str = ""
    why: tuple[str, ...] = ()


class Told(Struct, frozen=True):
    """One line of what happened: a `visit` of a step, or in `text` what else did. `act` as in a
    bubble; of time that passes it is the act itself.
    """

    at: datetime
    who: Literal["flow", "message", "customer", "event", "end", "time", "nobody", "start"]
    act: int
    text: str = ""
    visit: Visit | None = None


class Rehearsal(Struct, frozen=True):
    """How far a try-out has come. `run`: the newest of this automation, None before one began.
    `waits`: why it waits, in its step's words; `held`: its message that has not left yet; `ahead`:
    when the next thing will happen by itself. `passed`: the exits it took. `asked`: when each
    message was asked for. `befell`: by act, what it made different about the contact.
    """

    now: datetime
    transcript: Transcript
    talk: list[Bubble]
    told: list[Told]
    run: Run | None
    waits: str
    held: Bubble | None
    ahead: datetime | None
    passed: list[tuple[str, str]]
    asked: list[datetime]
    befell: dict[int, dict[str, Any]]


def rehearse(
    flow: AnyFlow,
    session: Session,
    contact: Contact,
    *,
    words: Words = Words(),  # noqa: B008  an immutable value
    automation: int = 0,
    post: Post | None = None,
    between: Callable[[Person], Person] = lambda person: person,
) -> Rehearsal:
    """Play `session` with `contact` up to its moment. `words`: the company's own for stop and
    start; `automation`: the flow's number; `post`: when messages leave, None: at once. `between`
    is called between every two events; what it raises ends the playing.
    """
    world = Pretend(
        contact=befall(contact, session.first),
        start=session.start,
        lasts=session.now - session.start,
        words=words,
        answers=session.answers,
        splits=session.splits,
        automation=automation,
        post=post,
    )
    return _Listening(flow, session, world, between).rehearse()


def befall(contact: Contact, event: Event) -> Contact:
    """The contact once `event` has come about: whoever reports a new tag has put it on."""
    match event:
        case TagsChanged(added=added, removed=removed):
            return contact.with_tags(added, removed)
        case ListsChanged(joined=joined, left=left):
            return contact.on_lists(joined, left)
        case FieldChanged(name=name, new=new):
            return contact.with_field(name, new)
        case _:
            return contact


class _Listening(Simulation):
    """The simulation with somebody who writes down what it does."""

    def __init__(
        self,
        flow: AnyFlow,
        session: Session,
        world: Pretend,
        between: Callable[[Person], Person],
    ) -> None:
        self.acts = [
            Scripted(after=write_duration(timedelta(seconds=one.at)), event=one.event)
            for one in session.acts
        ]
        chosen = [
            Scripted(on_message=one.message, verdict=one.state, reason=one.reason)
            for one in session.verdicts
        ]
        super().__init__(flow, [*self.acts, *chosen], world, between)
        self.session = session
        self.act = 0
        self.talk: list[Bubble] = []
        self.told: list[Told] = []
        self.open: dict[tuple[int, int], Bubble] = {}
        self.visits: dict[int, list[Visit]] = {}
        self.asked_at: list[datetime] = []
        self.befell: dict[int, dict[str, Any]] = {}
        self.leaving: Leaving | None = None
        if world.post is not None:
            self.post = self._listen_to(world.post)

    def rehearse(self) -> Rehearsal:
        transcript = self.play(self.session.first)
        self.now = self.session.now
        for key, bubble in self.open.items():
            if not key[0]:  # our own confirmation: nobody hears what became of it
                bubble.fate = bubble.coming
            elif key[0] not in self.person.runs:
                bubble.fate = "recalled"
        mine = [
            active
            for active in self.runs.values()
            if active.automation_id == self.live.automation_id
        ]
        run = max((one.run for one in mine), key=lambda one: one.id, default=None)
        visits = self.visits.get(run.id, []) if run else []
        held = self.open.get((run.id, run.seq)) if run else None
        return Rehearsal(
            now=self.now,
            transcript=transcript,
            talk=[*self.talk, *self.open.values()],
            told=sorted(self.told, key=lambda one: one.at),  # what passes is told after it has
            run=run,
            waits=next((one.why for one in reversed(visits) if one.did == "waits"), ""),
            held=held if held is not None and run and run.status == "waiting" else None,
            ahead=self.ahead,
            passed=[(one.step, one.exit) for one in visits if one.did == "left" and one.exit],
            asked=self.asked_at,
            befell=self.befell,
        )

    def _event(self, one: Scripted) -> Event | None:
        for number, act in enumerate(self.acts):
            if act is one:
                self._passes(number)
        return super()._event(one)

    def _passes(self, number: int) -> None:
        """The tester's next act has come; time that passed is told where it began."""
        self.act = number + 1
        act = self.session.acts[number]
        if act.event is None:
            before = self.session.acts[number - 1].at if number else 0
            since = self.session.start + timedelta(seconds=before)
            self.told.append(Told(since, "time", number, f"{act.at - before}"))
            return
        before_it = self.person.contact
        self.person.contact = after = befall(before_it, act.event)
        parts = ("tags", "lists", "fields", *BUILT_IN_FIELDS)
        changed = {
            name: getattr(after, name)
            for name in parts
            if getattr(after, name) != getattr(before_it, name)
        }
        if changed:
            self.befell[number] = msgspec.to_builtins(changed)

    def _happen(self, event: Event, run_id: int) -> None:
        super()._happen(event, run_id)
        match event:
            case Replied(content=content):
                self.talk.append(Bubble(self.now, out=False, content=content, act=self.act - 1))
            case Verdict(seq=seq, state=state, reason=reason) if state != "sent":
                bubble = self.open.pop((run_id, seq), None)
                if bubble is not None:
                    bubble.fate, bubble.reason, bubble.at = state, reason, self.now
                    self.talk.append(bubble)
            case _:
                pass

    def _send(self, sent: Sent) -> None:
        self.leaving = None
        self.asked_at.append(self.now)
        key = (sent.run_id, sent.send.seq)
        content = sent.send.content
        bubble = Bubble(
            self.now, out=True, content=content, act=self.act, step=sent.send.step, fate="queued"
        )
        self.open[key] = bubble
        super()._send(sent)
        bubble.number = self.sent
        leaving: Leaving | None = self.leaving
        bubble.coming = self._chosen(bubble.number) or (leaving.state if leaving else "sent")
        if leaving is not None:
            bubble.why = leaving.why
            if key in self.open:
                bubble.at = leaving.at

    def _chosen(self, number: int) -> VerdictState | None:
        """What the tester has chosen for this message."""
        found = (one.state for one in self.session.verdicts if one.message == number)
        return next(found, None)

    def _arrive(self, sent: Sent) -> None:
        super()._arrive(sent)
        bubble = self.open.pop((sent.run_id, sent.send.seq), None)
        if bubble is not None:
            bubble.fate, bubble.at = "sent", self.now
            self.talk.append(bubble)

    def _show(self, moved: Moved) -> None:
        known = self.visits.setdefault(moved.active.run.id, [])
        for visit in moved.trace:
            known.append(visit)
            who: Literal["start", "flow"] = "start" if visit.kind == "start" else "flow"
            self.told.append(Told(visit.at, who, self.act, visit.why, visit))
        super()._show(moved)

    def _line(self, who: Teller, text: str, step: str = "") -> None:
        super()._line(who, text, step)
        if who in ("customer", "event", "end"):
            self.told.append(Told(self.now, who, self.act, text))

    def _report(self) -> None:
        moved = bool(self.person.moved)
        said = [why for _, told in self.person.said for why in told]
        super()._report()
        if said and not moved:
            self.told.append(Told(self.now, "nobody", self.act, "; ".join(said)))

    def _listen_to(self, post: Post) -> Post:
        def asked(sent: Sent, contact: Contact, now: datetime) -> Leaving:
            self.leaving = post(sent, contact, now)
            return self.leaving

        return asked
