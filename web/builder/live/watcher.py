"""One open page: what it shows, and what it has not been told yet.

Rule: news is merged while nobody reads it, so a slow page costs no more than a quick one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from store.results import Span

Counts = Mapping[str, dict[str, Any]]
_LETTERS = 8


class Person(Struct, frozen=True, order=True):
    """Whose page it is."""

    name: str
    user_id: int


class Watcher:
    """A page that watches. `mark` names it among all pages of all processes."""

    def __init__(self, person: Person, span: Span) -> None:
        self.person = person
        self.span = span
        self.mark = f"{secrets.token_urlsafe(_LETTERS)}|{person.user_id}|{person.name}"
        self.bell = asyncio.Event()
        self.fresh = True  # it gets all numbers first: some changed while it was loading
        self._counts: dict[str, dict[str, Any]] = {}
        self._news: dict[str, Any] = {}
        self._told: dict[str, Any] = {"here": []}

    def count(self, changed: Counts) -> None:
        """Numbers that are different."""
        if changed:
            self._counts.update(changed)
            self.bell.set()

    def tell(self, event: str, data: Any) -> None:
        """How something is now; the same once more is no news."""
        if self._told.get(event) != data:
            self._told[event] = self._news[event] = data
            self.bell.set()

    def take(self) -> list[str]:
        """The events that are due, as they go over the line."""
        self.bell.clear()
        news: dict[str, Any] = {**self._news, **({"counts": self._counts} if self._counts else {})}
        self._counts, self._news = {}, {}
        return [event(name, data) for name, data in news.items()]


def event(name: str, data: Any) -> str:
    """An event of a stream (WHATWG HTML, “Server-sent events”); JSON has no line breaks."""
    return f"event: {name}\ndata: {msgspec.json.encode(data).decode()}\n\n"


def person_of(mark: str) -> Person | None:
    """Whose page a mark names."""
    _, _, rest = mark.partition("|")
    user, _, name = rest.partition("|")
    return Person(name, int(user)) if user.isdigit() else None
