"""What Meta tells about templates, numbers and accounts: the values of those webhooks. Pure.

Source: Meta's webhook reference, field by field; `display_phone_number` instead of ids.
"""

from datetime import UTC, datetime

from sandbox.limits import TIERS
from sandbox.memory import Json, Row
from sandbox.review import REASONS

PAUSES = {
    1: ("FIRST_PAUSE", "Your WhatsApp message template has been paused for 3 hours."),
    2: ("SECOND_PAUSE", "Your WhatsApp message template has been paused for 6 hours."),
}
UNPAUSED = {"title": "UNPAUSE", "description": "Your WhatsApp message template has been unpaused."}
PHONES_PER_BUSINESS = 10
PHONES_PER_ACCOUNT = 25


def _template(row: Row) -> Json:
    return {
        "message_template_id": int(row["id"]),
        "message_template_name": row["name"],
        "message_template_language": row["language"],
    }


def template_status(
    row: Row, event: str, reason: str, at: float, *, unpaused: bool = False
) -> Json:
    """Return the value of `message_template_status_update`."""
    value: Json = {
        "event": event,
        **_template(row),
        "reason": reason,
        "message_template_category": row["category"],
    }
    if event == "PAUSED":
        title, description = PAUSES[max(1, min(row["pauses"], len(PAUSES)))]
        value["other_info"] = {"title": title, "description": description}
    if event == "REJECTED" and reason in REASONS:
        why = REASONS[reason]
        value["rejection_info"] = {"reason": why.words, "recommendation": why.recommendation}
    if event == "DISABLED":
        value["disable_info"] = {"disable_date": int(at)}
    if unpaused:
        value["other_info"] = UNPAUSED
    return value


def template_quality(row: Row, previous: str, new: str) -> Json:
    """Return the value of `message_template_quality_update`."""
    return {"previous_quality_score": previous, "new_quality_score": new, **_template(row)}


def category_notice(row: Row, correct: str, at: float) -> Json:
    """Return the value of `template_category_update` that comes ahead of the change."""
    return {
        **_template(row),
        "new_category": row["category"],
        "correct_category": correct,
        "category_update_timestamp": int(at),
    }


def category_change(row: Row, new: str) -> Json:
    """Return the value of `template_category_update` when the category changes."""
    return {**_template(row), "previous_category": row["category"], "new_category": new}


def phone_quality(row: Row, event: str, tier: str, *, before: str = "") -> Json:
    """Return the value of `phone_number_quality_update`; `before` is the tier that was."""
    value: Json = {
        "display_phone_number": row["display_phone_number"],
        "event": event,
        "current_limit": tier,
    }
    if before:
        value |= {"old_limit": before, "max_daily_conversations_per_business": tier}
    return value


def capability(tier: str) -> Json:
    """Return the value of `business_capability_update` about a new messaging limit."""
    return {
        "max_daily_conversations_per_business": TIERS[tier],
        "max_phone_numbers_per_business": PHONES_PER_BUSINESS,
        "max_phone_numbers_per_waba": PHONES_PER_ACCOUNT,
    }


def restriction(kinds: list[str], until: float) -> Json:
    """Return the value of `account_update` about what the account may not do for a while."""
    return {
        "event": "ACCOUNT_RESTRICTION",
        "restriction_info": [
            {"restriction_type": kind, "expiration": int(until)} for kind in kinds
        ],
    }


def ban(state: str, at: float) -> Json:
    """Return the value of `account_update` about a ban, ahead of it or at its end."""
    day = datetime.fromtimestamp(at, UTC)
    return {
        "event": "DISABLED_UPDATE",
        "ban_info": {"waba_ban_state": state, "waba_ban_date": f"{day:%B} {day.day}, {day.year}"},
    }


def violation(kind: str) -> Json:
    """Return the value of `account_update` about a broken policy."""
    return {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": kind}}
