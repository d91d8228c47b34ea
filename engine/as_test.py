"""A try-out as a saved test: what the tester let happen, and what came of it as what is expected.
PURE.

Times count from the message before them, so that the test still means something when a wait of the
flow is changed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Literal, get_args

import msgspec

from engine.copies import disguised
from engine.rehearsal import Bubble, Rehearsal, befall
from engine.scene import Words
from engine.stand_in import options
from engine.tryout import Act, Session
from flows.contact import Contact
from flows.content import Content, Tap, Text, parse_payload, plain
from flows.duration import write_duration
from flows.events import Event, Replied, VerdictState
from flows.scenario import Expected, Phrases, Scenario, Scripted

Part = Literal["exits", "messages", "end", "contact", "exactly"]
PARTS: tuple[Part, ...] = get_args(Part)
USUALLY = timedelta(days=30)


def as_test(
    session: Session,
    contact: Contact,
    came: Rehearsal,
    name: str,
    parts: Collection[str] = PARTS,
    *,
    words: Words = Words(),  # noqa: B008  an immutable value
) -> Scenario:
    """The test of a try-out that `contact` went through in a company with these `words`; `parts` of
    what came are expected. Raises ValueError when nothing would be.
    """
    expect = _expected(contact, came, parts)
    if expect.empty:
        raise ValueError("choose at least one thing that must come of it")
    length = session.now - session.start
    ended = came.run is not None and came.run.status != "waiting"
    made = Scenario(
        name=name,
        first=session.first,
        contact=befall(contact, session.first),
        start=session.start,
        lasts=write_duration(max(length, USUALLY) if ended else length),
        script=[*_verdicts(session, came), *_acts(session, came)],
        answers=session.answers,
        splits=session.splits,
        words=_phrases(words),
        expect=expect,
    )
    return disguised(made, contact) if session.contact_id else made


def _phrases(words: Words) -> Phrases:
    usual = Words()
    return Phrases(
        stop=sorted(words.stop),
        start=sorted(words.start),
        plain=sorted(words.plain),
        stopped="" if words.stopped == usual.stopped else words.stopped,
        started="" if words.started == usual.started else words.started,
    )


def _verdicts(session: Session, came: Rehearsal) -> list[Scripted]:
    """What became of each message, where it was not sent at once."""
    reasons = {one.message: one.reason for one in session.verdicts}
    found = []
    for bubble in sorted(came.talk, key=lambda one: one.number):
        if not bubble.out:
            continue
        delay = bubble.at - came.asked[bubble.number - 1]
        state: VerdictState  # what was taken back would have fared so, had it stayed
        match bubble.fate:
            case "queued" | "recalled":
                state = bubble.coming
            case fate:
                state = fate
        reason = bubble.reason or reasons.get(bubble.number, "")
        if delay or state != "sent":
            after = write_duration(delay)
            found.append(
                Scripted(on_message=bubble.number, after=after, verdict=state, reason=reason)
            )
    return found


def _acts(session: Session, came: Rehearsal) -> list[Scripted]:
    arrived = [one for one in came.talk if one.out and one.fate == "sent"]
    return [
        _line(one, one.event, came.befell.get(number, {}), session, came, arrived)
        for number, one in enumerate(session.acts)
        if one.event is not None
    ]


def _line(
    act: Act,
    event: Event,
    befell: dict[str, Any],
    session: Session,
    came: Rehearsal,
    arrived: list[Bubble],
) -> Scripted:
    at = session.start + timedelta(seconds=act.at)
    number = sum(asked < at for asked in came.asked)
    base = came.asked[number - 1] if number else session.start
    seen = [one.content for one in arrived if one.at <= at]
    what = _said(event, seen)
    after = write_duration(at - base)
    return Scripted(on_message=number or None, after=after, contact=befell, **what)


def _said(event: Event, seen: list[Content]) -> dict[str, Any]:
    """An answer in the short form that tests are written in, where it has one."""
    if isinstance(event, Replied) and not event.quoted:
        if event.content == Text(event.text):
            return {"say": event.text}
        if isinstance(event.content, Tap):
            parsed = parse_payload(event.content.payload)
            offered = (one for content in reversed(seen) for one in options(content))
            shown = next((label for text, label in offered if text == event.content.payload), None)
            if parsed is not None and shown == event.content.label:
                return {"tap": f"{parsed[1]}.{parsed[2]}"}
    return {"event": event}


def _expected(contact: Contact, came: Rehearsal, parts: Collection[str]) -> Expected:
    told = came.transcript
    wanted: dict[str, Any] = {}
    if "exits" in parts:
        taken = [one for one in told.passage if one.did == "left" and one.exit]
        wanted["exits"] = [f"{one.step}.{one.exit}" for one in taken]
    if "messages" in parts:
        wanted["messages"] = [plain(one) for one in told.messages]
    if "end" in parts:
        wanted |= {"status": told.status, "goal": told.goal}
    if "contact" in parts:
        wanted |= contact_changes(contact, told.contact)
    if "exactly" in parts and {"exits", "messages"} & set(parts):
        wanted["exactly"] = True
    return msgspec.convert(wanted, Expected)


def contact_changes(before: Contact, after: Contact) -> dict[str, Any]:
    """What is new about the contact, as a test expects it: tags got and lost, fields by now."""
    fields = {
        key: after.fields.get(key)
        for key in before.fields.keys() | after.fields.keys()
        if before.fields.get(key) != after.fields.get(key)
    }
    plain_fields = msgspec.json.decode(msgspec.json.encode(fields))
    return {
        "tags": sorted(after.tags - before.tags),
        "without_tags": sorted(before.tags - after.tags),
        "fields": dict(sorted(plain_fields.items())),
    }
