"""The kind `stop_others`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import StopOthers as Stop
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step
from steps._starting import AutomationId


class StopOthers(Step, frozen=True, kw_only=True, tag="stop_others"):
    """Ends what other automations are doing for this contact, all of them or the chosen ones;
    their messages that have not left are recalled. This run goes on.
    """

    label: ClassVar[str] = "Stop others"
    group: ClassVar[Group] = "flow"
    icon: ClassVar[str] = "octagon-x"
    example: ClassVar[Mapping[str, Any]] = {
        "automations": ["7"],
        "reason": "the customer talks to a person now",
    }

    automations: Annotated[
        list[AutomationId],
        Meta(max_length=50, title="Automations", description="Which; none chosen: all others"),
    ] = []
    reason: Annotated[
        str,
        Meta(
            max_length=200,
            title="Why",
            description="Why, shown in the trace of what is stopped",
        ),
    ] = ""

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        chosen = frozenset(int(one) for one in self.automations if one)
        why = self.reason or "another automation stopped it"
        return Leave("done", self.summary().lower(), (Stop(chosen, why),))

    def summary(self) -> str:
        chosen = [one for one in self.automations if one]
        if not chosen:
            return "All other automations"
        return f"Automation{'s' if len(chosen) > 1 else ''} {', '.join(chosen)}"

    def problems(self) -> Iterator[tuple[str, str]]:
        for number, one in enumerate(self.automations):
            if not one:
                yield f"/automations/{number}", "Choose an automation."

    def references(self) -> Iterator[Reference]:
        for number, one in enumerate(self.automations):
            if one:
                yield Reference("automation", one, f"/automations/{number}")
