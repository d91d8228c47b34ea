"""The kind `delay`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.duration import Duration, duration_words, parse_duration
from flows.events import Event
from flows.step import Context, Exit, Group, Leave, Outcome, Step, Wait


class Delay(Step, frozen=True, kw_only=True, tag="delay"):
    """Lets time pass before the next step."""

    label: ClassVar[str] = "Delay"
    group: ClassVar[Group] = "waiting"
    icon: ClassVar[str] = "clock"

    duration: Annotated[Duration, Meta(description="How long")] = "1h"

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("after", "After", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        length = parse_duration(self.duration)
        return Wait(frozenset({"time"}), ctx.now + length, f"waits {duration_words(length)}")

    def resume(self, ctx: Context, event: Event) -> Outcome:
        return Leave("after", f"{self.summary()} later")

    def summary(self) -> str:
        return duration_words(parse_duration(self.duration))

    def problems(self) -> Iterator[tuple[str, str]]:
        if not parse_duration(self.duration):
            yield "/duration", "A delay must last at least a second."

    def waits(self) -> bool:
        return True

    def passes(self, exit_name: str) -> timedelta | None:
        return parse_duration(self.duration)
