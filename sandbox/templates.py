"""The message templates of the business accounts: made, judged, edited, and the news about them."""

import base64
import json

import msgspec

from sandbox import news
from sandbox.accounts import tell
from sandbox.memory import Json, Memory, Row
from sandbox.refusals import Refusal
from sandbox.template_rules import by_type, check_template
from sandbox.uploads import check_examples
from sandbox.world import World

PAGE = 25
LARGEST_PAGE = 1000
DAY_S = 24 * 3600
EDITS = ((DAY_S, 1), (30 * DAY_S, 10))
"""Edits of an approved template within so many seconds. Source: Meta's template reference."""


def find(memory: Memory, waba_id: str, name: str, language: str) -> Row | None:
    """Find a template by what identifies it: name and language."""
    return memory.one(
        "select * from templates where waba_id = ? and name = ? and language = ?",
        waba_id,
        name,
        language,
    )


def find_by_id(memory: Memory, template_id: str) -> Row | None:
    """Find a template by its id."""
    return memory.one("select * from templates where id = ?", template_id)


def find_usable(
    world: World, waba_id: str, name: str, language: str
) -> tuple[Row, dict[str, Json]] | None:
    """Find a template with its components by type; kept until any template changes."""
    key = (waba_id, name, language)
    known = world.templates.get(key)
    if known is None:
        row = find(world.memory, *key)
        if row is None:
            return None
        known = world.templates[key] = (row, by_type(msgspec.json.decode(row["components"])))
    return known


def create(world: World, waba_id: str, body: Json) -> Json | Refusal:
    """Create a template; judged at once, later or by the control API, as the review is set."""
    if refusal := check_template(body):
        return refusal
    if refusal := check_examples(world.memory, body["components"]):
        return refusal
    if find(world.memory, waba_id, body["name"], body["language"]):
        return Refusal(
            100, f"There is already {body['language']} content for this template: {body['name']}."
        )
    template_id = world.ids.object_id()
    with world.writing():
        _save(world, template_id, waba_id, body, "PENDING")
        _submit(world, template_id)
    return _created(world.memory, template_id)


def seed(world: World, waba_id: str, body: Json) -> Json | Refusal:
    """Create or replace an approved template without review and without a webhook."""
    if refusal := check_template(body):
        return refusal
    known = find(world.memory, waba_id, body["name"], body["language"])
    template_id = known["id"] if known else world.ids.object_id()
    with world.writing():
        _save(world, template_id, waba_id, body, "APPROVED")
    return _created(world.memory, template_id)


def approve(world: World, waba_id: str, body: Json) -> None:
    """Make sure an approved template is there; one that is known already is left as it is.

    Raises ValueError for a body that WhatsApp would refuse.
    """
    if find(world.memory, waba_id, body.get("name", ""), body.get("language", "")) is None:
        answer = seed(world, waba_id, body)
        if isinstance(answer, Refusal):
            message = f"template {body.get('name')}: {answer}"
            raise ValueError(message)


def edit(world: World, template: Row, body: Json) -> Json | Refusal:
    """Change a template's parts or category; the edit sends it back to review."""
    changed = {
        "name": template["name"],
        "language": template["language"],
        "category": body.get("category", template["category"]),
        "components": body.get("components", json.loads(template["components"])),
    }
    if refusal := check_template(changed):
        return refusal
    if refusal := check_examples(world.memory, changed["components"]):
        return refusal
    now = world.now()
    if template["status"] == "APPROVED":
        if changed["category"] != template["category"]:
            return Refusal(100, "The category of an approved template cannot be changed.")
        if refusal := _edited_enough(world.memory, template["id"], now):
            return refusal
    with world.writing():
        world.memory.do("insert into template_edits values (?, ?)", template["id"], now)
        _save(world, template["id"], template["waba_id"], changed, "PENDING")
        _submit(world, template["id"])
    return {"success": True}


def _edited_enough(memory: Memory, template_id: str, now: float) -> Refusal | None:
    for span, most in EDITS:
        edits = memory.number(
            "select count(*) from template_edits where template_id = ? and at > ?",
            template_id,
            now - span,
        )
        if edits >= most:
            days = span // DAY_S
            return Refusal(
                100,
                f"An approved template can be edited {most} times in {days} days; wait, or "
                "create another one.",
            )
    return None


def _submit(world: World, template_id: str) -> None:
    review = world.review
    if not (world.config.auto_approve if review.auto is None else review.auto):
        return
    if review.after_s:
        world.later(world.now() + review.after_s, "review", rule=template_id)
    else:
        judge(world, template_id, world.now())


