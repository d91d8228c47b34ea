"""What can be asked for: each change a struct, told apart by `do`.

Rule: a change names steps and exits, never coordinates in a list or a whole document, so that it
still means the same when somebody else changed other steps meanwhile.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from flows.editing.working import EditRefused
from flows.pointers import deeper_than

MOST_CHANGES = 200  # in one list; a person makes one, a queue after a lost connection some dozens
DEEPEST = 80  # levels of nesting; conditions have twenty
Spot = tuple[float, float]
"""Left and top on the canvas, in pixels at 100%."""
StepIds = Annotated[list[str], Meta(min_length=1, max_length=1001)]


class Way(Struct, frozen=True, forbid_unknown_fields=True):
    """A step's way out, or the start card's: `@start` has the exit `start`."""

    step: str
    exit: str


class Clip(Struct, frozen=True):
    """Steps as the clipboard holds them: their documents by id."""

    steps: Annotated[dict[str, Any], Meta(min_length=1, max_length=1000)]


class _Change(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    pass


class Move(_Change, frozen=True, tag="move"):
    """Put steps elsewhere on the canvas."""

    steps: Annotated[dict[str, Spot], Meta(min_length=1, max_length=1001)]


class Connect(_Change, frozen=True, tag="connect"):
    """Let an exit lead to a step, wherever it led before."""

    step: str
    exit: str
    to: str


class Disconnect(_Change, frozen=True, tag="disconnect"):
    """Let an exit lead nowhere."""

    step: str
    exit: str


class Add(_Change, frozen=True, tag="add"):
    """A new step: at a place, after an exit, or between an exit and where it leads."""

    kind: str
    at: Spot | None = None
    after: Way | None = None
    onto: Way | None = None
    settings: dict[str, Any] = {}
    id: str | None = None


class Delete(_Change, frozen=True, tag="delete"):
    """Take steps away; with `join` what led to them leads on to what came after."""

    steps: StepIds
    join: bool = False


class Duplicate(_Change, frozen=True, tag="duplicate"):
    """The same steps once more, with the lines among them."""

    steps: StepIds


class Paste(_Change, frozen=True, tag="paste"):
    """Steps from the clipboard, their left upper corner `at`."""

    clip: Clip
    at: Spot | None = None


class Edit(_Change, frozen=True, tag="edit"):
    """Set what stands at a JSON pointer (RFC 6901); without a value, take it away."""

    place: Annotated[str, Meta(max_length=500)]
    value: Any | UnsetType = UNSET


class AddTrigger(_Change, frozen=True, tag="add_trigger"):
    """One more reason to start."""

    kind: str
    settings: dict[str, Any] = {}


class DeleteTrigger(_Change, frozen=True, tag="delete_trigger"):
    """One reason to start less."""

    trigger: str


class Tidy(_Change, frozen=True, tag="tidy"):
    """Put every step where it is easiest to read."""


class Insert(_Change, frozen=True, tag="insert"):
    """A step that is there already, onto the line that leaves by an exit."""

    step: str
    onto: Way


Change = (
    Move
    | Connect
    | Disconnect
    | Add
    | Delete
    | Duplicate
    | Paste
    | Edit
    | AddTrigger
    | DeleteTrigger
    | Tidy
    | Insert
)
Changes = Annotated[list[Change], Meta(min_length=1, max_length=MOST_CHANGES)]


def read_changes(text: str | bytes) -> list[Change]:
    """The changes of a JSON array. Raises EditRefused when that is no list of changes."""
    try:
        raw = msgspec.json.decode(text)
        if deeper_than(raw, DEEPEST):
            raise EditRefused("These changes are nested too deeply.")
        return msgspec.convert(raw, Changes)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise EditRefused(f"These changes cannot be read: {error}.") from error
