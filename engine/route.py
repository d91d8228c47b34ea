"""One event of one contact: which runs end, which go on, which automations start. PURE.

Every decision comes with its reason in words, so that "why did this (not) start?" has an answer.
The order for an incoming message: stop and start words, a person has the chat, a tap's own run,
the newest run waiting for a reply, keywords (best first), nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine import enter
from engine.scene import Active, Routing, Scene, Stop
from flows.contact import Contact
from flows.content import Tap, parse_payload
from flows.events import (
    ApiCalled,
    ConsentChanged,
    Event,
    FieldChanged,
    Happened,
    LinkClicked,
    ListsChanged,
    Occasion,
    Replied,
    ShopHappened,
    TagsChanged,
)
from flows.listen import heard
from flows.words import STOP_OPTION, wants_start, wants_stop

NOBODY_STARTS = "no automation starts by this"
UNWANTED = "the contact does not want messages"


def route(event: Event, scene: Scene, now: datetime) -> Routing:
    """What `event` means for this contact. Events aimed at one run need no routing."""
    match event:
        case Replied():
            return _message(event, scene, now)
        case ConsentChanged():
            return _consent(event, scene, now)
        case ShopHappened():
            return _happened(event, scene, now, refused=UNWANTED if _unwanted(scene) else "")
        case TagsChanged() | ListsChanged() | FieldChanged() | LinkClicked() | Happened():
            blocked = "the contact is blocked" if scene.contact.blocked else ""
            return _happened(event, scene, now, refused=blocked)
        case ApiCalled():
            return _aimed(event, scene, now)
        case Occasion():
            return _aimed(event, scene, now)
        case _:
            return Routing(why=("this event is aimed at a run",))


def _message(event: Replied, scene: Scene, now: datetime) -> Routing:
    payload = event.content.payload if isinstance(event.content, Tap) else ""
    ours = parse_payload(payload)
    consent = _consent_words(event, payload, ours, scene)
    if consent is not None:
        return consent
    stops = _exit_rules(event, scene)
    if scene.contact.handed_over:
        return Routing(stops, why=("a person has taken over this chat",))
    runs = [one for one in scene.runs if one.run.id not in {stop.run_id for stop in stops}]
    if ours is not None:
        return _tap(ours[0], stops, runs)
    for active in sorted(runs, key=lambda one: -one.run.id):
        if _hears(active):
            why = f"run {active.run.id} was waiting for a reply"
            return Routing(stops, (active.run.id,), why=(why,))
    if scene.contact.blocked:
        return Routing(stops, why=("the contact is blocked",))
    starts, why_not = enter.starts(event, scene, runs, now, exclusive=True)
    return Routing(stops, starts=starts, why=why_not or ("no keyword fits",))


def _consent_words(
    event: Replied, payload: str, ours: tuple[int, str, str] | None, scene: Scene
) -> Routing | None:
    tapped_stop = (ours is not None and ours[2] == STOP_OPTION) or payload.lower() == STOP_OPTION
    opted_out = scene.contact.consent == "no"
    if tapped_stop or wants_stop(event.text, scene.words.stop, scene.words.plain):
        confirm = "" if opted_out else scene.words.stopped
        why = f"“{event.text}” means stop"
        return Routing(_all(scene, "the contact said stop"), (), (), "no", confirm, (why,))
    if opted_out and wants_start(event.text, scene.words.start, scene.words.plain):
        why = f"“{event.text}” takes the stop back"
        return Routing((), (), (), "yes", scene.words.started, (why,))
    return None


def _tap(run_id: int, stops: tuple[Stop, ...], runs: Sequence[Active]) -> Routing:
    for active in runs:
        if active.run.id == run_id and _hears(active):
            return Routing(stops, (run_id,), why=(f"a button of run {run_id} was tapped",))
    return Routing(stops, why=(f"a button of run {run_id} was tapped, but its question is over",))


def _hears(active: Active) -> bool:
    wait = active.run.wait
    return wait is not None and ("reply" in wait.for_ or (active.sent and "verdict" in wait.for_))


def _happened(event: Event, scene: Scene, now: datetime, *, refused: str) -> Routing:
    """Anything but a message: ends runs by their rules, wakes who waits for it, starts."""
    stops = _exit_rules(event, scene)
    gone = {stop.run_id for stop in stops}
    runs = [one for one in scene.runs if one.run.id not in gone]
    resumes = _waiting(runs)
    if refused:
        return Routing(stops, resumes, why=(refused,))
    starts, why = enter.starts(event, scene, runs, now, exclusive=False)
    return Routing(stops, resumes, starts, why=why or (NOBODY_STARTS,))


def _consent(event: ConsentChanged, scene: Scene, now: datetime) -> Routing:
    """A “no” ends everything; what starts by it may still tidy up, for nothing is sent any more."""
    stops = _exit_rules(event, scene)
    if event.consent == "no":
        stops = _all(scene, "does not want messages any more")
    gone = {stop.run_id for stop in stops}
    runs = [one for one in scene.runs if one.run.id not in gone]
    starts, why = enter.starts(event, scene, runs, now, exclusive=False)
    told = (event.source,) if event.source else ()
    return Routing(stops, _waiting(runs), starts, event.consent, why=told + why)


def _aimed(event: ApiCalled | Occasion, scene: Scene, now: datetime) -> Routing:
    if _unwanted(scene):
        return Routing(why=(UNWANTED,))
    if isinstance(event, ApiCalled):
        start, why = enter.asked_for(event, scene, now)
    else:
        start, why = enter.occasion(event, scene, now)
    if start is None:
        return Routing(why=(why,))
    return Routing(starts=(start,), why=(f"{start.live.flow.name}: {why}",))


def _exit_rules(event: Event, scene: Scene) -> tuple[Stop, ...]:
    stops = []
    for one in scene.runs:
        for rule in one.flow.exit_rules:
            why = heard(rule.on, rule.name, event)
            if why:
                stops.append(Stop(one.run.id, why))
                break
    return tuple(stops)


def _waiting(runs: Sequence[Active]) -> tuple[int, ...]:
    return tuple(
        one.run.id for one in runs if one.run.wait is not None and "event" in one.run.wait.for_
    )


def _all(scene: Scene, reason: str) -> tuple[Stop, ...]:
    return tuple(Stop(one.run.id, reason) for one in scene.runs)


def _unwanted(scene: Scene) -> bool:
    contact: Contact = scene.contact
    return contact.blocked or contact.consent == "no"
