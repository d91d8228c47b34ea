"""A past run as a saved test: what happened to it, and what came of it as what is expected. PURE.

The events of its trace become a script, in seconds after the message (or the start) before them,
so that the test still means something when the flow is changed.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.replay import Happened, Replayed
from engine.stand_in import options
from flows.contact import BUILT_IN_FIELDS, Contact
from flows.content import Content, Tap, Text, parse_payload, plain
from flows.duration import write_duration
from flows.effects import CallWebhook, ChangeTags, Send, SetField, StartSubFlow
from flows.events import (
    Event,
    HttpAnswered,
    MovedTo,
    Replied,
    SubFlowEnded,
    TimerDue,
    Verdict,
)
from flows.run import Run
from flows.scenario import SOMEBODY, Answer, Expected, Scenario, Scripted

NEVER = "9999d"  # the verdict of a message that had none
USUALLY = timedelta(days=30)
SURELY_THEIRS = 8  # characters: shorter numbers and addresses may stand for something else


class CannotCopyError(Exception):
    """Why a run cannot be a test, in a sentence."""


def copy(replayed: Replayed, name: str) -> Scenario:
    """The scenario of a run that was replayed. Raises CannotCopyError.

    Exact is the order of things; a timer that rang late is on time in the scenario.
    """
    if not replayed.same:
        raise CannotCopyError(f"This run cannot be copied: {replayed.difference}.")
    happened = replayed.happened
    if any(isinstance(one.recorded.event, MovedTo) and _far(one) for one in happened):
        raise CannotCopyError("This run went on in another revision, so no single one can test it.")
    first = happened[0]
    writer = _Writer(first)
    for before, one in itertools.pairwise(happened):
        writer.add(before, one)
    script = writer.finished()
    open_end, lasts = _end(happened, len(script) + len(writer.answers))
    scenario = Scenario(
        name=name,
        first=first.recorded.event,
        contact=first.found,
        start=first.recorded.at,
        lasts=write_duration(lasts),
        seed=str(first.run.id),
        script=script,
        answers=writer.answers,
        expect=_expected(happened, writer.arrived, exactly=not open_end),
    )
    return disguised(scenario, first.found)


def disguised(scenario: Scenario, contact: Contact) -> Scenario:
    """The same without the person's number and address: tests are kept longer than people are."""
    text = msgspec.json.encode(scenario).decode()
    known = ((contact.phone, SOMEBODY.phone), (contact.email, "somebody@example.com"))
    for theirs, other in known:
        if len(theirs) >= SURELY_THEIRS:
            text = text.replace(theirs, other).replace(theirs.lstrip("+"), other.lstrip("+"))
    return msgspec.json.decode(text, type=Scenario)


def _end(happened: Sequence[Happened], rounded: int) -> tuple[bool, timedelta]:
    """Whether more may follow in the test than did in the run so far; and how long it lasts.

    A run that waits is tested up to here. Its next timer must not ring by then, though the test's
    clock is ahead of the run's (timers that rang late) and times are rounded up, by a second each.
    """
    first, last = happened[0], happened[-1]
    length = last.recorded.at - first.recorded.at
    if last.run.status != "waiting":
        return False, max(USUALLY, length + timedelta(days=1))
    ahead = timedelta(0)
    for before, one in itertools.pairwise(happened):
        if isinstance(one.recorded.event, TimerDue) and before.run.wait and before.run.wait.until:
            ahead += one.recorded.at - before.run.wait.until
    spare = timedelta(seconds=rounded + 1)
    until = last.run.wait.until if last.run.wait else None
    return until is not None and until <= last.recorded.at + ahead + spare, length + spare


