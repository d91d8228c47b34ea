"""The kind `split`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Step, StepId

_HASH_BYTES = 8
_RANGE = 2 ** (8 * _HASH_BYTES)


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the ways, and how large its share is."""

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
    weight: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            title="Share",
            description="Its share, compared with the other weights",
        ),
    ] = 1


class Split(Step, frozen=True, kw_only=True, tag="split"):
    """Deals contacts out by chance, each part its share: half and half, or 90 to 10. With “same
    way each time” a contact who comes again goes the same way, and changed shares send only as
    many contacts another way as they must.
    """

    label: ClassVar[str] = "Split"
    group: ClassVar[Group] = "logic"
    icon: ClassVar[str] = "shuffle"
    example: ClassVar[Mapping[str, Any]] = {
        "parts": [
            {"exit": "short", "label": "Short text", "weight": 50},
            {"exit": "long", "label": "Long text", "weight": 50},
        ],
        "sticky": True,
    }
    fresh: ClassVar[Mapping[str, Any]] = {
        "parts": [
            {"exit": "a", "label": "A", "weight": 50},
            {"exit": "b", "label": "B", "weight": 50},
        ],
    }

    parts: Annotated[
        list[Part], Meta(max_length=10, title="Parts", description="The ways and their shares")
    ] = []
    sticky: Annotated[
        bool,
        Meta(title="Same way each time", description="The same way each time for the same contact"),
    ] = False

    def exits(self) -> tuple[Exit, ...]:
        return tuple(Exit(one.exit, one.label or one.exit, required=True) for one in self.parts)

    def enter(self, ctx: Context) -> Outcome:
        total = sum(one.weight for one in self.parts)
        if not total:
            return Fail("no part has a share")
        drawn = f"contact {ctx.contact.id}" if self.sticky else f"run {ctx.seed} {ctx.seq}"
        chosen = max(self.parts, key=lambda one: _score(f"{drawn} {ctx.step} {one.exit}", one))
        share = f"{100 * chosen.weight / total:.4g} %"
        how = "this contact's" if self.sticky else "drawn"
        return Leave(chosen.exit, f"{how} way is “{chosen.label or chosen.exit}” ({share})")

    def summary(self) -> str:
        total = sum(one.weight for one in self.parts) or 1
        said = [f"{one.label or one.exit} {100 * one.weight / total:.3g} %" for one in self.parts]
        return " · ".join(said) or "No parts yet"

    def problems(self) -> Iterator[tuple[str, str]]:
        if len(self.parts) < 2:  # noqa: PLR2004  one way is no split
            yield "/parts", "A split needs at least two parts."
        elif not any(one.weight for one in self.parts):
            yield "/parts", "At least one part needs a weight above 0."
        seen: set[str] = set()
        for number, one in enumerate(self.parts):
            if one.exit in seen:
                said = f"There is another exit “{one.exit}” here already."
                yield f"/parts/{number}/exit", said
            seen.add(one.exit)


def _score(key: str, part: Part) -> float:
    """Weighted rendezvous hashing: the part with the highest score wins, each as often as its
    weight says, and another weight moves only contacts towards or away from that part.
    Source: Schindelhauer and Schomaker, Weighted Distributed Hash Tables (2005).
    """
    if not part.weight:
        return -1.0
    drawn = int.from_bytes(blake2b(key.encode(), digest_size=_HASH_BYTES).digest(), "big")
    return -part.weight / math.log((drawn + 0.5) / _RANGE)
