"""One event of one contact: which runs end, which go on, which automations start. PURE.

Every decision comes with its reason in words, so that "why did this (not) start?" has an answer.
The order for an incoming message: stop and start words, a person has the chat, a tap's own run,
the newest run waiting for a reply, keywords (best first), nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from flows.conditions import holds
from flows.contact import Contact
from flows.content import Tap, parse_payload
from flows.document import AnyFlow
from flows.duration import duration_words, parse_duration
from flows.events import ApiCalled, ConsentChanged, Event, Replied, ShopHappened
from flows.run import Run
from flows.trigger import Match, trigger_kind
from flows.words import wants_start, wants_stop

STOP_OPTION = "stop"  # the option id that means "no more messages" on any button


class Words(Struct, frozen=True):
    """A company's own words for stop and start (normalised), and how a stop is confirmed."""

    stop: frozenset[str] = frozenset()
    start: frozenset[str] = frozenset()
    stopped: str = "You will not get any more messages from us. Write START to change that."
    started: str = "Welcome back! You will hear from us again."


class Live(Struct, frozen=True):
    """An automation that may start."""

    automation_id: int
    revision_id: int
    flow: AnyFlow
    priority: int = 0


class Active(Struct, frozen=True):
    """A run that waits. `sent`: its message has left (or may have), so an answer can be to it."""

    run: Run
    automation_id: int
    revision_id: int
    flow: AnyFlow
    sent: bool = False


class Start(Struct, frozen=True):
    """Begin a run of `live`; runs in `instead_of` end first."""

    live: Live
    trigger: str
    data: dict[str, Any]
    why: str
    chain: int = 0
    instead_of: tuple[int, ...] = ()
    cart_id: int = 0


class Stop(Struct, frozen=True):
    """End this run; its queued messages are recalled."""

    run_id: int
    reason: str


class Routing(Struct, frozen=True):
    """The decision. `confirm` is one sentence to send whatever the contact's consent says."""

    stops: tuple[Stop, ...] = ()
    resumes: tuple[int, ...] = ()
    starts: tuple[Start, ...] = ()
    consent: Literal["yes", "no"] | None = None
    confirm: str = ""
    why: tuple[str, ...] = ()


class Scene(Struct, frozen=True):
    """What routing looks at: the contact, their waiting runs, what is live, who was in when."""

    contact: Contact
    runs: Sequence[Active]
    live: Sequence[Live]
    entered: Mapping[int, datetime]
    words: Words = Words()


def route(event: Event, scene: Scene, now: datetime) -> Routing:
    """What `event` means for this contact. Events aimed at one run need no routing."""
    match event:
        case Replied():
            return _message(event, scene, now)
        case ConsentChanged(consent="no", source=source):
            return Routing(
                _all(scene, "does not want messages any more"), consent="no", why=(source,)
            )
        case ConsentChanged(consent="yes", source=source):
            return Routing(consent="yes", why=(source,))
        case ShopHappened():
            return _shop(event, scene, now)
        case ApiCalled():
            return _asked(event, scene, now)
        case _:
            return Routing(why=("this event is aimed at a run",))


def _message(event: Replied, scene: Scene, now: datetime) -> Routing:
    payload = event.content.payload if isinstance(event.content, Tap) else ""
    ours = parse_payload(payload)
    consent = _consent_words(event, payload, ours, scene)
    if consent is not None:
        return consent
    stops = _exit_rules("replied", "the contact replied", scene)
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
    starts, why_not = _starts(event, scene, runs, now, exclusive=True)
    return Routing(stops, starts=starts, why=why_not or ("no keyword fits",))


def _consent_words(
    event: Replied, payload: str, ours: tuple[int, str, str] | None, scene: Scene
) -> Routing | None:
    tapped_stop = (ours is not None and ours[2] == STOP_OPTION) or payload.lower() == STOP_OPTION
    opted_out = scene.contact.consent == "no"
    if tapped_stop or wants_stop(event.text, scene.words.stop):
        confirm = "" if opted_out else scene.words.stopped
        why = f"“{event.text}” means stop"
        return Routing(_all(scene, "the contact said stop"), (), (), "no", confirm, (why,))
    if opted_out and wants_start(event.text, scene.words.start):
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


def _shop(event: ShopHappened, scene: Scene, now: datetime) -> Routing:
    stops = _exit_rules(event.kind, f"the shop reported “{event.kind.replace('.', ' ')}”", scene)
    gone = {stop.run_id for stop in stops}
    runs = [one for one in scene.runs if one.run.id not in gone]
    if _unwanted(scene.contact):
        return Routing(stops, why=("the contact does not want messages",))
    starts, why = _starts(event, scene, runs, now, exclusive=False)
    return Routing(stops, starts=starts, why=why or ("no automation starts by this",))


