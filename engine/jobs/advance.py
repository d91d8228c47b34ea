"""The engine's doorbell: something happened to somebody, go and look."""

from __future__ import annotations

from typing import Any


async def advance_batch(ctx: dict[str, Any]) -> int:
    """Serve contacts until nobody is waiting; how many were served."""
    served: int = await ctx["runner"].drain()
    return served
