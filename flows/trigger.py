"""The base of all trigger kinds: what starts an automation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from flows.contact import Contact
from flows.events import Event


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

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        """Whether `event` of `contact` starts the automation."""
        raise NotImplementedError

    def summary(self) -> str:
        """One line in words for the Start card and lists."""
        return self.label

    def problems(self) -> Iterator[tuple[str, str]]:
        """`(field, sentence)` of what the schema cannot say is wrong with these settings."""
        return iter(())


def trigger_kind(trigger: Trigger) -> str:
    """The kind's name: its file's name and the document's `type`."""
    return str(trigger.__struct_config__.tag)
