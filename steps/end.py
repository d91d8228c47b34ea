"""The kind `end`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.effects import ReachGoal
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from steps._sending import Liquid


class End(Step, frozen=True, kw_only=True, tag="end"):
    """Ends the automation for this contact. With a goal, results count who got here, and what
    it was worth.
    """

    label: ClassVar[str] = "End"
    group: ClassVar[Group] = "flow"
    icon: ClassVar[str] = "circle-stop"

    goal: Annotated[
        str, Meta(max_length=80, description="The goal reached here, such as “cart recovered”")
    ] = ""
    value: Annotated[Liquid, Meta(description="What it was worth, such as {{ cart.total }}")] = ""

    def exits(self) -> tuple[Exit, ...]:
        return ()

    def enter(self, ctx: Context) -> Outcome:
        if not self.goal:
            return Leave("")
        value = ctx.render(self.value).strip()
        return Leave("", f"reached “{self.goal}”", (ReachGoal(self.goal, value),))

    def summary(self) -> str:
        return f"Goal: {self.goal}" if self.goal else ""

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/value", self.value

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.value and not self.goal:
            yield "/goal", "Name the goal that has this value."
