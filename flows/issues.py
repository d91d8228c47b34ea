"""All problems of a document whose shape is right: its graph, its names, its manners.

Rule: nothing here looks outside; what exists outside is handed in as `Known`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from datetime import timedelta

from flows.contact import SERVICE_WINDOW
from flows.document import AnyFlow
from flows.fallbacks import fallbacks
from flows.known import Known, TemplateFacts, references
from flows.naming import names
from flows.problems import Problem, pointer
from flows.text import problem_in
from flows.trigger import trigger_kind
from flows.words import STOP_OPTION, wants_stop

__all__ = ["Known", "TemplateFacts", "certain_issues", "issues"]


def issues(flow: AnyFlow, known: Known | None = None) -> list[Problem]:
    """Every problem of `flow`, in no particular order of weight."""
    checks: tuple[Callable[[AnyFlow], Iterator[Problem]], ...] = (
        _start,
        _lines,
        _unreachable,
        _loops,
        _settings,
        _service_window,
        _stop_options,
        fallbacks,
    )
    found = [problem for check in checks for problem in check(flow)]
    world = known or Known()
    return [*found, *names(flow, world), *references(flow, world)]


def certain_issues(flow: AnyFlow, known: Known | None, unread: AbstractSet[str]) -> list[Problem]:
    """The errors that stay whatever the steps `unread` turn out to be.

    `flow` is the rest of a document of which those steps could not be read: lines may lead to
    them, and what depends on the whole graph is not judged.
    """
    checks = (_lines(flow, unread), _loops(flow), _settings(flow))
    found = [problem for check in checks for problem in check]
    if flow.start is not None:
        found += _start(flow, unread)
    world = known or Known()
    found += [*names(flow, world, unread), *references(flow, world)]
    return [problem for problem in found if problem.severity == "error"]


def _start(flow: AnyFlow, unread: AbstractSet[str] = frozenset()) -> Iterator[Problem]:
    if not flow.steps and not unread:
        yield Problem("error", "There are no steps.", "/steps", todo="Add the first one.")
    elif flow.start is None:
        yield Problem("error", "Nothing says where to begin.", "/start", todo="Choose a step.")
    elif flow.start not in flow.steps and flow.start not in unread:
        yield Problem("error", f"The first step “{flow.start}” does not exist.", "/start")
    if not flow.triggers:
        said = "Nothing starts this automation."
        yield Problem("warning", said, "/triggers", todo="Add a trigger.")


def _lines(flow: AnyFlow, unread: AbstractSet[str] = frozenset()) -> Iterator[Problem]:
    for step_id, step in flow.steps.items():
        exits = {one.name: one for one in step.exits()}
        for name, target in step.next.items():
            where = pointer("steps", step_id, "next", name)
            if name not in exits:
                choice = ", ".join(exits) or "none"
                said = f"There is no exit “{name}” here (exits: {choice})."
                yield Problem("error", said, where, step_id)
            elif target not in flow.steps and target not in unread:
                said = f"Exit “{exits[name].label}” leads to “{target}”, which does not exist."
                yield Problem("error", said, where, step_id)
            elif target == step_id:
                yield Problem("error", "A step cannot lead to itself.", where, step_id)
        for one in exits.values():
            if one.required and one.name not in step.next:
                where = pointer("steps", step_id, "next", one.name)
                said = f"Exit “{one.label}” leads nowhere."
                yield Problem("error", said, where, step_id, "Connect it, for example to an End.")


def _unreachable(flow: AnyFlow) -> Iterator[Problem]:
    if flow.start not in flow.steps:
        return
    seen, todo = {flow.start}, [flow.start]
    while todo:
        for target in flow.steps[todo.pop()].next.values():
            if target in flow.steps and target not in seen:
                seen.add(target)
                todo.append(target)
    for step_id in flow.steps:
        if step_id not in seen:
            yield Problem(
                "warning",
                "No line leads here.",
                pointer("steps", step_id),
                step_id,
                "Connect it or delete it.",
            )


def _loops(flow: AnyFlow) -> Iterator[Problem]:
    """Cycles in which neither time nor a reply passes: depth-first, without recursion."""
    done: set[str] = set()
    for first in flow.steps:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(first, False)]
        while stack:
            step_id, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(step_id)
                done.add(step_id)
                continue
            if step_id in on_path:
                loop = " → ".join([*path[path.index(step_id) :], step_id])
                said = f"This goes round for ever without waiting: {loop}."
                where = pointer("steps", step_id)
                yield Problem("error", said, where, step_id, "Put a delay or a wait inside.")
                continue
            step = flow.steps.get(step_id)
            if step_id in done or step is None or step.waits():
                continue
            path.append(step_id)
            on_path.add(step_id)
            stack.append((step_id, True))
            stack.extend((target, False) for target in step.next.values() if target != step_id)


def _settings(flow: AnyFlow) -> Iterator[Problem]:
    for name, trigger in flow.triggers.items():
        for field, said in trigger.problems():
            yield Problem("error", said, pointer("triggers", name) + field, name)
    for step_id, step in flow.steps.items():
        where = pointer("steps", step_id)
        for field, said in step.problems():
            yield Problem("error", said, where + field, step_id)
        for field, text in step.texts():
            wrong = problem_in(text)
            if wrong:
                yield Problem("error", f"The text cannot be read: {wrong}.", where + field, step_id)


def _service_window(flow: AnyFlow) -> Iterator[Problem]:
    """Free-form messages that can fall outside the 24 hours after the customer's last message.

    `since` is the longest time since that message on any way to a step; it only grows, and is
    capped, so the search ends.
    """
    if flow.start not in flow.steps:
        return
    by_message = flow.triggers and all(
        trigger_kind(one) == "customer_message" for one in flow.triggers.values()
    )
    since: dict[str, timedelta] = {flow.start: timedelta(0) if by_message else SERVICE_WINDOW}
    todo = [flow.start]
    while todo:
        step_id = todo.pop()
        step = flow.steps[step_id]
        for name, target in step.next.items():
            if target not in flow.steps:
                continue
            passed = step.passes(name)
            later = timedelta(0) if passed is None else min(since[step_id] + passed, SERVICE_WINDOW)
            if target not in since or later > since[target]:
                since[target] = later
                todo.append(target)
    for step_id, longest in since.items():
        if flow.steps[step_id].free_form() and longest >= SERVICE_WINDOW:
            yield Problem(
                "warning",
                "This may come more than 24 hours after the customer's last message; "
                "WhatsApp then refuses it.",
                pointer("steps", step_id),
                step_id,
                "Send a template here, or check that the service window is open.",
            )


def _stop_options(flow: AnyFlow) -> Iterator[Problem]:
    """Options that end everything although they were meant for something else: a tap sends the
    option's words, and these are words with which people ask for no more messages.
    """
    for step_id, step in flow.steps.items():
        for option, label in step.offers():
            if option.lower() != STOP_OPTION and wants_stop(label):
                yield Problem(
                    "warning",
                    f"Who taps “{label}” gets no more messages at all: it is a stop word.",
                    pointer("steps", step_id),
                    step_id,
                    "Say it in more words, such as “Cancel the order”.",
                )
