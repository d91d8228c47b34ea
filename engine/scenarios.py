"""Saved tests: run a scenario against a flow and say in words what came out differently. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from engine.scene import Live, Words
from engine.simulator import SIMULATED, Pretend, simulate
from engine.transcript import Transcript
from flows.contact import BUILT_IN_FIELDS, Contact
from flows.content import plain
from flows.document import AnyFlow
from flows.duration import parse_duration
from flows.scenario import Expected, Phrases, Scenario
from flows.words import normal

SHOWN = 80  # characters of a message in a difference


class Result(Struct, frozen=True):
    """How a scenario went. `differences`: what was expected and did not come, in words."""

    name: str
    differences: list[str]
    transcript: Transcript | None = None
    id: int = 0

    @property
    def passed(self) -> bool:
        """Whether all came as expected."""
        return not self.differences


def run(
    flow: AnyFlow,
    scenario: Scenario,
    read: Callable[[object], AnyFlow],
    automation_id: int = SIMULATED,
) -> Result:
    """Play `scenario` with `flow`, of the stored automation `automation_id` if it is of one; `read`
    turns the documents of its other automations into flows.

    Nothing is raised: another automation that cannot be read is a difference like any other.
    """
    try:
        others = [
            Live(int(one.automation), 0, read(one.flow), one.priority) for one in scenario.others
        ]
    except Exception as error:  # noqa: BLE001  whatever a document can do wrong, the test says so
        return Result(scenario.name, [f"another automation of this test cannot be read: {error}"])
    world = Pretend(
        contact=scenario.contact,
        start=scenario.start,
        lasts=parse_duration(scenario.lasts),
        others=others,
        answers=scenario.answers,
        seed=int(scenario.seed),
        splits=scenario.splits,
        words=_words(scenario.words),
        automation=automation_id,
    )
    try:
        transcript = simulate(flow, scenario.first, scenario.script, world)
    except ValueError as error:  # a change of the contact that no contact can have
        return Result(scenario.name, [f"this test cannot be played: {error}"])
    return Result(scenario.name, list(_differences(flow, scenario.expect, transcript)), transcript)


def _words(own: Phrases) -> Words:
    usual = Words()
    return Words(
        stop=frozenset(map(normal, own.stop)),
        start=frozenset(map(normal, own.start)),
        plain=frozenset(map(normal, own.plain)),
        stopped=own.stopped or usual.stopped,
        started=own.started or usual.started,
    )


def _differences(flow: AnyFlow, expect: Expected, told: Transcript) -> Iterator[str]:
    if expect.exits or expect.exactly:
        yield from _exits(flow, expect, told)
    if expect.messages or expect.exactly:
        yield from _messages(expect, told)
    if expect.status is not None and told.status != expect.status:
        reason = f" ({told.reason})" if told.reason else ""
        yield f"is “{told.status}” at the end{reason}, expected “{expect.status}”"
    if expect.goal is not None and told.goal != expect.goal:
        reached = f"reached the goal “{told.goal}”" if told.goal else "reached no goal"
        wanted = f"expected “{expect.goal}”" if expect.goal else "expected none"
        yield f"{reached}, {wanted}"
    yield from _contact(expect, told.contact)


def _exits(flow: AnyFlow, expect: Expected, told: Transcript) -> Iterator[str]:
    """The first exit that was not taken; when all were, the first that should not have been."""
    taken = [(one.step, one.exit) for one in told.passage if one.did == "left" and one.exit]
    place = 0
    for wanted in expect.exits:
        step, _, exit_name = wanted.partition(".")
        rest = taken[place:]
        if expect.exactly and rest and rest[0] != (step, exit_name):
            yield _instead(flow, step, exit_name, rest[:1], told, exactly=True)
            return
        if (step, exit_name) not in rest:
            yield _instead(flow, step, exit_name, rest, told, exactly=False)
            return
        place += rest.index((step, exit_name)) + 1
    if expect.exactly and len(taken) > place:
        step, exit_name = taken[place]
        yield (
            f"“{_name(flow, step)}” went to “{_label(flow, step, exit_name)}”, "
            "where nothing more was expected"
        )


def _instead(
    flow: AnyFlow,
    step: str,
    exit_name: str,
    rest: Sequence[tuple[str, str]],
    told: Transcript,
    *,
    exactly: bool,
) -> str:
    """What happened where `exit_name` of `step` was expected."""
    wanted = f"expected “{_label(flow, step, exit_name)}”"
    other = next((taken for at, taken in rest if at == step), None)
    if other is not None:
        return f"“{_name(flow, step)}” went to “{_label(flow, step, other)}”, {wanted}"
    if exactly and rest:
        at, taken = rest[0]
        went = f"“{_name(flow, at)}” went to “{_label(flow, at, taken)}”"
        return f"{went}, {wanted} of “{_name(flow, step)}”"
    here = [one for one in told.passage if one.step == step]
    if not here:
        return f"never came to “{_name(flow, step)}”, {wanted}"
    last = told.passage[-1]
    if last.step == step and last.did == "waits":
        return f"“{_name(flow, step)}” still waits ({last.why}), {wanted}"
    return f"“{_name(flow, step)}” {here[-1].did} ({here[-1].why}), {wanted}"


def _messages(expect: Expected, told: Transcript) -> Iterator[str]:
    """The first words that no message holds, or a message too many."""
    got = [plain(one) for one in told.messages]
    place = 0
    for number, wanted in enumerate(expect.messages, 1):
        rest = got[place:]
        if expect.exactly:
            rest = rest[:1]
        found = next((at for at, text in enumerate(rest) if wanted in text), None)
        if found is None:
            instead = f"is “{_short(rest[0])}”" if rest else "did not come"
            yield f"message {number} {instead}, expected “{_short(wanted)}”"
            return
        place += found + 1
    if expect.exactly and len(got) > place:
        yield f"one message too many: “{_short(got[place])}”"


def _contact(expect: Expected, contact: Contact) -> Iterator[str]:
    for tag in expect.tags:
        if tag not in contact.tags:
            yield f"the contact has no tag “{tag}”"
    for tag in expect.without_tags:
        if tag in contact.tags:
            yield f"the contact has the tag “{tag}”, expected not to"
    for name, wanted in expect.fields.items():
        found: Any = getattr(contact, name) if name in BUILT_IN_FIELDS else contact.fields.get(name)
        if found != wanted and not (wanted is None and found == ""):
            yield f"the field “{name}” is {_value(found)}, expected {_value(wanted)}"


def _name(flow: AnyFlow, step_id: str) -> str:
    step = flow.steps.get(step_id)
    return (step.name or step.label) if step is not None else step_id


def _label(flow: AnyFlow, step_id: str, exit_name: str) -> str:
    step = flow.steps.get(step_id)
    exits = step.exits() if step is not None else ()
    return next((one.label for one in exits if one.name == exit_name), exit_name)


def _value(value: Any) -> str:
    return "empty" if value in (None, "") else f"“{value}”"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
