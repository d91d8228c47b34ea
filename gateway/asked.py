"""What is asked about a message, its recipient and its company before it may leave. Pure.

Rule: facts of one moment and nothing else; whoever decides reads no row and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from gateway.window import Week

Source = Literal["automation", "api", "person", "system"]
OverBudget = Literal["defer", "drop"]


class MessageFacts(Struct, frozen=True):
    """What is asked about a message. `template_status` is empty for free-form messages and for
    templates nobody told us about; `template_in`: the accounts at WhatsApp that have approved it,
    empty where all have, or nobody knows. `wants_phone` is a phone that was chosen for it.
    """

    id: int
    priority: int
    category: str
    source: Source
    is_template: bool
    kind: str = "text"
    expires_at: datetime | None = None
    template_status: str = ""
    template_in: frozenset[str] = frozenset()
    wants_phone: int | None = None
    run_id: int | None = None
    over_budget: OverBudget = "defer"


class ContactFacts(Struct, frozen=True):
    """What is asked about its recipient. `windows`: last inbound time per phone they wrote to;
    `zones`: the clocks they may live by; `last_out_at`: our last message to them, as far back as a
    gap may last; `last_left_at`: the last that surely left, ever; `is_known`: there was some
    message, in or out, ever. `marketing`: when budgeted messages left in the last 7 days.
    `handed_over`: a person has the chat, and the run `handed_over_run` saw to it.
    """

    zones: tuple[str, ...]
    reachable: bool = True
    consent: str = "unknown"
    blocked: bool = False
    deleted: bool = False
    last_inbound_at: datetime | None = None
    last_phone_id: int | None = None
    last_out_at: datetime | None = None
    last_left_at: datetime | None = None
    is_known: bool = True
    windows: Mapping[int, datetime] = {}
    marketing: tuple[datetime, ...] = ()
    handed_over: bool = False
    handed_over_run: int | None = None


class CompanyFacts(Struct, frozen=True):
    """What is asked about the sender's company; `day_ends` closes its local day."""

    hours: Week
    gap_minutes: int
    day_ends: datetime
    daily_limit: int | None = None
    sent_today: int = 0
    transactional_any_hour: bool = False
    marketing_per_day: int | None = None
    marketing_per_week: int | None = None
