"""The kind `if_else`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.conditions import All, Condition, in_words, judge, paths_in, problems_in
from flows.step import Context, Exit, Group, Leave, Outcome, Step


class IfElse(Step, frozen=True, kw_only=True, tag="if_else"):
    """Goes on by “Yes” when the condition holds for this contact at this moment, else by
    “Else”.
    """

    label: ClassVar[str] = "If / else"
    group: ClassVar[Group] = "logic"
    icon: ClassVar[str] = "split"

    condition: Annotated[
        Condition,
        Meta(description="What must hold", extra_json_schema={"x-input": "condition"}),
    ] = All()

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("yes", "Yes", required=True), Exit("no", "Else"))

    def enter(self, ctx: Context) -> Outcome:
        judged = judge(self.condition, ctx.values)
        return Leave("yes" if judged.held else "no", judged.why, saw=judged.saw)

    def summary(self) -> str:
        return in_words(self.condition)

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from problems_in(self.condition, "/condition")

    def looks_at(self) -> Iterator[tuple[str, str]]:
        yield from paths_in(self.condition, "/condition")