def _asked(event: ApiCalled, scene: Scene, now: datetime) -> Routing:
    live = next((one for one in scene.live if one.automation_id == event.automation_id), None)
    if live is None:
        return Routing(why=(f"automation {event.automation_id} is not live",))
    if _unwanted(scene.contact):
        return Routing(why=("the contact does not want messages",))
    wanted = next(
        (key for key, one in live.flow.triggers.items() if trigger_kind(one) == "api"), ""
    )
    data = event.data if event.by == "automation" else {"data": event.data}
    allowed, why, instead = _may_enter(live, scene, scene.runs, data, now)
    if not allowed:
        return Routing(why=(why,))
    start = Start(live, wanted, data, f"started by {event.by}", event.chain, instead)
    return Routing(starts=(start,), why=(f"{live.flow.name}: started by {event.by}",))


def _starts(
    event: Event, scene: Scene, runs: Sequence[Active], now: datetime, *, exclusive: bool
) -> tuple[tuple[Start, ...], tuple[str, ...]]:
    """The automations `event` starts: all that match, or of exclusive kinds the best that may."""
    found: list[tuple[tuple[int, int], int, Live, str, Match]] = []
    said: list[str] = []
    for live in scene.live:
        if isinstance(event, ShopHappened) and event.automation_id not in (0, live.automation_id):
            continue
        try:
            first = _first_match(event, live, scene.contact, now)
        except Exception as error:  # noqa: BLE001  a faulty trigger keeps no other from starting
            said.append(f"{live.flow.name}: internal fault: {type(error).__name__}: {error}")
            continue
        if first is not None:
            name, match = first
            found.append((match.rank, live.automation_id, live, name, match))
    found.sort(key=lambda one: one[:2] if exclusive else (one[2].priority, one[1]))
    starts: list[Start] = []
    cart_id = event.cart_id if isinstance(event, ShopHappened) else 0
    for _, _, live, name, match in found:
        allowed, why, instead = _may_enter(live, scene, runs, match.data, now)
        said.append(f"{live.flow.name}: {match.why if allowed else why}")
        if allowed:
            starts.append(Start(live, name, match.data, match.why, 0, instead, cart_id))
            if exclusive:
                break
    return tuple(starts), tuple(said)


def _first_match(
    event: Event, live: Live, contact: Contact, now: datetime
) -> tuple[str, Match] | None:
    for name, trigger in live.flow.triggers.items():
        match = trigger.matches(event, contact, now)
        if match is not None:
            return name, match
    return None


def _may_enter(
    live: Live, scene: Scene, runs: Sequence[Active], data: dict[str, Any], now: datetime
) -> tuple[bool, str, tuple[int, ...]]:
    """Whether the entry policy lets this contact in, why (not), and which runs end for it."""
    entry = live.flow.entry
    inside = tuple(one.run.id for one in runs if one.automation_id == live.automation_id)
    last = scene.entered.get(live.automation_id)
    if entry.policy == "once_ever" and last is not None:
        return False, f"was in this automation on {last:%Y-%m-%d}; once ever", ()
    if entry.policy == "once_at_a_time" and inside:
        return False, "is in this automation already; one at a time", ()
    if entry.not_again_within and last is not None:
        gap = parse_duration(entry.not_again_within)
        if now - last < gap:
            return False, f"was in this automation less than {duration_words(gap)} ago", ()
    if entry.condition is not None:
        values = {**data, "contact": scene.contact.words()}
        try:
            held, why = holds(entry.condition, values)
        except Exception as error:  # noqa: BLE001  the same for a condition nobody can answer
            return False, f"internal fault: {type(error).__name__}: {error}", ()
        if not held:
            return False, why, ()
    return True, "", inside if entry.policy == "restart" else ()


def _exit_rules(kind: str, reason: str, scene: Scene) -> tuple[Stop, ...]:
    return tuple(
        Stop(one.run.id, reason)
        for one in scene.runs
        if any(rule.on == kind for rule in one.flow.exit_rules)
    )


def _all(scene: Scene, reason: str) -> tuple[Stop, ...]:
    return tuple(Stop(one.run.id, reason) for one in scene.runs)


def _unwanted(contact: Contact) -> bool:
    return contact.blocked or contact.consent == "no"
