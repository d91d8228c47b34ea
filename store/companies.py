"""Companies: the tenants. Their settings are one typed document.

Rule: settings are only written after they were decoded here, so what is stored is always valid.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import sqlalchemy as sa
import structlog
from msgspec import Meta, Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of
from store.errors import InvalidError, NotFoundError

companies = sa.Table(
    "companies",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("zone", Words, nullable=False, default="Europe/Rome"),
    sa.Column("language", Words, nullable=False, default="en"),
    sa.Column("country", Words, nullable=False, default="IT"),
    sa.Column("settings", JSON, nullable=False),
    sa.Column("webhook_secret", Words, nullable=False, default=""),
    sa.Column("status", Words, nullable=False, default="active"),
    sa.Column("subscription_ends_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
)

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HourOfDay = Annotated[
    str,
    Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", description="a time of day such as 09:30"),
]
Hours = tuple[HourOfDay, HourOfDay]
WEEKDAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat")
OFFICE_HOURS: Hours = ("09:00", "18:00")
USUAL_HOURS: Hours = ("09:00", "20:00")  # most countries' custom for commercial messages
GapMinutes = Annotated[int, Meta(ge=0, le=30 * 24 * 60)]
LONGEST_DELAY_MS = 3_600_000
Delay = Annotated[int, Meta(ge=0, le=LONGEST_DELAY_MS)]
DelayMs = tuple[Delay, Delay]
WebAddress = Annotated[
    str,
    Meta(
        pattern=r"^(https?://\S+)?$",
        max_length=2000,
        description="an address such as https://example.com/hook, or empty",
    ),
]
MailAddress = Annotated[
    str,
    Meta(
        pattern=r"^([^@\s]+@[^@\s]+)?$(?!\n)",
        max_length=254,
        description="an address such as ada@example.com, or empty",
    ),
]
WordList = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=200)]
CompanyStatus = Literal["active", "suspended"]
PAGE = 50
SIGNING_PREFIX = "whsec_"  # lets people and secret scanners recognise what it is
SIGNING_BYTES = 30  # 40 letters in URL-safe base64
log = structlog.get_logger(__name__)


def usual_week() -> dict[Day, Hours | None]:
    """Monday to Saturday 9 to 20, Sunday closed."""
    return {**dict.fromkeys(WEEKDAYS, USUAL_HOURS), "sun": None}


def office_week() -> dict[Day, Hours | None]:
    """Monday to Friday 9 to 18."""
    return {**dict.fromkeys(WEEKDAYS[:5], OFFICE_HOURS), "sat": None, "sun": None}


class CompanySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How a company works and wants messages to be sent. A day that is null or missing is closed.

    `sending_hours`, `gap_minutes` (between two messages to one contact, 0 is none), `daily_limit`
    and `delay_ms` (least and most between two messages of a paired phone) are the house's where
    they are null. `sending_hours` are local to the recipient, `working_hours` (when somebody
    answers) to the company; ends are excluded. `holidays`: its own days off beside its country's
    public holidays; nothing is sent on them, if `quiet_on_holidays`, but answers in a live chat.
    Replies of customers are told to `reply_webhook_url`, else to the house's, and what becomes of
    our messages too if `reply_webhook_statuses`.
    The budget (`marketing_per_day`, `marketing_per_week`: the last 24 hours and 7 days) is one
    contact's, over all automations; null is no limit. A chat that a person took over goes back to
    the automations `hand_over_ends_after_hours` after its last message; null: never by itself.
    `stop_words` and `start_words` are added to ours; those of ours that shall mean nothing here
    (“annulla” may be about an order) are `plain_words`.
    Finished runs lose their trace after `keep_traces_days`, handled events after
    `keep_events_days`; numbers stay. `mark_read`: customers see that their message was read when an
    answer to it goes out.
    """

    sending_hours: dict[Day, Hours | None] | None = None
    quiet_on_holidays: bool = True
    working_hours: dict[Day, Hours | None] = field(default_factory=office_week)
    public_holidays: bool = True
    holidays: list[date] = []
    marketing_per_day: Annotated[int, Meta(ge=1, le=100)] | None = 2
    marketing_per_week: Annotated[int, Meta(ge=1, le=500)] | None = 6
    hand_over_ends_after_hours: Annotated[int, Meta(ge=1, le=90 * 24)] | None = None
    keep_traces_days: Annotated[int, Meta(ge=7, le=3650)] = 365
    keep_events_days: Annotated[int, Meta(ge=7, le=3650)] = 30
    gap_minutes: GapMinutes | None = None
    daily_limit: Annotated[int, Meta(ge=1)] | None = None
    delay_ms: DelayMs | None = None
    reply_webhook_url: WebAddress = ""
    reply_webhook_statuses: bool = False
    alert_webhook_url: WebAddress = ""
    alert_email: MailAddress = ""
    transactional_any_hour: bool = False
    unconfirmed_after_minutes: Annotated[int, Meta(ge=1, le=7 * 24 * 60)] = 15
    unconfirmed_rule: Literal["treat_as_sent", "send_again"] = "treat_as_sent"
    stop_words: WordList = []
    start_words: WordList = []
    plain_words: WordList = []
    stop_confirmation: Annotated[str, Meta(max_length=1000)] = (
        "You will not get any more messages from us. Write START to hear from us again."
    )
    cart_marketing_needs_consent: bool = False
    sms_consent_counts: bool = False
    mark_read: bool = False


