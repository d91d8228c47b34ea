"""What happened in a try-out, line by line, in words: what was let happen and what it led to.

Rule: pure; the words about steps are those of a run's own page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.rehearsal import Rehearsal, Told
from flows.document import AnyFlow
from flows.duration import duration_words
from store.visits import Line
from web.automations.trace import MARKS, saw_in_words, step_title, tell

ENDS = {
    "done": ("flag", "The run is done"),
    "failed": ("circle-alert", "The run fails"),
    "stopped": ("circle-stop", "The run is stopped"),
}
MOST = 300  # lines that are shown, the newest; a loop leaves thousands
OF_POST = "handed over for sending"  # the bubble says it


class Said(Struct, frozen=True):
    """One line. `step`: where it leads to on the canvas, "" for none; `act`: for something the
    tester let happen, how much of the try-out came before it.
    """

    clock: str
    day: str
    icon: str
    text: str
    title: str = ""
    step: str = ""
    why: str = ""
    saw: tuple[tuple[str, str], ...] = ()
    act: int | None = None
    bad: bool = False


def said(flow: AnyFlow, came: Rehearsal, zone: ZoneInfo) -> list[Said]:
    """All lines in order."""
    found: list[Said] = []
    last = ""
    for one in came.told[-MOST:]:
        local = one.at.astimezone(zone)
        day = f"{local:%a} {local.day} {local:%b}"
        line = _line(flow, one, f"{local:%H:%M}", day if day != last else "")
        if line is not None:
            found.append(line)
            last = day
    return found


def length_words(length: timedelta) -> str:
    """A length of time to read at a glance: the two largest parts of it."""
    seconds = int(length.total_seconds())
    if seconds >= 60:  # noqa: PLR2004  from a minute on, seconds do not matter
        seconds -= seconds % 60
    return " ".join(duration_words(timedelta(seconds=seconds)).split()[:4])


def _line(flow: AnyFlow, one: Told, clock: str, day: str) -> Said | None:
    match one.who:
        case "time":
            passed = length_words(timedelta(seconds=int(one.text)))
            return Said(clock, day, "clock", f"Time passes: {passed}", act=one.act)
        case "customer":
            text = f"They write: “{one.text}”"
            return Said(clock, day, "message-circle", text, act=one.act - 1 if one.act else None)
        case "event":
            return Said(clock, day, "zap", f"It happens: {one.text.replace('.', ' ')}")
        case "nobody":
            return Said(clock, day, "info", "Nothing comes of it", why=one.text)
        case "start":
            return Said(clock, day, "play", "The automation starts", why=one.text)
        case "end":
            return _end(one.text, clock, day)
        case _:
            return _visit(flow, one, clock, day)


def _end(text: str, clock: str, day: str) -> Said:
    state, _, why = text.partition(": ")
    words = ENDS.get(state)
    if words is None:
        return Said(clock, day, "info", text)
    return Said(clock, day, words[0], words[1], why=why, bad=state == "failed")


def _visit(flow: AnyFlow, one: Told, clock: str, day: str) -> Said | None:
    visit = one.visit
    if visit is None or (visit.did == "waits" and visit.why == OF_POST):
        return None
    if visit.step not in flow.steps:  # it cannot be read: its exits are not known
        icon = MARKS.get(visit.did, "info")
        return Said(clock, day, icon, visit.did, visit.step, visit.step, visit.why, bad=True)
    line = Line(0, 0, visit.step, visit.kind, visit.seq, visit.at, visit.did, visit.exit, "", {})
    [told] = tell(flow, [line], [])
    return Said(
        clock,
        day,
        told.icon,
        told.then or ("Ends here" if visit.did == "left" else visit.why),
        step_title(flow, visit.step, visit.kind),
        visit.step,
        visit.why if told.then else "",
        tuple(saw_in_words(visit.data)),
        bad=visit.did == "failed",
    )


def when(at: datetime, zone: ZoneInfo) -> str:
    """A moment on the company's clock: `Wed 25 Nov 09:00`."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"
