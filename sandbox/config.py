"""What a sandbox is told at its start. It holds facts only and reads nothing by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STANDARD_THROUGHPUT = 80
"""Messages per second of an ordinary Cloud API number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """The pretend Meta app and its first business number.

    `data_file` is one SQLite file; chats, templates, media and undelivered webhooks live in it.
    `webhook_url` is where webhooks are POSTed, signed with `app_secret`; `verify_token` is what
    the subscribe check (`POST /sandbox/api/webhook/check`) sends as `hub.verify_token`.
    `access_token` is the only Bearer token that the Graph API accepts. `seed` decides all made-up
    ids. With `auto_approve` off, created templates stay PENDING until the control API decides.
    `throughput_per_s` is the limit of numbers that name none of their own. `templates` are bodies
    of the create call, approved from the start. `messaging_limit` is the tier of accounts that were
    given none by the control API.
    """

    data_file: Path
    webhook_url: str
    app_secret: str
    verify_token: str
    access_token: str
    phone_number_id: str
    display_phone_number: str
    waba_id: str
    business_name: str
    seed: int = 0
    auto_approve: bool = True
    throughput_per_s: int = STANDARD_THROUGHPUT
    templates: Sequence[Mapping[str, Any]] = ()
    messaging_limit: str = "TIER_UNLIMITED"


def utc_now() -> datetime:
    """Return the real time, the default clock of a sandbox."""
    return datetime.now(UTC)
