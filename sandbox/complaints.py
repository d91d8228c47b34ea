"""Customers who have enough: blocks and reports, and what they do to numbers and templates.

One rule: these verbs are called inside `world.writing()` and never open a transaction.
"""

from sandbox import business, chats, judging, templates
from sandbox.memory import Row
from sandbox.quality import SPAN_S, WEIGHTS, rate
from sandbox.world import World

HOUR_S = 3600
PAUSE_S = {1: 3 * HOUR_S, 2: 6 * HOUR_S}
"""Source: Meta's "Template pausing": the first time 3 hours, the second 6, the third for good."""


def block(
    world: World, customer: Row, phone: Row, at: float, kind: str = "block", template_id: str = ""
) -> None:
    """The customer blocks the number, or reports it as spam (`kind` report), which blocks as well.

    `template_id` names what annoyed them; without it, it was the last template they got.
    """
    wa_id, phone_number_id = customer["wa_id"], phone["phone_number_id"]
    chats.block(world.memory, wa_id, phone_number_id, at)
    # What was under way never arrives, and who is gone answers nothing.
    world.memory.do(
        "delete from due where kind in ('deliver', 'read', 'follow') and message_n in"
        " (select n from messages where wa_id = ? and phone_number_id = ?)",
        wa_id,
        phone_number_id,
    )
    about = template_id or _last_template(world, wa_id, phone_number_id)
    world.memory.do(
        "insert into complaints (at, kind, wa_id, phone_number_id, template_id)"
        " values (?, ?, ?, ?, ?)",
        at,
        kind,
        wa_id,
        phone_number_id,
        about,
    )
    business.rate_number(world, phone_number_id, at)
    if about:
        rate_template(world, about, at)
    world.live.ring(wa_id)


def unblock(world: World, customer: Row, phone: Row) -> None:
    """The customer changes their mind; what they said about quality stays said."""
    chats.block(world.memory, customer["wa_id"], phone["phone_number_id"], None)
    world.live.ring(customer["wa_id"])


def _last_template(world: World, wa_id: str, phone_number_id: str) -> str | None:
    row = world.memory.one(
        "select template_id from messages where wa_id = ? and phone_number_id = ?"
        " and template_id is not null order by n desc limit 1",
        wa_id,
        phone_number_id,
    )
    return row["template_id"] if row else None


def rate_template(world: World, template_id: str, now: float) -> None:
    """Rate a template anew; one that falls to RED is paused, the third time disabled."""
    template = templates.find_by_id(world.memory, template_id)
    if template is None or template["rated_by_hand"]:
        return
    since = max(now - SPAN_S, template["quality_since"])
    given = world.memory.all(
        "select kind, at from complaints where template_id = ? and at >= ?", template_id, since
    )
    sends = world.sends.weighted(template_id, now, since)
    rating = rate(((row["kind"], row["at"]) for row in given), sends, now)
    if rating == "GREEN" and template["quality"] == "UNKNOWN":
        return  # nobody has said enough yet
    set_template_quality(world, template, rating, now)
    if rating == "YELLOW" and not world.is_planned("rate_template", template_id):
        world.later(now + business.LOOK_AGAIN_S, "rate_template", rule=template_id)


def set_template_quality(
    world: World, template: Row, rating: str, at: float, *, by_hand: bool = False
) -> None:
    """Give a template a rating and tell it; RED pauses an approved one."""
    judging.set_quality(world, template, rating, at, by_hand=by_hand)
    if rating != "RED" or template["status"] != "APPROVED":
        return
    pauses = template["pauses"] + 1
    if pauses in PAUSE_S:
        judging.decide(world, template["id"], "PAUSED", "NONE", at, pauses=pauses)
        world.later(at + PAUSE_S[pauses], "unpause", rule=template["id"])
    else:
        judging.decide(world, template["id"], "DISABLED", "NONE", at, pauses=pauses)


def unpause(world: World, template_id: str, at: float) -> None:
    """End a pause: the template starts over with an unknown quality."""
    template = templates.find_by_id(world.memory, template_id)
    if template is None or template["status"] != "PAUSED":
        return
    judging.set_quality(world, template, "UNKNOWN", at)
    judging.decide(world, template_id, "APPROVED", "NONE", at, unpaused=True)


KINDS = tuple(WEIGHTS)
