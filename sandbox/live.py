"""Tells open pages that something changed. It carries whose chat changed, never the content."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class _Listener:
    changed: set[str] = field(default_factory=set)
    bell: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """The bell board between what happens and the pages that show it."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()
        self._closed = False

    def ring(self, wa_id: str) -> None:
        """Tell every open page that the chat of this customer changed."""
        for listener in self._listeners:
            listener.changed.add(wa_id)
            listener.bell.set()

    def close(self) -> None:
        """End all streams, also those that are opened later; called before the server stops."""
        self._closed = True
        for listener in self._listeners:
            listener.bell.set()

    async def listen(self) -> AsyncIterator[set[str]]:
        """Yield the customers whose chats changed since the last time, until `close`."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while not self._closed:
                await listener.bell.wait()
                listener.bell.clear()
                changed, listener.changed = listener.changed, set()
                if changed and not self._closed:
                    yield changed
        finally:
            self._listeners.discard(listener)