def judge(world: World, template_id: str, at: float) -> None:
    """Approve or reject a template that waits for it; an approval may announce a new category."""
    row = find_by_id(world.memory, template_id)
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
    row = find_by_id(world.memory, template_id)
    if row is None or row["category"] == category:
        return
    _change(world, template_id, "category = ?", category)
    tell(world, row["waba_id"], "template_category_update", news.category_change(row, category), at)


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
    _change(world, template_id, "status = ?, reason = ?", event, reason)
    if pauses is not None:
        _change(world, template_id, "pauses = ?", pauses)
    template = find_by_id(world.memory, template_id)
    if template is None:
        raise LookupError(f"there is no template {template_id}")
    value = news.template_status(template, event, reason, at, unpaused=unpaused)
    tell(world, template["waba_id"], "message_template_status_update", value, at)


def set_quality(
    world: World, template: Row, rating: str, at: float, *, by_hand: bool = False
) -> None:
    """Give a template a rating and tell it; UNKNOWN forgets what was said before."""
    _change(world, template["id"], "quality = ?, rated_by_hand = ?", rating, by_hand)
    if rating == "UNKNOWN":
        _change(world, template["id"], "quality_since = ?", at)
    if rating != template["quality"]:
        value = news.template_quality(template, template["quality"], rating)
        tell(world, template["waba_id"], "message_template_quality_update", value, at)


def note_first_send(world: World, template: Row, at: float) -> None:
    """Remember when a template was sent for the first time."""
    if template["first_sent"] is None:
        _change(world, template["id"], "first_sent = ?", at)


def delete(world: World, waba_id: str, name: str) -> Json | Refusal:
    """Delete all languages of a template."""
    if not world.memory.one(
        "select 1 from templates where waba_id = ? and name = ?", waba_id, name
    ):
        return Refusal(100, f"There is no message template with the name {name!r}.")
    with world.writing():
        world.memory.do("delete from templates where waba_id = ? and name = ?", waba_id, name)
        world.templates.clear()
    return {"success": True}


def page(
    memory: Memory, waba_id: str, filters: dict[str, str], after: str | None, limit: int
) -> Json:
    """Return one page of the list, by ascending row.

    `filters` are exact column values, and `fields` that may ask for quality_score.
    """
    size = max(1, min(limit, LARGEST_PAGE))
    wanted = [(key, filters[key]) for key in ("name", "language", "status", "category")
              if key in filters]  # fmt: skip
    conditions = "".join(f" and {key} = ?" for key, _ in wanted)
    rows = memory.all(
        f"select rowid as row, * from templates where waba_id = ? and rowid > ?{conditions}"  # noqa: S608
        " order by rowid limit ?",
        waba_id,
        _row_of(after),
        *(value for _, value in wanted),
        size + 1,
    )
    fields = filters.get("fields", "")
    answer: Json = {"data": [as_json(row, fields) for row in rows[:size]]}
    if rows:
        last = rows[:size][-1]["row"]
        answer["paging"] = {"cursors": {"before": _cursor(rows[0]["row"]), "after": _cursor(last)}}
        if len(rows) > size:
            answer["paging"]["next"] = f"/{waba_id}/message_templates?after={_cursor(last)}"
    return answer


def as_json(row: Row, fields: str = "") -> Json:
    """Return a template in the Graph API's form; its quality only when `fields` ask for it."""
    answer: Json = {
        "category": row["category"],
        "components": json.loads(row["components"]),
        "id": row["id"],
        "language": row["language"],
        "name": row["name"],
        "status": row["status"],
    }
    if row["status"] == "REJECTED":
        answer["rejected_reason"] = row["reason"]
    if "quality_score" in fields:
        answer["quality_score"] = {"score": row["quality"]}
    return answer


def _cursor(row: int) -> str:
    return base64.urlsafe_b64encode(str(row).encode()).decode()


def _row_of(cursor: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor or ""))
    except ValueError:
        return 0


def _save(world: World, template_id: str, waba_id: str, body: Json, status: str) -> None:
    world.memory.do(
        "insert into templates (id, waba_id, name, language, category, components, status, reason)"
        " values (?, ?, ?, ?, ?, ?, ?, 'NONE') on conflict (id) do update set"
        " category = excluded.category, components = excluded.components,"
        " status = excluded.status, reason = 'NONE'",
        template_id,
        waba_id,
        body["name"],
        body["language"],
        body["category"],
        json.dumps(body["components"]),
        status,
    )
    world.templates.clear()


def _change(world: World, template_id: str, change: str, *values: object) -> None:
    world.memory.do(
        f"update templates set {change} where id = ?",  # noqa: S608 - fixed texts
        *values,
        template_id,
    )
    world.templates.clear()


def _created(memory: Memory, template_id: str) -> Json:
    row = find_by_id(memory, template_id)
    if row is None:
        raise LookupError(f"there is no template {template_id}")
    return {"category": row["category"], "id": row["id"], "status": row["status"]}
