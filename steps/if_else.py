"""The kind `if_else`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.conditions import All, Any_, Condition, Leaf, Not, holds, in_words
from flows.patterns import problem_in_pattern
from flows.step import Context, Exit, Group, Leave, Outcome, Step

_NEED_NOTHING = ("is", "is_not", "is_set", "is_empty")  # “is nothing” is a fair question


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
        held, why = holds(self.condition, ctx.values)
        return Leave("yes" if held else "no", why)

    def summary(self) -> str:
        return in_words(self.condition)

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from _problems(self.condition, "/condition", 0)


def _problems(condition: Condition, where: str, depth: int) -> Iterator[tuple[str, str]]:
    match condition:
        case Leaf(op=op, to=None | "" | []) if op not in _NEED_NOTHING:
            yield f"{where}/to", "Say what it is compared with."
        case Leaf(op="matches", to=str(pattern)):
            wrong = problem_in_pattern(pattern)
            if wrong:
                yield f"{where}/to", f"“{pattern}” is no regular expression: {wrong}."
        case Not(of=inner):
            yield from _problems(inner, f"{where}/of", depth + 1)
        case All(of=parts) | Any_(of=parts):
            if not parts:
                yield f"{where}/of", "There is no condition here; add one."
            for number, part in enumerate(parts):
                yield from _problems(part, f"{where}/of/{number}", depth + 1)
        case _:
            return
