"""The kind `sub_flow`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from flows.duration import Duration, duration_words, parse_duration
from flows.effects import StartSubFlow
from flows.events import Event, SubFlowEnded, TimerDue
from flows.run import WaitFor
from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Reference, Step, StepId, Wait
from steps._starting import AutomationId, Passed, filled, next_chain

_DONE, _FAILED, _TIMEOUT = "done", "failed", "timeout"
_ENDED: frozenset[WaitFor] = frozenset({"sub_flow"})
_ENDED_OR_LATE: frozenset[WaitFor] = frozenset({"sub_flow", "time"})
_FOR_EVER = timedelta(days=3650)


class Result(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One result that the other automation may end with, and the exit of that name."""

    result: Annotated[
        StepId,
        Meta(
            title="Result",
            description="The result, as its End step names it",
            extra_json_schema={"x-made": True},
        ),
    ]
    label: Annotated[
        str, Meta(max_length=40, title="Name", description="What the exit is called")
    ] = ""


class SubFlow(Step, frozen=True, kw_only=True, tag="sub_flow"):
    """Lets another automation do a part of the work for the same contact, waits for its end and
    goes on by its result. The values it gives back are found under `answers`.
    """

    label: ClassVar[str] = "Sub-flow"
    group: ClassVar[Group] = "flow"
    icon: ClassVar[str] = "workflow"
    example: ClassVar[Mapping[str, Any]] = {
        "automation": "7",
        "values": {"order": "{{ order.name }}"},
        "results": [
            {"result": "happy", "label": "Is happy"},
            {"result": "unhappy", "label": "Is not"},
        ],
        "up_to": "3d",
    }

    automation: AutomationId = ""
    values: Passed = {}
    results: Annotated[
        list[Result],
        Meta(
            max_length=20,
            title="Results",
            description="Results that have an exit of their own",
        ),
    ] = []
    up_to: Annotated[
        Duration | None,
        Meta(
            title="How long to wait",
            description="How long to wait for it; it goes on by itself after that",
        ),
    ] = None

    def exits(self) -> tuple[Exit, ...]:
        ways = [Exit(one.result, one.label or one.result, required=True) for one in self.results]
        ways += [Exit(_DONE, "Any other end" if ways else "Done", required=True)]
        ways += [Exit(_FAILED, "Failed")]
        return (*ways, Exit(_TIMEOUT, "Takes too long")) if self.up_to else tuple(ways)

    def enter(self, ctx: Context) -> Outcome:
        chain = next_chain(ctx, self.automation)
        if isinstance(chain, Fail):
            return chain
        data = {"data": filled(ctx, self.values)}
        effect = StartSubFlow(ctx.step, ctx.seq, int(self.automation), data, chain)
        why = f"waits for automation {self.automation}"
        if not self.up_to:
            return Wait(_ENDED, why=why, effects=(effect,))
        length = parse_duration(self.up_to)
        why = f"{why}, up to {duration_words(length)}"
        return Wait(_ENDED_OR_LATE, ctx.now + length, why, (effect,))

    def resume(self, ctx: Context, event: Event) -> Outcome:
        match event:
            case TimerDue():
                length = parse_duration(self.up_to or "0s")
                return Leave(_TIMEOUT, f"it was not at its end after {duration_words(length)}")
            case SubFlowEnded(failed=True, reason=reason, values=values):
                return Leave(_FAILED, reason or "it failed", result=values)
            case SubFlowEnded(result=result, values=values):
                known = any(one.result == result for one in self.results)
                why = f"it ended with “{result}”" if result else "it came to its end"
                return Leave(result if known else _DONE, why, result=values)
            case _:
                return Fail(f"the end of a sub-flow is waited for, not {type(event).__name__}")

    def summary(self) -> str:
        return f"Automation {self.automation}" if self.automation else "No automation yet"

    def texts(self) -> Iterator[tuple[str, str]]:
        for name, text in self.values.items():
            yield f"/values/{name}", text

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.automation:
            yield "/automation", "Choose an automation."
        if self.up_to and not parse_duration(self.up_to):
            yield "/up_to", "There must be time for it."
        seen = {_DONE, _FAILED, _TIMEOUT}
        for number, one in enumerate(self.results):
            if one.result in seen:
                said = f"There is another exit “{one.result}” here already."
                yield f"/results/{number}/result", said
            seen.add(one.result)

    def references(self) -> Iterator[Reference]:
        if self.automation:
            yield Reference("automation", self.automation, "/automation")

    def gives(self) -> Iterator[tuple[str, str]]:
        yield "", "the values it gave back"

    def passes(self, exit_name: str) -> timedelta | None:
        return parse_duration(self.up_to) if self.up_to else _FOR_EVER
