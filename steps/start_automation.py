"""The kind `start_automation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flows.effects import StartAutomation as Begin
from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Reference, Step
from steps._starting import CHAIN_LIMIT, AutomationId, Passed, filled, next_chain

__all__ = ["CHAIN_LIMIT", "StartAutomation"]


class StartAutomation(Step, frozen=True, kw_only=True, tag="start_automation"):
    """Starts another automation for the same contact. Both go on side by side."""

    label: ClassVar[str] = "Start automation"
    group: ClassVar[Group] = "flow"
    icon: ClassVar[str] = "play"
    example: ClassVar[Mapping[str, Any]] = {
        "automation": "7",
        "values": {"why": "asked for help with {{ cart.total }}"},
    }

    automation: AutomationId = ""
    values: Passed = {}

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        chain = next_chain(ctx, self.automation)
        if isinstance(chain, Fail):
            return chain
        effect = Begin(int(self.automation), {"data": filled(ctx, self.values)}, chain)
        return Leave("done", f"starts automation {self.automation}", (effect,))

    def summary(self) -> str:
        return f"Automation {self.automation}" if self.automation else "No automation yet"

    def texts(self) -> Iterator[tuple[str, str]]:
        for name, text in self.values.items():
            yield f"/values/{name}", text

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.automation:
            yield "/automation", "Choose an automation."

    def references(self) -> Iterator[Reference]:
        if self.automation:
            yield Reference("automation", self.automation, "/automation")
