"""How a line can end, and what people are told then. Pure.

Rule: these ends are not tried again by themselves: doing so is what gets a number banned.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from gateway.paired.wire import State

LOGGED_OUT = State(
    "logged_out", "The device was taken off the phone, in its list of linked devices."
)
REPLACED = State(
    "replaced",
    "Another program uses this phone's session. Stop it, then connect again here: "
    "two of them spoil each other's keys.",
)
OUTDATED = State("outdated")  # the owner says which version it is
BANS = {
    1: "it wrote to too many people who do not know it",
    2: "too many people blocked it",
    3: "it made too many groups",
    4: "it sent the same message too often",
    5: "it used broadcast lists too much",
}
REFUSED_AS_LOGGED_OUT = frozenset({2, 4, 5})  # logged out, main device gone, unknown logout
REFUSED_AS_BANNED = 3
REFUSED_AS_OUTDATED = frozenset({6, 7})  # client outdated, bad user agent
LONGEST_BAN = timedelta(days=365)
UNKNOWN_BAN = timedelta(hours=24)


def of_ban(event: Any, now: datetime) -> State:
    """A temporary ban; it says for how many seconds."""
    why = BANS.get(int(event.Code), f"reason {int(event.Code)}")
    return State("banned", f"WhatsApp banned the number for a while: {why}.", _until(event, now))


def of_refusal(event: Any, now: datetime) -> State | None:
    """What a refused connection means; None when it is worth another try."""
    reason = int(event.Reason)
    if reason in REFUSED_AS_LOGGED_OUT:
        return LOGGED_OUT
    if reason in REFUSED_AS_OUTDATED:
        return OUTDATED
    if reason == REFUSED_AS_BANNED:
        return State("banned", "WhatsApp banned the number for a while.", now + UNKNOWN_BAN)
    return None


def _until(event: Any, now: datetime) -> datetime:
    lasts = timedelta(seconds=min(max(int(event.Expire), 0), LONGEST_BAN.total_seconds()))
    return now + (lasts or UNKNOWN_BAN)