class _Writer:
    """Writes the script while the run is lived through again."""

    def __init__(self, first: Happened) -> None:
        self.base = first.recorded.at
        self.asked = 0
        self.script: list[Scripted] = []
        self.answers: list[Answer] = []
        self.open: dict[int, tuple[int, datetime, Content]] = {}  # by wait: messages underway
        self.calls: dict[int, tuple[str, int, datetime]] = {}
        self.arrived: list[Content] = []
        self._called: Counter[str] = Counter()
        self._ask(first)

    def add(self, before: Happened, one: Happened) -> None:
        event, found = one.recorded.event, one.recorded.contact
        at = _in_time(before, one)
        changed = _changed(before.contact, found) if found is not None else {}
        match event:
            case Verdict(seq=seq, state=state, reason=reason):
                changed.pop("last_outbound_at", None)
                self._meanwhile(before, changed)
                number, since, content = self.open.pop(seq, (self.asked, self.base, Text("")))
                if state == "sent":
                    self.arrived.append(content)
                self._verdict(number, at - since, state, reason)
            case Replied():
                changed.pop("last_inbound_at", None)
                changed.pop("last_message", None)
                self._overtaken(at)
                self._put(at, self._reply(event), changed)
            case HttpAnswered(seq=seq) | SubFlowEnded(seq=seq):
                self._meanwhile(before, changed)
                self._answer(seq, event, at)
            case TimerDue():
                self._meanwhile(before, changed)
            case _:
                self._put(at, {"event": event}, changed)
        self._ask(one)

    def finished(self) -> list[Scripted]:
        """The script; what had no verdict or answer until the end has none in the test."""
        for number, _, _ in self.open.values():
            self.script.append(Scripted(on_message=number, after=NEVER, verdict="sent"))
        for step, number, _ in self.calls.values():
            self.answers.append(Answer(step=step, call=number, after=NEVER))
        return self.script

    def _ask(self, one: Happened) -> None:
        at = one.recorded.at
        for effect in one.effects:
            match effect:
                case Send(seq=seq, content=content):
                    self.asked += 1
                    self.base = at
                    self.open[seq] = (self.asked, at, content)
                case CallWebhook(step=step, seq=seq) | StartSubFlow(step=step, seq=seq):
                    self._called[step] += 1
                    self.calls[seq] = (step, self._called[step], at)
                case _:
                    pass

    def _put(self, at: datetime, what: dict[str, Any], changed: dict[str, Any]) -> None:
        number = self.asked or None
        after = write_duration(at - self.base)
        self.script.append(Scripted(after=after, on_message=number, contact=changed, **what))

    def _meanwhile(self, before: Happened, changed: dict[str, Any]) -> None:
        """The contact changed between two events of the run: right after the first is as good."""
        if changed:
            self._put(max(before.recorded.at, self.base), {}, changed)

    def _verdict(self, number: int, delay: timedelta, state: Any, reason: str) -> None:
        after = write_duration(delay)
        if (after, state) != ("0s", "sent"):
            verdict = Scripted(on_message=number, after=after, verdict=state, reason=reason)
            self.script.append(verdict)

    def _overtaken(self, at: datetime) -> None:
        """They answered before the verdict: it comes after the answer, when nobody waits."""
        for number, since, content in self.open.values():
            self.arrived.append(content)
            self._verdict(number, at - since + timedelta(seconds=1), "sent", "")
        self.open.clear()

    def _reply(self, event: Replied) -> dict[str, Any]:
        content = event.content
        if event.quoted or event.message_id:
            event = msgspec.structs.replace(event, message_id=0)
        if isinstance(content, Text) and content == Text(event.text) and not event.quoted:
            return {"say": event.text}
        if isinstance(content, Tap):
            parsed = parse_payload(content.payload)
            offered = (one for sent in reversed(self.arrived) for one in options(sent))
            label = next((label for text, label in offered if text == content.payload), None)
            same = Tap(content.payload, label or "")
            if parsed is not None and content == same and event == Replied(same.label, same):
                return {"tap": f"{parsed[1]}.{parsed[2]}"}
        return {"event": event}

    def _answer(self, seq: int, event: HttpAnswered | SubFlowEnded, at: datetime) -> None:
        step, number, since = self.calls.pop(seq, ("", 1, at))
        after = write_duration(at - since)
        if isinstance(event, HttpAnswered):
            answer = Answer(
                step=step,
                call=number,
                after=after,
                status=event.status if event.ok or event.status >= 300 else 0,  # noqa: PLR2004
                body=event.body,
                reason=event.reason,
            )
        else:
            answer = Answer(
                step=step,
                call=number,
                after=after,
                result=event.result,
                values=event.values,
                failed=event.failed,
                reason=event.reason,
            )
        self.answers.append(answer)


def _in_time(before: Happened, one: Happened) -> datetime:
    """When an event is to happen in the test. What was taken up before a timer that was due already
    (after a standstill all comes at once) happens before that timer is due.
    """
    due = before.run.wait.until if before.run.wait is not None else None
    at = one.recorded.at
    if due is None or at < due or isinstance(one.recorded.event, TimerDue):
        return at
    return max(before.recorded.at, due - timedelta(seconds=1))


def _expected(
    happened: Sequence[Happened], arrived: Sequence[Content], *, exactly: bool
) -> Expected:
    """What came of the run: all of it and no more, or what must be in it so far."""
    exits = [
        f"{line.step}.{line.exit}"
        for one in happened
        for line in one.recorded.lines
        if line.did == "left" and line.exit
    ]
    messages = [plain(content) for content in arrived]
    if not exactly:
        return Expected(exits=exits, messages=messages)
    last: Run = happened[-1].run
    contact = happened[-1].contact
    tags: set[str] = set()
    fields: dict[str, Any] = {}
    for one in happened:
        for effect in one.effects:
            match effect:
                case ChangeTags(add=add, remove=remove):
                    tags |= add | remove
                case SetField(name=name) if name in BUILT_IN_FIELDS:
                    fields[name] = getattr(contact, name)
                case SetField(name=name):
                    fields[name] = contact.fields.get(name)
                case _:
                    pass
    return Expected(
        exits=exits,
        messages=messages,
        exactly=True,
        status=last.status,
        goal=last.goal,
        tags=sorted(tags & contact.tags),
        without_tags=sorted(tags - contact.tags),
        fields=msgspec.json.decode(msgspec.json.encode(fields)),
    )


def _changed(before: Contact, after: Contact) -> dict[str, Any]:
    """What is different about the contact, as plain JSON."""
    different = {
        name: getattr(after, name)
        for name in Contact.__struct_fields__
        if getattr(after, name) != getattr(before, name)
    }
    plain_values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(different))
    return plain_values


def _far(one: Happened) -> bool:
    event: Event = one.recorded.event
    return isinstance(event, MovedTo) and event.revision_id != 0
