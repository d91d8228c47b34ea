"""The kind `start_automation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import StartAutomation as Begin
from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Reference, Step
from steps._sending import Liquid

CHAIN_LIMIT = 5  # automations starting automations, one after the other, in one go
ValueName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class StartAutomation(Step, frozen=True, kw_only=True, tag="start_automation"):
    """Starts another automation for the same contact. Both go on side by side."""

    label: ClassVar[str] = "Start automation"
    group: ClassVar[Group] = "flow"
    icon: ClassVar[str] = "play"
    example: ClassVar[Mapping[str, Any]] = {
        "automation": "7",
        "values": {"why": "asked for help with {{ cart.total }}"},
    }

    automation: Annotated[
        str,
        Meta(
            pattern=r"^([1-9]\d{0,17})?$",
            description="Which automation",
            extra_json_schema={"x-input": "automation"},
        ),
    ] = ""
    values: Annotated[
        dict[ValueName, Liquid],
        Meta(max_length=20, description="What it gets to know, as data.<name>"),
    ] = {}

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        chain = ctx.run.chain + 1
        if not self.automation:
            return Fail("no automation is chosen")
        if chain > CHAIN_LIMIT:
            return Fail(
                f"{CHAIN_LIMIT} automations have started one another already; "
                "this looks like a circle, so the next one is not started"
            )
        values = {name: ctx.render(text) for name, text in self.values.items()}
        effect = Begin(int(self.automation), {"data": values}, chain)
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
