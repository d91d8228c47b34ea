"""The business's numbers: what stops them, how fast they are, how customers rate them.

One rule: these verbs are called inside `world.writing()` and never open a transaction.
"""

from sandbox import accounts, news
from sandbox.memory import Json, Row
from sandbox.quality import SPAN_S, rate
from sandbox.refusals import Refusal, known_refusal
from sandbox.world import World, find_phone, iso

SPARED_SENDS = 10
"""Marketing messages that a RED number may still send before it is stopped for spam."""
LOOK_AGAIN_S = 24 * 3600
"""How often a rating that fell is looked at again without a new complaint."""
HIGH_THROUGHPUT = 1000
RAISING = 131057
STATUS_OF_STOP = {131031: "BANNED", 368: "RESTRICTED", 133010: "PENDING", 131048: "FLAGGED"}


def stop(world: World, phone: Row, code: int, *, until: float | None, after: int = 0) -> None:
    """Refuse this number's sends with a code until a moment, beginning after so many more."""
    _change(world, phone, "stop_code = ?, stop_until = ?, stop_after = ?", code, until, after)


def go_on(world: World, phone: Row) -> None:
    """Let a stopped number send again."""
    _change(world, phone, "stop_code = null, stop_until = null, stop_after = 0")


def stopped(phone: Row, now: float) -> Refusal | None:
    """Return how a send of this number is refused, if it is stopped."""
    code, until = phone["stop_code"], phone["stop_until"]
    if code is None or phone["stop_after"] > 0 or (until is not None and now >= until):
        return None
    return known_refusal(code, f"The number {phone['display_phone_number']} is stopped.")


def count_down(world: World, phone: Row) -> None:
    """Note one more accepted send of a number that will be stopped after some."""
    if phone["stop_after"] > 0:
        _change(world, phone, "stop_after = stop_after - 1")


def raise_throughput(world: World, phone: Row, per_second: int, takes_s: float, at: float) -> None:
    """Give a number another speed; while it is raised, sends are refused with 131057."""
    _change(world, phone, "throughput_per_s = ?", per_second)
    world.throughput.pop(phone["phone_number_id"], None)
    if takes_s:
        stop(world, phone, RAISING, until=at + takes_s)
    if per_second > phone["throughput_per_s"]:
        _tell(world, phone, "THROUGHPUT_UPGRADE", at)


def spam(world: World, phone: Row) -> Refusal | None:
    """Count a marketing send of a RED number; refuse it when there were enough of them.

    Source: Meta's error reference on 131048, restrictions because earlier messages were blocked
    or flagged as spam. After how many is not told.
    """
    if phone["quality"] != "RED":
        return None
    if phone["red_sends"] >= SPARED_SENDS:
        return Refusal(
            131048,
            "Message failed to send because there are restrictions on how many messages can be "
            "sent from this phone number. This may be because too many previous messages were "
            "blocked or flagged as spam.",
        )
    _change(world, phone, "red_sends = red_sends + 1")
    return None


def rate_number(world: World, phone_number_id: str, now: float) -> None:
    """Rate a number anew from the complaints of the last 7 days, unless it was rated by hand."""
    phone = find_phone(world, phone_number_id)
    if phone is None or phone["rated_by_hand"]:
        return
    given = world.memory.all(
        "select kind, at from complaints where phone_number_id = ? and at > ?",
        phone_number_id,
        now - SPAN_S,
    )
    sends = world.sends.weighted(phone_number_id, now, now - SPAN_S)
    rating = rate(((row["kind"], row["at"]) for row in given), sends, now)
    set_quality(world, phone, rating, now)
    if rating != "GREEN" and not world.is_planned("rate_number", phone_number_id):
        world.later(now + LOOK_AGAIN_S, "rate_number", rule=phone_number_id)


def set_quality(world: World, phone: Row, rating: str, at: float, *, by_hand: bool = False) -> None:
    """Give a number a rating; to RED it is FLAGGED, from RED it is UNFLAGGED."""
    before = phone["quality"]
    _change(world, phone, "quality = ?, rated_by_hand = ?, red_sends = 0", rating, by_hand)
    if (before == "RED") != (rating == "RED"):
        _tell(world, phone, "FLAGGED" if rating == "RED" else "UNFLAGGED", at)


def _change(world: World, phone: Row, change: str, *values: object) -> None:
    world.memory.do(
        f"update phones set {change} where phone_number_id = ?",  # noqa: S608 - fixed texts
        *values,
        phone["phone_number_id"],
    )
    world.phones.clear()
    world.live.ring("")


def _tell(world: World, phone: Row, event: str, at: float) -> None:
    waba_id = phone["waba_id"]
    tier = accounts.get(world, waba_id).tier
    value = news.phone_quality(phone, event, tier)
    accounts.tell(world, waba_id, "phone_number_quality_update", value, at)


def facts(world: World, phone: Row) -> Json:
    """Return all that the Graph API says about a number."""
    account, now = accounts.get(world, phone["waba_id"]), world.now()
    high = phone["throughput_per_s"] >= HIGH_THROUGHPUT
    status = "CONNECTED"
    if stopped(phone, now):
        status = STATUS_OF_STOP.get(phone["stop_code"], status)
    return {
        "verified_name": phone["verified_name"],
        "display_phone_number": phone["display_phone_number"],
        "quality_rating": phone["quality"],
        "status": "BANNED" if account.banned else status,
        "name_status": "APPROVED",
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "account_mode": "LIVE",
        "throughput": {"level": "HIGH" if high else "STANDARD"},
        "messaging_limit_tier": account.tier,
        "whatsapp_business_manager_messaging_limit": account.tier,
    }


def as_json(world: World, phone: Row) -> Json:
    """Return a number in the control API's form."""
    stop = stopped(phone, world.now())
    names = ("phone_number_id", "waba_id", "display_phone_number", "verified_name")
    return {name: phone[name] for name in (*names, "throughput_per_s", "quality")} | {
        "status": facts(world, phone)["status"],
        "stop_code": stop.code if stop else None,
        "stop_until": iso(phone["stop_until"]) if stop else None,
        "stop_after": phone["stop_after"],
    }
