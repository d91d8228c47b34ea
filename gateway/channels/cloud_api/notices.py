"""Webhooks that are about templates, numbers and accounts instead of messages. Pure.

Rule: as in `webhooks`: nothing raises, what is unknown is passed over, words are kept as they came.
Source: the Cloud API's webhook reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from gateway.channels.cloud_api.shapes import moment, obj, objects, text, whole
from gateway.news import AccountChanged, News, PhoneChanged, Quality, TemplateChanged

Json = dict[str, Any]
ONLY_ANSWERS = "RESTRICTED_BIZ_INITIATED_MESSAGING"
NOTHING_AT_ALL = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"
NO_LIMIT = -1
TIERS = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1_000,
    "TIER_2K": 2_000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": NO_LIMIT,
}
HIGH_THROUGHPUT = 1_000  # messages a second of an upgraded number; 80 of any other
THROUGHPUTS = {"STANDARD": 80, "HIGH": HIGH_THROUGHPUT}
QUALITIES: dict[str, Quality] = {"GREEN": "GREEN", "YELLOW": "YELLOW", "RED": "RED"}
QUALITY_EVENTS: dict[str, Quality] = {"FLAGGED": "RED", "UNFLAGGED": "GREEN"}


def people_a_day(value: Any) -> int | None:
    """A messaging limit, as a tier or a number; -1 is no limit, None is no limit told."""
    if isinstance(value, str) and value.strip().upper() in TIERS:
        return TIERS[value.strip().upper()]
    if text(value).strip() == str(NO_LIMIT):
        return NO_LIMIT
    return whole(value) or None


def phone_told(number: Json) -> PhoneChanged:
    """What `GET /PNID` says about a number; it names neither its account nor an event."""
    throughput = text(obj(number.get("throughput")).get("level"))
    limit = number.get("whatsapp_business_manager_messaging_limit")
    return PhoneChanged(
        "",
        text(number.get("display_phone_number")),
        "LOOKED_AT",
        text(number.get("status")),
        QUALITIES.get(text(number.get("quality_rating")).upper(), "UNKNOWN"),
        people_a_day(number.get("messaging_limit_tier") if limit is None else limit),
        THROUGHPUTS.get(throughput.upper()),
    )


def _template(value: Json, account: str, **changed: str) -> Iterator[News]:
    name = text(value.get("message_template_name"))
    if account and name:
        yield TemplateChanged(
            account,
            name,
            text(value.get("message_template_language")),
            text(value.get("message_template_id")),
            **changed,
        )


def _template_status(value: Json, account: str) -> Iterator[News]:
    event = text(value.get("event"))
    status = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "FLAGGED": ""}.get(event, event)
    told = (
        text(obj(value.get("rejection_info")).get("reason")),
        text(obj(value.get("other_info")).get("description")),
        text(value.get("reason")),
    )
    reason = next((words for words in told if words not in ("", "NONE")), "")
    return _template(value, account, status=status, reason=reason)


def _template_quality(value: Json, account: str) -> Iterator[News]:
    return _template(value, account, quality=text(value.get("new_quality_score")))


def _template_category(value: Json, account: str) -> Iterator[News]:
    # With `correct_category` it is only a notice: the change itself comes a day later.
    if coming := text(value.get("correct_category")):
        return _template(value, account, coming_category=coming)
    return _template(value, account, category=text(value.get("new_category")))


def _phone_quality(value: Json, account: str) -> Iterator[News]:
    number, event = text(value.get("display_phone_number")), text(value.get("event"))
    if not account or not event:
        return
    limit = value.get("max_daily_conversations_per_business", value.get("current_limit"))
    yield PhoneChanged(
        account,
        number,
        event,
        text(value.get("current_limit")),
        QUALITY_EVENTS.get(event, "UNKNOWN"),
        people_a_day(limit),
        HIGH_THROUGHPUT if event == "THROUGHPUT_UPGRADE" else None,
    )


def _account(value: Json, account: str) -> Iterator[News]:
    event = text(value.get("event"))
    if not account or not event:
        return
    restrictions = objects(value.get("restriction_info"))
    limits = [text(one.get("restriction_type")) for one in restrictions]
    violation = text(obj(value.get("violation_info")).get("violation_type"))
    ban = text(obj(value.get("ban_info")).get("waba_ban_state"))
    stopped: bool | None = None
    if NOTHING_AT_ALL in limits or ban == "DISABLE" or event == "ACCOUNT_DELETED":
        stopped = True
    elif ban == "REINSTATE":
        stopped = False
    yield AccountChanged(
        account,
        event,
        ", ".join(filter(None, [*limits, violation, ban])),
        stopped,
        no_campaigns=ONLY_ANSWERS in limits,
        until=_last_end(restrictions),
    )


def _last_end(restrictions: list[Json]) -> datetime | None:
    """When the last restriction of sending ends; None while one of them names no end."""
    ends = [
        moment(one.get("expiration"))
        for one in restrictions
        if text(one.get("restriction_type")) in (ONLY_ANSWERS, NOTHING_AT_ALL)
    ]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _capability(value: Json, account: str) -> Iterator[News]:
    told = value.get("max_daily_conversations_per_business")
    limit = people_a_day(told)
    if account and limit is not None:
        yield AccountChanged(account, "MESSAGING_LIMIT", text(told), limit=limit)


FIELDS: dict[str, Callable[[Json, str], Iterator[News]]] = {
    "message_template_status_update": _template_status,
    "message_template_quality_update": _template_quality,
    "template_category_update": _template_category,
    "phone_number_quality_update": _phone_quality,
    "business_capability_update": _capability,
    "account_update": _account,
}
