"""The channel kinds: a module or package here is a kind, and its name is the kind.

Rule: each holds exactly one `Channel` class; adding a kind is adding one file.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from gateway.channel import Channel


def kinds() -> dict[str, type[Channel]]:
    """Every channel class by kind."""
    return {info.name: _channel_in(info.name) for info in iter_modules(__path__)}


@cache
def paced_kinds() -> frozenset[str]:
    """The kinds whose numbers are people's own phones."""
    return frozenset(kind for kind, channel in kinds().items() if channel.paced)


def _channel_in(kind: str) -> type[Channel]:
    module = import_module(f"{__name__}.{kind}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Channel) and value is not Channel
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must hold exactly one Channel, it has {len(found)}")
    return found[0]
