"""One contact's passage through one revision: a small value that is stored between two events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

Status = Literal["waiting", "done", "failed", "stopped"]
WaitFor = Literal["verdict", "reply", "time", "http", "event", "sub_flow"]
Did = Literal["left", "waits", "failed", "ended", "noted"]


class Waiting(Struct, frozen=True, omit_defaults=True):
    """Why a run is parked: any of `for_`, at the latest `until`. `note` belongs to the step."""

    for_: frozenset[WaitFor]
    until: datetime | None = None
    note: dict[str, Any] = {}


class Run(Struct, frozen=True, omit_defaults=True):
    """State of a run. `seq` grows with every wait, so that late timers and verdicts miss.

    `parent`: run and wait of the automation that waits for this one. `sent`: steps whose message
    has left. `seen`: fingerprint of the contact after the last event, so that the trace need not
    repeat what it knows.
    """

    id: int
    status: Status = "waiting"
    step: str | None = None
    seq: int = 0
    wait: Waiting | None = None
    variables: dict[str, Any] = {}
    chain: int = 0
    reason: str = ""
    goal: str = ""
    goal_value: str = ""
    parent: tuple[int, int] | None = None
    result: str = ""
    returned: dict[str, Any] = {}
    sent: frozenset[str] = frozenset()
    seen: int = 0


class Visit(Struct, frozen=True, omit_defaults=True):
    """One line of the trace: at `step` the run did something, and why, in words.

    `data` holds the values it saw under `saw`; the first line of an event also holds the `event`
    and, when it is not as the run left it, the `contact`: enough to replay the run.
    """

    step: str
    kind: str
    seq: int
    at: datetime
    did: Did
    exit: str = ""
    why: str = ""
    data: dict[str, Any] = {}
