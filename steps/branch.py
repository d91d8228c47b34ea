"""The kind `branch`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from flows.conditions import Condition, Leaf, in_words, judge, paths_in, problems_in
from flows.step import Context, Exit, Group, Leave, Outcome, Step, StepId

_OTHER = "other"


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way on: taken when its condition holds, or when the step's value is one of its values."""

    exit: Annotated[
        StepId,
        Meta(
            title="Name in the automation",
            description="Name of its exit",
            extra_json_schema={"x-more": True, "x-made": True},
        ),
    ]
    label: Annotated[
        str, Meta(max_length=40, title="Name", description="What the exit is called")
    ] = ""
    condition: Annotated[
        Condition | None,
        Meta(description="What must hold", extra_json_schema={"x-input": "condition"}),
    ] = None
    values: Annotated[
        list[Annotated[str, Meta(max_length=200)]],
        Meta(
            max_length=50,
            title="Values",
            description="Short for: the step's value is one of these",
            extra_json_schema={"x-when": {"condition": "none"}},
        ),
    ] = []


class Branch(Step, frozen=True, kw_only=True, tag="branch"):
    """Goes on by the first case that holds, else by “Anything else”. Each case has a condition of
    its own, or lists values of the one value the step looks at.
    """

    label: ClassVar[str] = "Branch"
    group: ClassVar[Group] = "logic"
    icon: ClassVar[str] = "git-fork"
    example: ClassVar[Mapping[str, Any]] = {
        "value": "contact.language",
        "cases": [
            {"exit": "italian", "label": "Italian", "values": ["it"]},
            {"exit": "german", "label": "German", "values": ["de", "de_AT"]},
            {
                "exit": "vip",
                "label": "Regulars",
                "condition": {
                    "type": "is",
                    "value": "contact.tags",
                    "op": "contains",
                    "to": "regular",
                },
            },
        ],
    }

    value: Annotated[
        str,
        Meta(
            max_length=200,
            title="Value",
            description="What the cases' values are compared with, such as contact.language",
            extra_json_schema={"x-input": "value"},
        ),
    ] = ""
    cases: Annotated[
        list[Case],
        Meta(
            max_length=30, title="Cases", description="The ways on; the first that holds is taken"
        ),
    ] = []

    def exits(self) -> tuple[Exit, ...]:
        return (
            *(Exit(one.exit, one.label or one.exit, required=True) for one in self.cases),
            Exit(_OTHER, "Anything else"),
        )

    def enter(self, ctx: Context) -> Outcome:
        saw: dict[str, Any] = {}
        said = []
        for case in self.cases:
            judged = judge(self._condition(case), ctx.values)
            saw |= judged.saw
            if judged.held:
                return Leave(case.exit, judged.why, saw=saw)
            said.append(judged.why)
        return Leave(_OTHER, ", ".join(said), saw=saw)

    def summary(self) -> str:
        short = self.value and any(case.condition is None for case in self.cases)
        said = [f"by {self.value.removeprefix('contact.')}"] if short else []
        said += [in_words(case.condition) for case in self.cases if case.condition is not None]
        return " · ".join(said) or "No case yet"

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.cases:
            yield "/cases", "Add a case."
        seen = {_OTHER}
        taken: set[str] = set()
        for number, case in enumerate(self.cases):
            where = f"/cases/{number}"
            if case.exit in seen:
                yield f"{where}/exit", f"There is another exit “{case.exit}” here already."
            seen.add(case.exit)
            yield from self._case_problems(case, where)
            twice = [one for one in case.values if one in taken]
            if twice and case.condition is None:
                yield f"{where}/values", f"“{twice[0]}” leaves by an earlier case already."
            taken.update(case.values)

    def looks_at(self) -> Iterator[tuple[str, str]]:
        if self.value:
            yield "/value", self.value
        for number, case in enumerate(self.cases):
            if case.condition is not None:
                yield from paths_in(case.condition, f"/cases/{number}/condition")

    def _condition(self, case: Case) -> Condition:
        return case.condition or Leaf(self.value or "nothing", "is_one_of", [*case.values])

    def _case_problems(self, case: Case, where: str) -> Iterator[tuple[str, str]]:
        if case.condition is not None:
            if case.values:
                yield f"{where}/values", "A case has either a condition or values, not both."
            yield from problems_in(case.condition, f"{where}/condition")
            return
        if not case.values:
            yield where, "Give this case a condition, or values."
        elif not self.value:
            yield "/value", "Choose the value that the cases compare."
        else:
            for _, wrong in problems_in(self._condition(case), where):
                yield f"{where}/values", wrong
