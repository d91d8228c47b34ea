"""What Meta decides about templates: status, category, quality, and the news about it.

One rule: these verbs are called inside `world.writing()` and never open a transaction.
"""

from sandbox import news, templates
from sandbox.accounts import tell
from sandbox.memory import Row
from sandbox.world import World


def submit(world: World, template_id: str) -> None:
    """Hand a PENDING template in: it is judged at once, later, or by the control API."""
    review = world.review
    if not (world.config.auto_approve if review.auto is None else review.auto):
        return
    if review.after_s:
        world.later(world.now() + review.after_s, "review", rule=template_id)
    else:
        judge(world, template_id, world.now())


def judge(world: World, template_id: str, at: float) -> None:
    """Approve or reject a template that waits for it; an approval may announce a new category."""
    row = templates.find_by_id(world.memory, template_id)
    if row is None or row["status"] != "PENDING":
        return
    edits = world.memory.number(
        "select count(*) from template_edits where template_id = ?", template_id
    )
    review, seed = world.review, world.config.seed
    if reason := review.reason_against(seed, row["name"], row["language"], edits):
        decide(world, template_id, "REJECTED", reason, at)
        return
    decide(world, template_id, "APPROVED", "NONE", at)
    if row["category"] == "UTILITY" and review.moves(seed, row["name"], row["language"]):
        announce_category(world, row, "MARKETING", at, review.notice_s)


def announce_category(world: World, row: Row, category: str, at: float, notice_s: float) -> None:
    """Tell that a template's category will be another one; without notice it is so at once."""
    if notice_s:
        value = news.category_notice(row, category, at + notice_s)
        tell(world, row["waba_id"], "template_category_update", value, at)
        world.later(at + notice_s, "recategorize", rule=f"{row['id']} {category}")
    else:
        recategorize(world, row["id"], category, at)


def recategorize(world: World, template_id: str, category: str, at: float) -> None:
    """Give a template another category, and tell it."""
    row = templates.find_by_id(world.memory, template_id)
    if row is None or row["category"] == category:
        return
    templates.change(world, template_id, "category = ?", category)
    tell(
        world,
        row["waba_id"],
        "template_category_update",
        news.category_change(row, category),
        at,
    )


def decide(
    world: World,
    template_id: str,
    event: str,
    reason: str,
    at: float,
    *,
    pauses: int | None = None,
    unpaused: bool = False,
) -> None:
    """Give a template a new status and tell the business. Called inside `world.writing()`."""
    templates.change(world, template_id, "status = ?, reason = ?", event, reason)
    if pauses is not None:
        templates.change(world, template_id, "pauses = ?", pauses)
    template = templates.find_by_id(world.memory, template_id)
    if template is None:
        raise LookupError(f"there is no template {template_id}")
    value = news.template_status(template, event, reason, at, unpaused=unpaused)
    tell(world, template["waba_id"], "message_template_status_update", value, at)


def set_quality(
    world: World, template: Row, rating: str, at: float, *, by_hand: bool = False
) -> None:
    """Give a template a rating and tell it; UNKNOWN forgets what was said before."""
    templates.change(world, template["id"], "quality = ?, rated_by_hand = ?", rating, by_hand)
    if rating == "UNKNOWN":
        templates.change(world, template["id"], "quality_since = ?", at)
    if rating != template["quality"]:
        value = news.template_quality(template, template["quality"], rating)
        tell(world, template["waba_id"], "message_template_quality_update", value, at)


def note_first_send(world: World, template: Row, at: float) -> None:
    """Remember when a template was sent for the first time."""
    if template["first_sent"] is None:
        templates.change(world, template["id"], "first_sent = ?", at)
