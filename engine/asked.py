"""What the events of one contact came to: written by the books, shown by the simulator."""

from __future__ import annotations

from msgspec import Struct

from engine.scene import Active
from flows.effects import (
    AddNote,
    Assign,
    Block,
    CallWebhook,
    ChangeLists,
    ChangeTags,
    Send,
    SetConsent,
    SetField,
)
from flows.run import Visit

Change = ChangeTags | ChangeLists | SetField | SetConsent | AddNote | Block | Assign


class Moved(Struct):
    """One run that an event touched, as it is now, with all that is new about it."""

    active: Active
    trigger: str = ""
    cart_id: int = 0
    new: bool = False
    trace: list[Visit] = []


class Sent(Struct, frozen=True):
    """A message a run asked for. `run_id` 0: the confirmation of a stop or start word.
    `answer`: the contact's own message led to it. `over_budget`: as its author said.
    """

    run_id: int
    automation_id: int
    send: Send
    answer: bool = False
    over_budget: str = "defer"


class Call(Struct, frozen=True):
    """A webhook call a run asked for."""

    run_id: int
    call: CallWebhook


class Changed(Struct, frozen=True):
    """A change of the contact, and the run that asked for it (0: their own message)."""

    run_id: int
    change: Change
