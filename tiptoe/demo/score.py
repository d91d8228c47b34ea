"""What the phones got against what they should have got."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

NIGHT_ENDS, NIGHT_BEGINS = 9, 20  # local hours between which marketing may arrive
REACHED = ("delivered", "read")


class Score(msgspec.Struct, kw_only=True):
    """The end of a demo. `doubled`, `lost`, `out_of_order` and `at_night` must be 0."""

    contacts: int
    started: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    replies: int = 0
    recovered: int = 0
    opted_out: int = 0
    doubled: int = 0
    lost: int = 0
    out_of_order: int = 0
    at_night: int = 0
    unfinished: int = 0
    wall_seconds: float = 0.0

    @property
    def flawless(self) -> bool:
        """Whether nobody got anything twice, too little, in a wrong order or at night."""
        faults = (self.doubled, self.lost, self.out_of_order, self.at_night, self.unfinished)
        return not any(faults)


def compare(expected: Mapping[str, Sequence[str]], messages: Sequence[Mapping[str, Any]]) -> Score:
    """Count, from the sandbox's messages, against `expected` texts by number."""
    got: dict[str, list[str]] = defaultdict(list)
    score = Score(contacts=len(expected))
    zone = ZoneInfo("Europe/London")
    for message in messages:
        if message["direction"] != "out":
            score.replies += 1
            continue
        score.sent += 1
        score.delivered += message["status"] in REACHED
        score.read += message["status"] == "read"
        got[message["wa_id"]].append(message["text"])
        hour = datetime.fromisoformat(message["at"]).astimezone(zone).hour
        score.at_night += message["type"] == "template" and not NIGHT_ENDS <= hour < NIGHT_BEGINS
    for number in expected.keys() | got.keys():
        should, did = list(expected.get(number, ())), got[number]
        missing = Counter(should) - Counter(did)
        extra = Counter(did) - Counter(should)
        score.lost += missing.total()
        score.doubled += extra.total()
        score.out_of_order += not missing and not extra and should != did
    return score
