"""The base of all trigger kinds: what starts an automation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from flows.contact import Contact
from flows.events import Event
from flows.step import Reference

WORDS_FIT = 4  # first ranks up to this one are of messages that fit by what they say


class Match(Struct, frozen=True):
    """This trigger fires. Lower `rank` wins among exclusive ones; `data` becomes variables."""

    why: str
    data: dict[str, Any] = {}
    rank: tuple[int, int] = (0, 0)


class Trigger(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="trigger"
):
    """One reason to start. Of exclusive kinds only the best match among all automations starts."""

    label: ClassVar[str] = ""
    exclusive: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any]] = {}
    """For the docs: settings that are right, where those of a new one are not."""
    hears: ClassVar[tuple[type, ...] | None] = None
    """The classes of events it looks at, so that nobody asks it about others; None: all."""

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        """Whether `event` of `contact` starts the automation."""
        raise NotImplementedError

    def sample(self, automation_id: int, name: str) -> Event:
        """An event by which this trigger, called `name`, starts a try-out of its automation."""
        raise NotImplementedError

    def summary(self) -> str:
        """One line in words for the Start card and lists."""
        return self.label

    def problems(self) -> Iterator[tuple[str, str]]:
        """`(field, sentence)` of what the schema cannot say is wrong with these settings."""
        return iter(())

    def references(self) -> Iterator[Reference]:
        """What outside the document this trigger needs."""
        return iter(())

    def looks_at(self) -> Iterator[tuple[str, str]]:
        """`(field, dotted path)` of every value its conditions name."""
        return iter(())


def trigger_kind(trigger: Trigger) -> str:
    """The kind's name: its file's name and the document's `type`."""
    return str(trigger.__struct_config__.tag)
