"""What the kinds that start other automations have in common. Not a kind itself."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from flows.step import Context, Fail
from steps._sending import Liquid

CHAIN_LIMIT = 5  # automations starting automations, one after the other, in one go
AutomationId = Annotated[
    str,
    Meta(
        pattern=r"^([1-9]\d{0,17})?$",
        description="Which automation",
        extra_json_schema={"x-input": "automation"},
    ),
]
ValueName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Passed = Annotated[
    dict[ValueName, Liquid],
    Meta(
        max_length=20, title="What it is told", description="What it gets to know, as data.<name>"
    ),
]


def next_chain(ctx: Context, automation: str) -> int | Fail:
    """The place in the chain of what this run is about to start, or why it may not."""
    chain = ctx.run.chain + 1
    if not automation:
        return Fail("no automation is chosen")
    if chain > CHAIN_LIMIT:
        return Fail(
            f"{CHAIN_LIMIT} automations have started one another already; "
            "this looks like a circle, so the next one is not started"
        )
    return chain


def filled(ctx: Context, values: dict[str, str]) -> dict[str, Any]:
    """The values with their variables filled in."""
    return {name: ctx.render(text) for name, text in values.items()}
