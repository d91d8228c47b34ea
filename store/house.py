"""The house: what its operator decides for all companies on it.

Rule: a company's own setting goes before the house's; `rules_for` is the one place that says so.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
import structlog
from msgspec import Meta, Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Words, metadata
from store.companies import (
    SIGNING_PREFIX,
    CompanySettings,
    Day,
    DelayMs,
    GapMinutes,
    Hours,
    MailAddress,
    WebAddress,
    check_delay,
    check_week,
    usual_week,
)
from store.database import insert_into
from store.errors import InvalidError

house = sa.Table(
    "house",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=False),
    sa.Column("settings", JSON, nullable=False),
    sa.Column("webhook_secret", Words, nullable=False, default=""),
    sa.Column("admin_key_hash", Words, nullable=False, default=""),
)

THE_ONE = 1
SIGNING_BYTES = 30
SHORTEST_ADMIN_KEY = 12
log = structlog.get_logger(__name__)


class HouseSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How messages are sent unless a company says otherwise.

    `sending_hours` and `gap_minutes` as in a company's settings. `daily_limit`: messages a company
    may send on its local day, null is no limit. For paired phones: `phone_daily_limit` (null: by
    its age), `hourly_limit`, `delay_ms` (the least and the most between two messages). Campaigns
    of a number of low quality rest for `quality_rest_days`. `reply_webhook_url` hears replies of
    companies that name none, and with `reply_webhook_statuses` what becomes of messages;
    `alert_webhook_url` and `alert_email` hear of every company's alerts.
    """

    sending_hours: dict[Day, Hours | None] = field(default_factory=usual_week)
    gap_minutes: GapMinutes = 60
    daily_limit: Annotated[int, Meta(ge=1)] | None = None
    phone_daily_limit: Annotated[int, Meta(ge=1)] | None = None
    hourly_limit: Annotated[int, Meta(ge=1)] = 60
    delay_ms: DelayMs = (20_000, 60_000)
    quality_rest_days: Annotated[int, Meta(ge=1, le=60)] = 7
    reply_webhook_url: WebAddress = ""
    reply_webhook_statuses: bool = False
    alert_webhook_url: WebAddress = ""
    alert_email: MailAddress = ""


class SendingRules(Struct, frozen=True):
    """What holds for one company: its own word, else the house's."""

    sending_hours: Mapping[Day, Hours | None]
    gap_minutes: int
    daily_limit: int | None
    phone_daily_limit: int | None
    hourly_limit: int
    delay_ms: tuple[int, int]


def rules_for(company: CompanySettings, house_says: HouseSettings) -> SendingRules:
    """The rules of one company."""
    own_hours, own_gap = company.sending_hours, company.gap_minutes
    return SendingRules(
        sending_hours=house_says.sending_hours if own_hours is None else own_hours,
        gap_minutes=house_says.gap_minutes if own_gap is None else own_gap,
        daily_limit=company.daily_limit or house_says.daily_limit,
        phone_daily_limit=house_says.phone_daily_limit,
        hourly_limit=house_says.hourly_limit,
        delay_ms=company.delay_ms or house_says.delay_ms,
    )


def decode(raw: Mapping[str, Any]) -> HouseSettings:
    """Settings from plain values. Raises InvalidError naming the key that is unknown or wrong."""
    try:
        settings = msgspec.convert(raw, HouseSettings)
    except msgspec.ValidationError as error:
        raise InvalidError(f"These settings cannot be kept: {error}") from error
    check_week("sending", settings.sending_hours)
    check_delay(settings.delay_ms)
    return settings


async def settings(tx: AsyncConnection) -> HouseSettings:
    """What the house says; its defaults until somebody decided."""
    raw = (await tx.execute(sa.select(house.c.settings))).scalar_one_or_none()
    try:
        return decode(raw or {})
    except InvalidError as error:  # of an older or newer version; it must not stop the sending
        log.error("the house's settings cannot be read; defaults are used", error=str(error))  # noqa: TRY400
        return HouseSettings()


async def set_settings(tx: AsyncConnection, new: HouseSettings) -> None:
    """Keep new settings. Raises InvalidError when they contradict themselves."""
    await _write(tx, settings=msgspec.to_builtins(decode(msgspec.to_builtins(new))))


async def webhook_secret(tx: AsyncConnection) -> str:
    """What signs the house's own webhook calls; made when it is first needed."""
    query = sa.select(house.c.webhook_secret)
    if known := (await tx.execute(query)).scalar_one_or_none():
        return str(known)
    await _write(tx, webhook_secret=SIGNING_PREFIX + secrets.token_urlsafe(SIGNING_BYTES))
    return str((await tx.execute(query)).scalar_one())


async def set_admin_key(tx: AsyncConnection, key: str) -> None:
    """Let this key open the operator's doors instead of the one before."""
    if len(key) < SHORTEST_ADMIN_KEY:
        raise InvalidError(f"An admin key has at least {SHORTEST_ADMIN_KEY} characters.")
    await _write(tx, admin_key_hash=_digest(key))


async def opens(tx: AsyncConnection, key: str) -> bool:
    """Whether this is the admin key; False while there is none."""
    known = (await tx.execute(sa.select(house.c.admin_key_hash))).scalar_one_or_none() or ""
    return bool(known) and hmac.compare_digest(known, _digest(key))


async def _write(tx: AsyncConnection, **values: Any) -> None:
    first = {"id": THE_ONE, "settings": {}, "webhook_secret": "", "admin_key_hash": ""}
    await tx.execute(insert_into(tx, house).values(first | values).on_conflict_do_nothing())
    await tx.execute(sa.update(house).where(house.c.id == THE_ONE).values(**values))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