class Company(Struct, frozen=True):
    """A tenant. `zone` is an IANA name, `language` ISO 639-1, `country` ISO 3166 alpha-2."""

    id: int
    name: str
    zone: str
    language: str
    country: str
    settings: CompanySettings
    created_at: datetime
    status: CompanyStatus = "active"
    subscription_ends_at: datetime | None = None

    def may_send(self, now: datetime) -> bool:
        """Whether its messages go out. What comes in is kept in any case."""
        ends = self.subscription_ends_at
        return self.status == "active" and (ends is None or now < ends)

    def on_hold(self, now: datetime) -> str:
        """Why its messages are kept back, in words for people; empty while they go out."""
        if self.may_send(now):
            return ""
        ends = self.subscription_ends_at
        if self.status != "active" or ends is None:
            return "the company is suspended"
        local = ends.astimezone(ZoneInfo(self.zone))
        return f"the subscription ended on {local.day} {local:%b %Y}"


def decode_settings(raw: Mapping[str, Any]) -> CompanySettings:
    """Settings from plain values. Raises InvalidError naming the key that is unknown or wrong."""
    try:
        settings = msgspec.convert(raw, CompanySettings)
    except msgspec.ValidationError as error:
        message = f"These settings cannot be kept: {error}"
        raise InvalidError(message) from error
    check_week("sending", settings.sending_hours or {})
    check_week("working", settings.working_hours)
    check_delay(settings.delay_ms)
    return settings


def check_week(what: str, week: Mapping[Day, Hours | None]) -> None:
    """Raises InvalidError for hours that end before they begin."""
    for day, hours in week.items():
        if hours is not None and hours[0] >= hours[1]:
            said = f"on {day} {what} hours end before they begin"
            raise InvalidError(f"These settings cannot be kept: {said}")


def check_delay(delay: DelayMs | None) -> None:
    """Raises InvalidError for a least delay above the most."""
    if delay is not None and delay[0] > delay[1]:
        raise InvalidError("These settings cannot be kept: the least delay is above the most")


def read_settings(raw: Mapping[str, Any]) -> CompanySettings:
    """Stored settings. What an older or newer version wrote and this one cannot read has its
    default, and the log says so: one company's settings must not hold up all others.
    """
    try:
        return decode_settings(raw)
    except InvalidError as error:
        log.error("settings cannot be read; defaults are used", error=str(error))  # noqa: TRY400
    good: dict[str, Any] = {}
    for name, value in raw.items():
        with contextlib.suppress(InvalidError):
            decode_settings({name: value})
            good[name] = value
    return decode_settings(good)


def encode_settings(settings: CompanySettings) -> dict[str, Any]:
    """Settings as plain values, as the API and the forms show them."""
    plain: dict[str, Any] = msgspec.to_builtins(settings)
    return plain


async def create(
    tx: AsyncConnection,
    name: str,
    *,
    now: datetime,
    zone: str = "Europe/Rome",
    language: str = "en",
    country: str = "IT",
    settings: CompanySettings | None = None,
) -> int:
    """Make a company and return its id. Raises InvalidError for a zone that does not exist."""
    row = await tx.execute(
        sa.insert(companies)
        .values(
            name=name,
            zone=_zone(zone),
            language=language,
            country=country,
            settings=settings or CompanySettings(),
            created_at=now,
        )
        .returning(companies.c.id)
    )
    return int(row.scalar_one())


