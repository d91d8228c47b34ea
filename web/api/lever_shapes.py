"""What the API takes and gives for revisions and levers.

Rule: what is here is a promise; fields are added, never renamed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from store.publishing import Planned
from web.api.shapes import AutomationFull, Id


class AutomationPublished(AutomationFull, frozen=True):
    """What came of publishing: `new` unless it was live already; so many runs were asked to move
    or to end.
    """

    new: bool = False
    moved: int = 0
    ended: int = 0


class AutomationArchived(AutomationFull, frozen=True):
    """What came of archiving: so many runs were asked to end."""

    ended: int = 0


class Publish(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How to publish. Everything may be left out, also the body."""

    comment: Annotated[str, Meta(max_length=500, description="What changed and why")] = ""
    plan: Annotated[
        dict[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")], Planned],
        Meta(
            max_length=1000,
            description="What happens to contacts of older revisions, by the step they wait in; "
            "who is not named stays in their revision",
        ),
    ] = {}
    expected: Annotated[
        str,
        Meta(max_length=64, description="The draft_mark you looked at; another draft is refused"),
    ] = ""
    anyway: Annotated[bool, Meta(description="Also when saved tests fail")] = False


class RevisionShort(Struct, frozen=True):
    """A revision in the history: `by` is a person's name, empty for a machine; `inside_now` waits
    in it.
    """

    number: int
    live: bool
    comment: str
    published_at: datetime
    by: str
    inside_now: int


class RevisionFull(Struct, frozen=True):
    """A revision with its document, which never changes."""

    number: int
    comment: str
    published_at: datetime
    document: dict[str, Any]


class ChangeOut(Struct, frozen=True):
    """One change in words. `pointer` says where in the document; `before` and `after` are as the
    flow format writes them, null where there is nothing.
    """

    kind: str
    about: str
    sentence: str
    step: str
    title: str
    pointer: str
    before: Any
    after: Any


class Changes(Struct, frozen=True):
    """What turns one version into the other; moves on the canvas are no changes."""

    before: str
    after: str
    summary: str
    changes: list[ChangeOut]


class WaitingRevision(Struct, frozen=True):
    """How many wait there in one revision."""

    number: int
    contacts: int


class WaitingStep(Struct, frozen=True):
    """Contacts who wait in a step; `draft` says whether the draft still has it just so."""

    step: str
    title: str
    contacts: int
    revisions: list[WaitingRevision]
    draft: Literal["same", "changed", "removed"]


class Waiting(Struct, frozen=True):
    """Everybody who is inside, by step: those whose step the draft has lost come first."""

    contacts: int
    steps: list[WaitingStep]


class MoveRun(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to put a run."""

    to: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Id of the step")]
    seen_at: Annotated[str, Meta(max_length=64, description="Only if it is still at this step")] = (
        ""
    )
    revision: Annotated[
        int | None, Meta(description="A revision by its number; left out: the run's own")
    ] = None
    again: Annotated[
        bool, Meta(description="What has been sent at that step may be sent once more")
    ] = False


class Testers(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may enter while the automation is tried out; for them entry rules do not count."""

    contacts: Annotated[list[Id], Meta(min_length=1, max_length=50)]


class Priority(Struct, frozen=True, forbid_unknown_fields=True):
    """Higher goes before lower; 0 is usual."""

    priority: Annotated[int, Meta(ge=-1000, le=1000)]


class Asked(Struct, frozen=True):
    """How many runs were asked; the engine does it within a second or so."""

    runs: int
