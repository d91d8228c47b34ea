"""The kind `assign`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import Assign as Give
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step
from flows.text import has_liquid


class Assign(Step, frozen=True, kw_only=True, tag="assign"):
    """Gives the chat to a colleague, or to nobody in particular. Handed over, automations keep
    silent for this contact until the chat is given back; only this run may still finish.
    """

    label: ClassVar[str] = "Assign"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "user-check"
    example: ClassVar[Mapping[str, Any]] = {"to": "ada@example.com", "hand_over": True}

    to: Annotated[
        Annotated[str, Meta(max_length=300)] | None,
        Meta(
            title="Colleague",
            description="E-mail of the colleague; may hold variables. Empty: nobody in particular, "
            "null: whoever has it now",
            extra_json_schema={"x-input": "user", "x-hint": ""},
        ),
    ] = None
    hand_over: Annotated[
        bool,
        Meta(
            title="A person takes over",
            description="A person takes over: automations keep silent for this contact",
        ),
    ] = True

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        to = None if self.to is None else ctx.render(self.to).strip()
        said = []
        if to is not None:
            said.append(f"assigned to {to}" if to else "assigned to nobody")
        if self.hand_over:
            said.append("handed over to a person")
        return Leave("done", ", ".join(said), (Give(to, self.hand_over),))

    def summary(self) -> str:
        said = ["Hand over"] if self.hand_over else []
        if self.to is not None:
            said.append(f"to {self.to}" if self.to else "to nobody in particular")
        return " ".join(said).capitalize() if not self.hand_over else " ".join(said)

    def texts(self) -> Iterator[tuple[str, str]]:
        if self.to:
            yield "/to", self.to

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.to is None and not self.hand_over:
            yield "/to", "Choose a colleague, or hand the chat over."
        if self.to and not has_liquid(self.to) and "@" not in self.to:
            yield "/to", "Give the e-mail address that the colleague signs in with."

    def references(self) -> Iterator[Reference]:
        if self.to and not has_liquid(self.to):
            yield Reference("user", self.to, "/to")