async def find(tx: AsyncConnection, company_id: int) -> Company | None:
    """The company, or None."""
    return (await find_many(tx, [company_id])).get(company_id)


async def find_many(tx: AsyncConnection, company_ids: Collection[int]) -> dict[int, Company]:
    """Companies by id; those that do not exist are left out."""
    query = sa.select(*columns_of(Company, companies)).where(companies.c.id.in_(company_ids))
    return {row.id: _company(row) for row in await tx.execute(query)}


async def get(tx: AsyncConnection, company_id: int) -> Company:
    """The company. Raises NotFoundError."""
    if (company := await find(tx, company_id)) is None:
        message = f"company {company_id} does not exist"
        raise NotFoundError(message)
    return company


async def page(tx: AsyncConnection, *, after: int = 0, limit: int = PAGE) -> list[Company]:
    """Up to `limit` companies with an id above `after`, oldest first."""
    query = (
        sa.select(*columns_of(Company, companies))
        .where(companies.c.id > after)
        .order_by(companies.c.id)
        .limit(limit)
    )
    return [_company(row) for row in await tx.execute(query)]


async def change(tx: AsyncConnection, company_id: int, **values: str) -> None:
    """Change `name`, `zone`, `language` or `country`. Raises InvalidError for any other name."""
    if unknown := values.keys() - {"name", "zone", "language", "country"}:
        message = f"a company has no {', '.join(sorted(unknown))} that could be changed"
        raise InvalidError(message)
    if "zone" in values:
        _zone(values["zone"])
    await tx.execute(sa.update(companies).where(companies.c.id == company_id).values(**values))


async def set_status(tx: AsyncConnection, company_id: int, status: CompanyStatus) -> None:
    """Suspend a company or let it go on. Its messages stay where they are in the queue."""
    await tx.execute(sa.update(companies).where(companies.c.id == company_id).values(status=status))


async def set_subscription(tx: AsyncConnection, company_id: int, ends_at: datetime | None) -> None:
    """Say until when a company may send; None is for ever."""
    await tx.execute(
        sa.update(companies)
        .where(companies.c.id == company_id)
        .values(subscription_ends_at=ends_at)
    )


def sending(now: datetime | sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    """The condition on `companies` that says the same as `Company.may_send`."""
    ends = companies.c.subscription_ends_at
    return sa.and_(companies.c.status == "active", sa.or_(ends.is_(None), ends > now))


async def set_settings(tx: AsyncConnection, company_id: int, settings: CompanySettings) -> None:
    """Keep new settings. Raises InvalidError when they contradict themselves."""
    valid = decode_settings(encode_settings(settings))
    await tx.execute(
        sa.update(companies).where(companies.c.id == company_id).values(settings=valid)
    )


async def webhook_secrets(tx: AsyncConnection, company_ids: Collection[int]) -> dict[int, str]:
    """`{company id: secret}` that signs its outgoing webhook calls; made when first needed."""
    if not company_ids:
        return {}
    query = sa.select(companies.c.id, companies.c.webhook_secret).where(
        companies.c.id.in_(company_ids)
    )
    found: dict[int, str] = {row.id: row.webhook_secret for row in await tx.execute(query)}
    missing = sorted(of for of, secret in found.items() if not secret)
    for of in missing:  # once in the life of a company
        await tx.execute(
            sa.update(companies)
            .where(companies.c.id == of, companies.c.webhook_secret == "")
            .values(webhook_secret=_new_secret())
        )
    if missing:  # somebody may have been quicker
        found = {row.id: row.webhook_secret for row in await tx.execute(query)}
    return found


async def rotate_webhook_secret(tx: AsyncConnection, company_id: int) -> str:
    """Make a new secret, which signs from the next call on; the old one is forgotten."""
    secret = _new_secret()
    await tx.execute(
        sa.update(companies).where(companies.c.id == company_id).values(webhook_secret=secret)
    )
    return secret


def _new_secret() -> str:
    return SIGNING_PREFIX + secrets.token_urlsafe(SIGNING_BYTES)


def _company(row: sa.Row[Any]) -> Company:
    plain = as_kind(Company, row)
    return msgspec.structs.replace(plain, settings=read_settings(row.settings))


def _zone(name: str) -> str:
    if name not in _zones():
        message = f"{name!r} is not a time zone; use an IANA name such as Europe/Rome"
        raise InvalidError(message)
    return ZoneInfo(name).key


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
