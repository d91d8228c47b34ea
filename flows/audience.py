"""Whom a campaign or a schedule is for: words only, who that is today is found elsewhere.

Rule: an audience that names nobody is nobody; everybody has to be said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from flows.conditions import Condition, in_words, problems_in

_ListName = Annotated[
    str, Meta(min_length=1, max_length=120, extra_json_schema={"x-input": "list"})
]
_Tag = Annotated[str, Meta(min_length=1, max_length=120, extra_json_schema={"x-input": "tag"})]
_Lists = Annotated[list[_ListName], Meta(max_length=50)]
_Tags = Annotated[list[_Tag], Meta(max_length=50)]


class Audience(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everybody, or whoever is on one of these lists or wears one of these tags; without those who
    are on another list or wear another tag; and of them only those for whom the condition holds.
    """

    everybody: Annotated[
        bool, Meta(title="Everybody", description="All contacts of the company")
    ] = False
    lists: Annotated[
        _Lists, Meta(title="On a list", description="Contacts on any of these lists")
    ] = []
    tags: Annotated[
        _Tags, Meta(title="With a tag", description="Contacts who wear any of these tags")
    ] = []
    not_lists: Annotated[
        _Lists, Meta(title="But not on a list", description="But not those on any of these lists")
    ] = []
    not_tags: Annotated[
        _Tags,
        Meta(title="But not with a tag", description="But not those who wear any of these tags"),
    ] = []
    condition: Annotated[
        Condition | None, Meta(title="Only if", description="Only contacts for whom this holds")
    ] = None

    def words(self) -> str:
        """The audience in one line: `on “VIP” or tagged “it”, not tagged “b2b”`."""
        if not (self.everybody or self.lists or self.tags):
            return "nobody"
        said = "everybody" if self.everybody else _any(self.lists, self.tags)
        without = _any(self.not_lists, self.not_tags)
        return "".join(
            (
                said,
                f", not {without}" if without else "",
                f", if {in_words(self.condition)}" if self.condition is not None else "",
            )
        )

    def problems(self) -> Iterator[tuple[str, str]]:
        """`(field, sentence)` of what is wrong, fields as JSON pointers below the audience."""
        if self.everybody and (self.lists or self.tags):
            yield "/everybody", "Either everybody, or lists and tags."
        if not (self.everybody or self.lists or self.tags):
            yield "", "This is nobody: name a list or a tag, or say that it is for everybody."
        if self.condition is not None:
            yield from problems_in(self.condition, "/condition")


def _any(lists: list[str], tags: list[str]) -> str:
    said = [f"on “{name}”" for name in lists] + [f"tagged “{name}”" for name in tags]
    return " or ".join(said)
