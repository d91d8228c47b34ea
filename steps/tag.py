"""The kind `tag`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.effects import ChangeTags
from flows.step import Context, Exit, Group, Leave, Outcome, Step

TagName = Annotated[str, Meta(pattern=r"\S", max_length=60, extra_json_schema={"x-input": "tag"})]


class Tag(Step, frozen=True, kw_only=True, tag="tag"):
    """Puts tags on the contact and takes others off. Tags sort contacts and steer other
    automations.
    """

    label: ClassVar[str] = "Tag"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "tag"

    add: Annotated[list[TagName], Meta(max_length=20, description="Tags to put on")] = []
    remove: Annotated[list[TagName], Meta(max_length=20, description="Tags to take off")] = []

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        change = ChangeTags(frozenset(self.add), frozenset(self.remove))
        return Leave("done", self.summary(), (change,))

    def summary(self) -> str:
        signs = [*(f"+ {tag}" for tag in self.add), *(f"− {tag}" for tag in self.remove)]
        return "  ".join(signs)

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.add and not self.remove:
            yield "/add", "Choose a tag."
        for tag in self.add:
            if tag in self.remove:
                yield "/remove", f"“{tag}” is put on and taken off."
