"""The simulator's panel, and what the canvas shows of a try-out.

Rule: the try-out itself rides beside the canvas, so that it outlives whatever the panel shows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.enums import MediaType
from msgspec import Struct, structs

from engine.as_test import contact_changes
from engine.person import Person
from engine.rehearsal import Rehearsal, rehearse
from engine.tryout import Session, write_session
from flows.contact import Contact
from web.builder.simulate import starts
from web.builder.simulate.choices import VERDICTS, choices
from web.builder.simulate.happenings import happenings
from web.builder.simulate.phone import shown
from web.builder.simulate.playable import Playable
from web.builder.simulate.post import post_of
from web.builder.simulate.told import length_words, said, when
from web.builder.simulate.world import World, facts
from web.security.who import Who
from web.shell.render import environment

START_STEP = "@start"
LONGEST_S = 10.0  # that one try-out is played; a long one takes a tenth of it
TOO_LONG = "This takes too long to play: the flow does too much in too short a time."
HELD = {
    "sent": "leaves",
    "failed": "fails",
    "suppressed": "is decided about",
    "expired": "expires",
}
WAITS = {
    "reply": "Waits for a reply",
    "verdict": "Waits until its message has left",
    "http": "Waits for an answer of another system",
    "sub_flow": "Waits for another automation",
    "event": "Waits for something to happen",
    "time": "Waits",
}


class Played(Struct, frozen=True):
    """A try-out with how far it came; `came` is None when the draft cannot be played, or takes
    `too_long` to play.
    """

    session: Session
    contact: Contact
    draft: Playable
    came: Rehearsal | None
    too_long: bool = False


class _TooLongError(Exception):
    pass


def play(world: World, draft: Playable, session: Session, contact: Contact) -> Played:
    """Play a try-out by the rules of this company. It may take a second; call it in a thread."""
    latest = time.monotonic() + LONGEST_S

    def watched(person: Person) -> Person:
        if time.monotonic() > latest:
            raise _TooLongError
        return person

    try:
        return _played(world, draft, session, contact, watched)
    except _TooLongError:
        return Played(session, contact, structs.replace(draft, why=TOO_LONG), None, too_long=True)


def _played(
    world: World,
    draft: Playable,
    session: Session,
    contact: Contact,
    between: Callable[[Person], Person],
) -> Played:
    came = None
    if draft.flow is not None:
        came = rehearse(
            draft.flow,
            session,
            contact,
            words=world.words,
            automation=world.automation.id,
            post=post_of(world, contact),
            between=between,
        )
    return Played(session, contact, draft, came)


def answer(
    request: Request[Any, Any, Any],
    who: Who,
    world: World,
    played: Played,
    *,
    tests: int,
    wrong: str = "",
    more: dict[str, Any] | None = None,
    only_walk: bool = False,
) -> Response[str]:
    """The panel as it is now, and the walk for the canvas. `wrong`: why nothing was changed."""
    values: dict[str, Any] = {
        "base": f"/automations/{world.automation.id}",
        "who": who,
        "wrong": wrong,
        "walk": walk(played),
        "only_walk": only_walk,
        **panel(who.zone, world, played),
        "tests": tests,
        "keep": None,
        "results": [],
        **(more or {}),
    }
    state = request.scope.get("state", {})
    body = (
        environment()
        .get_template("builder/simulate/panel.html")
        .render({**values, "csrf": state.get("csrf", "")})
    )
    return Response(body, media_type=MediaType.HTML, status_code=422 if wrong else 200)


def walk(played: Played) -> dict[str, str]:
    """What the canvas draws: the step it is at, the lines it took, all steps in their order."""
    came, current = played.came, ""
    passed: list[tuple[str, str]] = []
    if came is not None and came.run is not None:
        current = came.run.step or ""
        passed = list(dict.fromkeys([(START_STEP, "start"), *came.passed]))  # loops come by often
    path = list(dict.fromkeys([*(step for step, _ in passed), *filter(None, [current])]))
    return {
        "current": current,
        "passed": json.dumps(passed),
        "path": json.dumps(path),
        "session": write_session(played.session),
    }


def panel(zone: ZoneInfo, world: World, played: Played) -> dict[str, Any]:
    """Everything the panel shows of a try-out."""
    session, came, draft = played.session, played.came, played.draft
    first = session.first
    values: dict[str, Any] = {
        "session": session,
        "contact": played.contact,
        "facts": facts(played.contact),
        "own_fields": sorted(world.home.fields),
        "start_at": _for_field(session.start, zone),
        "now": when(session.now, zone),
        "now_at": _for_field(session.now, zone),
        "zone_name": str(zone),
        "draft": draft,
        "ways": starts.ways(draft.shown) if draft.shown is not None else [],
        "said_first": starts.said(first),
        "payload": starts.payload(first),
        "verdicts": VERDICTS,
        "can_go_back": bool(session.acts),
    }
    if came is None or draft.shown is None:
        return {**values, "came": None}
    return {
        **values,
        "came": came,
        "talk": shown(came.talk, world, zone, plain_phone=session.plain),
        "lines": said(draft.shown, came, zone),
        "choices": choices(draft.shown, session),
        "happenings": happenings(draft.shown),
        "state": _state(came, zone),
        "ahead": None if came.ahead is None else when(came.ahead, zone),
        "news": _news(played.contact, came.transcript.contact),
        "window": came.transcript.contact.window_open(came.now),
    }


class State(Struct, frozen=True):
    """Where the run is, in a sentence, with the reasons; `until` and `length` of a wait."""

    kind: str
    text: str
    why: tuple[str, ...] = ()


def _state(came: Rehearsal, zone: ZoneInfo) -> State:
    run = came.run
    if run is None:
        return State("none", "Nothing has started", tuple(filter(None, [came.transcript.reason])))
    if run.status != "waiting":
        words = {"done": "Finished", "failed": "Failed", "stopped": "Stopped"}[run.status]
        goal = f"Goal reached: {run.goal}" if run.goal else ""
        return State(run.status, words, tuple(filter(None, (goal, run.reason))))
    if came.held is not None:
        asked = came.asked[came.held.number - 1].astimezone(zone)
        left = length_words(came.held.at - came.now)
        does = HELD[came.held.coming]
        text = f"Its message {does} {when(came.held.at, zone)} (in {left}), not at {asked:%H:%M}"
        return State("held", text, came.held.why)
    until = run.wait.until if run.wait is not None else None
    if until is not None:
        text = f"Waits until {when(until, zone)} ({length_words(until - came.now)})"
        return State("waiting", text, (came.waits,) if came.waits else ())
    for_ = run.wait.for_ if run.wait is not None else frozenset()
    words = next((text for what, text in WAITS.items() if what in for_), "Waits")
    return State("waiting", words, (came.waits,) if came.waits else ())


def _news(before: Contact, after: Contact) -> list[tuple[str, str]]:
    """What is different about the contact by now, as `(what, value)`."""
    found = contact_changes(before, after)
    news = [("Tag", f"+ {one}") for one in found["tags"]]
    news += [("Tag", f"− {one}") for one in found["without_tags"]]
    news += [("List", f"+ {one}") for one in sorted(after.lists - before.lists)]
    news += [("List", f"− {one}") for one in sorted(before.lists - after.lists)]
    news += [
        (key, "empty" if value in (None, "") else str(value))
        for key, value in found["fields"].items()
    ]
    for name, words in (
        ("consent", "Consent"),
        ("language", "Language"),
        ("name", "Name"),
        ("email", "E-mail"),
    ):
        if getattr(before, name) != getattr(after, name):
            news.append((words, str(getattr(after, name)) or "empty"))
    if after.blocked != before.blocked:
        news.append(("Blocked", "yes" if after.blocked else "no"))
    if after.handed_over != before.handed_over:
        news.append(("Chat", "a person has it" if after.handed_over else "given back"))
    return news


def _for_field(at: Any, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"
