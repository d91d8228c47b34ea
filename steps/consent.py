"""The kind `consent`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from flows.effects import SetConsent
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from steps._sending import one_line

SOURCE_LIMIT = 200


class Consent(Step, frozen=True, kw_only=True, tag="consent"):
    """Remembers that the contact does, or does not, want marketing, and where we know it from.
    Without their consent marketing is not sent.
    """

    label: ClassVar[str] = "Consent"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "badge-check"
    example: ClassVar[Mapping[str, Any]] = {
        "consent": "yes",
        "source": "answered “{{ answers.ask }}” to our question",
    }

    consent: Annotated[
        Literal["yes", "no"],
        Meta(
            title="Marketing",
            description="Whether they want marketing",
            extra_json_schema={
                "x-words": {"yes": "They want marketing", "no": "They want no marketing"}
            },
        ),
    ] = "yes"
    source: Annotated[
        str,
        Meta(
            max_length=1_000,
            title="Where we know it from",
            description="Where we know it from, kept as proof; may hold variables",
            extra_json_schema={"x-input": "text"},
        ),
    ] = ""

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        source = one_line(ctx.render(self.source))[:SOURCE_LIMIT] or "an automation"
        said = "want" if self.consent == "yes" else "do not want"
        change = SetConsent(self.consent, source)
        return Leave("done", f"they {said} marketing ({source})", (change,))

    def summary(self) -> str:
        return "Wants marketing" if self.consent == "yes" else "Wants no marketing"

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/source", self.source

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.consent == "yes" and not self.source.strip():
            yield "/source", "Say where we know it from; a consent needs a proof."
