"""The kind `list`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import ChangeLists
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step
from flows.words import normal

ListName = Annotated[
    str, Meta(pattern=r"\S", max_length=120, extra_json_schema={"x-input": "list"})
]


class List(Step, frozen=True, kw_only=True, tag="list"):
    """Puts the contact on lists and takes them off others. A list that does not exist yet is
    made.
    """

    label: ClassVar[str] = "List"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "list-plus"
    example: ClassVar[Mapping[str, Any]] = {"add": ["Newsletter"], "remove": ["Prospects"]}

    add: Annotated[list[ListName], Meta(max_length=20, description="Lists to put on")] = []
    remove: Annotated[list[ListName], Meta(max_length=20, description="Lists to take off")] = []

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        change = ChangeLists(frozenset(self.add), frozenset(self.remove))
        return Leave("done", self.summary(), (change,))

    def summary(self) -> str:
        signs = [*(f"+ {name}" for name in self.add), *(f"− {name}" for name in self.remove)]
        return "  ".join(signs)

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.add and not self.remove:
            yield "/add", "Choose a list."
        added = {normal(name) for name in self.add}
        for number, name in enumerate(self.remove):
            if normal(name) in added:
                yield f"/remove/{number}", f"“{name}” is put on and taken off."

    def references(self) -> Iterator[Reference]:
        for where, names in (("/add", self.add), ("/remove", self.remove)):
            for number, name in enumerate(names):
                yield Reference("list", name, f"{where}/{number}")
