"""The message templates of the business accounts, and the news about them."""

import base64
import json

from sandbox.memory import Json, Memory, Row
from sandbox.refusals import Refusal
from sandbox.template_rules import check_template
from sandbox.webhooks import template_value
from sandbox.world import World, post

PAGE = 25
LARGEST_PAGE = 1000


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


def create(world: World, waba_id: str, body: Json) -> Json | Refusal:
    """Create a template; approved at once, or left PENDING, as the sandbox is configured."""
    if refusal := check_template(body):
        return refusal
    if find(world.memory, waba_id, body["name"], body["language"]):
        return Refusal(
            100, f"There is already {body['language']} content for this template: {body['name']}."
        )
    template_id = world.ids.object_id()
    with world.memory.writing():
        _save(world.memory, template_id, waba_id, body, "PENDING")
        if world.config.auto_approve:
            _decide(world, template_id, "APPROVED", "NONE")
    return _created(world.memory, template_id)


def seed(world: World, waba_id: str, body: Json) -> Json | Refusal:
    """Create or replace an approved template without review and without a webhook."""
    if refusal := check_template(body):
        return refusal
    known = find(world.memory, waba_id, body["name"], body["language"])
    template_id = known["id"] if known else world.ids.object_id()
    with world.memory.writing():
        _save(world.memory, template_id, waba_id, body, "APPROVED")
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
    with world.memory.writing():
        _save(world.memory, template["id"], template["waba_id"], changed, "PENDING")
        if world.config.auto_approve:
            _decide(world, template["id"], "APPROVED", "NONE")
    return {"success": True}


def decide(world: World, template_id: str, event: str, reason: str) -> None:
    """Give a template a new status and tell the business."""
    with world.memory.writing():
        _decide(world, template_id, event, reason)


def delete(world: World, waba_id: str, name: str) -> Json | Refusal:
    """Delete all languages of a template."""
    if not world.memory.one(
        "select 1 from templates where waba_id = ? and name = ?", waba_id, name
    ):
        return Refusal(100, f"There is no message template with the name {name!r}.")
    with world.memory.writing():
        world.memory.do("delete from templates where waba_id = ? and name = ?", waba_id, name)
    return {"success": True}


def page(
    memory: Memory, waba_id: str, filters: dict[str, str], after: str | None, limit: int
) -> Json:
    """Return one page of the list, by ascending row; `filters` are exact column values."""
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
    answer: Json = {"data": [as_json(row) for row in rows[:size]]}
    if rows:
        last = rows[:size][-1]["row"]
        answer["paging"] = {"cursors": {"before": _cursor(rows[0]["row"]), "after": _cursor(last)}}
        if len(rows) > size:
            answer["paging"]["next"] = f"/{waba_id}/message_templates?after={_cursor(last)}"
    return answer


def as_json(row: Row) -> Json:
    """Return a template in the Graph API's form."""
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
    return answer


def _cursor(row: int) -> str:
    return base64.urlsafe_b64encode(str(row).encode()).decode()


def _row_of(cursor: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor or ""))
    except ValueError:
        return 0


def _save(memory: Memory, template_id: str, waba_id: str, body: Json, status: str) -> None:
    memory.do(
        "insert into templates values (?, ?, ?, ?, ?, ?, ?, 'NONE') on conflict (id) do update set"
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


def _decide(world: World, template_id: str, event: str, reason: str) -> None:
    world.memory.do(
        "update templates set status = ?, reason = ? where id = ?", event, reason, template_id
    )
    template = find_by_id(world.memory, template_id)
    if template is None:
        raise LookupError(f"there is no template {template_id}")
    post(
        world,
        lane=f"account {template['waba_id']}",
        waba_id=template["waba_id"],
        field="message_template_status_update",
        value=template_value(template, event, reason),
        at=world.now(),
    )


def _created(memory: Memory, template_id: str) -> Json:
    row = find_by_id(memory, template_id)
    if row is None:
        raise LookupError(f"there is no template {template_id}")
    return {"category": row["category"], "id": row["id"], "status": row["status"]}
