"""The kind `end`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.effects import Effect, ReachGoal, Return
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from steps._sending import Liquid
from steps._starting import ValueName, filled


class End(Step, frozen=True, kw_only=True, tag="end"):
    """Ends the automation for this contact. With a goal, results count who got here, and what
    it was worth. An automation that waits for this one goes on by the result and gets the values.
    """

    label: ClassVar[str] = "End"
    group: ClassVar[Group] = "flow"
    icon: ClassVar[str] = "circle-stop"

    goal: Annotated[
        str,
        Meta(
            max_length=80,
            title="Goal",
            description="The goal reached here, such as “cart recovered”",
        ),
    ] = ""
    value: Annotated[
        Liquid,
        Meta(
            title="What it was worth",
            description="What it was worth, such as {{ cart.total }}",
            extra_json_schema={"x-when": {"goal": "some"}},
        ),
    ] = ""
    result: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{0,64}$",
            title="Result",
            description="How it ended, for an automation that waits for this one",
            extra_json_schema={"x-more": True},
        ),
    ] = ""
    values: Annotated[
        dict[ValueName, Liquid],
        Meta(
            max_length=20,
            title="Values given back",
            description="What the automation that waits for this one gets",
            extra_json_schema={"x-more": True},
        ),
    ] = {}

    def exits(self) -> tuple[Exit, ...]:
        return ()

    def enter(self, ctx: Context) -> Outcome:
        effects: list[Effect] = []
        said = []
        if self.goal:
            effects.append(ReachGoal(self.goal, ctx.render(self.value).strip()))
            said.append(f"reached “{self.goal}”")
        if self.result or self.values:
            effects.append(Return(self.result, filled(ctx, self.values)))
            said += [f"with the result “{self.result}”"] if self.result else []
        return Leave("", ", ".join(said), tuple(effects))

    def summary(self) -> str:
        said = [f"Goal: {self.goal}"] if self.goal else []
        said += [f"Result: {self.result}"] if self.result else []
        return " · ".join(said)

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/value", self.value
        for name, text in self.values.items():
            yield f"/values/{name}", text

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.value and not self.goal:
            yield "/goal", "Name the goal that has this value."
