"""Made-up trouble: which calls are refused, slow, lost or garbled. Pure.

One rule: whether a fault strikes depends on the seed and on how many calls it has looked at.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from sandbox.chance import draw


class Fault(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What happens to a `share` (0 to 1) of the matching sends; the first that strikes acts.

    What happens is at most one of: `code` = the Cloud API's error with this code, instead of
    taking the message; `failed` = the message is taken, and a status fails it with this code;
    `http` = this HTTP status with a body that is no JSON, the message is not taken; `lost` = the
    connection is closed without an answer, `before` or `after` the message was taken (after: it
    is delivered and its statuses come); `malformed` = it is taken, the answer is cut in two.
    `slow_s` delays the answer by real seconds, alone or beside one of these.

    Matching: `phone` (phone_number_id), `template` (name), `contains` (anywhere in the body, case
    ignored); `times` = so many strikes at most, counted from when the fault was put. `on` graph
    means the other calls of the Graph API instead of sends; those know `code`, `http`, `lost`
    before and `slow_s`.
    """

    code: int | None = None
    failed: int | None = None
    http: int | None = None
    lost: Literal["before", "after"] | None = None
    malformed: bool = False
    slow_s: float = 0
    share: float = 1
    phone: str | None = None
    template: str | None = None
    contains: str | None = None
    times: int | None = None
    on: Literal["messages", "graph"] = "messages"

    def __post_init__(self) -> None:
        deeds = [self.code is not None, self.failed is not None, self.http is not None]
        deeds += [self.lost is not None, self.malformed]
        if sum(deeds) > 1:
            raise ValueError("give one of code, failed, http, lost and malformed")
        if not any(deeds) and not self.slow_s:
            raise ValueError("give code, failed, http, lost, malformed or slow_s")
        if not 0 <= self.share <= 1 or self.slow_s < 0 or (self.times or 0) < 0:
            raise ValueError("share is 0 to 1; slow_s and times cannot be negative")
        if self.http is not None and not 300 <= self.http <= 599:  # noqa: PLR2004 - HTTP's own
            raise ValueError("http is a status from 300 to 599")
        if self.on == "graph" and (self.failed or self.malformed or self.lost == "after"):
            raise ValueError("on graph only code, http, lost before and slow_s are possible")


@dataclass(slots=True)
class Hits:
    """How many calls each fault has looked at, and how many it struck, by its place."""

    looked: Counter[int] = field(default_factory=Counter)
    struck: Counter[int] = field(default_factory=Counter)


def striking(
    faults: Iterable[Fault],
    hits: Hits,
    seed: int,
    *,
    on: str,
    phone: str = "",
    template: str | None = None,
    body: bytes = b"",
) -> Fault | None:
    """Return the first fault that strikes this call, if any; the counts go up."""
    for place, fault in enumerate(faults):
        if (
            fault.on != on
            or fault.phone not in (None, phone)
            or fault.template not in (None, template)
            or (fault.contains and not _is_in(fault.contains, body))
            or (fault.times is not None and hits.struck[place] >= fault.times)
        ):
            continue
        hits.looked[place] += 1
        if draw(seed, "fault", place, hits.looked[place]) < fault.share:
            hits.struck[place] += 1
            return fault
    return None


def _is_in(wanted: str, body: bytes) -> bool:
    try:
        # Encoded once more, because a client may have escaped what the fault has in letters.
        text = msgspec.json.encode(msgspec.json.decode(body)).decode()
    except msgspec.DecodeError:
        text = body.decode("utf-8", "replace")
    return wanted.casefold() in text.casefold()
