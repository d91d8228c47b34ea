"""The kind `note`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import AddNote
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from steps._sending import one_line

NOTE_LIMIT = 4_000  # characters of a note; more is cut, a note is no document


class Note(Step, frozen=True, kw_only=True, tag="note"):
    """Writes a note for colleagues beside the chat. The customer never sees it."""

    label: ClassVar[str] = "Note"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "sticky-note"
    example: ClassVar[Mapping[str, Any]] = {
        "text": "Left a cart of {{ cart.total }} {{ cart.currency }} behind and wants help."
    }

    text: Annotated[
        str,
        Meta(
            max_length=NOTE_LIMIT,
            title="Note",
            description="The note; may hold variables",
            extra_json_schema={"x-input": "text"},
        ),
    ] = ""

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        text = ctx.render(self.text).strip()
        if not text:
            return Leave("done", "the note came out empty, so none was written")
        return Leave("done", "wrote a note", (AddNote(text[:NOTE_LIMIT]),))

    def summary(self) -> str:
        return one_line(self.text) or "No text yet"

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/text", self.text

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.text.strip():
            yield "/text", "Write the note."
