"""The message templates of the business accounts, as they are remembered and listed."""

import base64
import json

import msgspec

from sandbox.memory import Json, Memory, Row
from sandbox.refusals import Refusal
from sandbox.template_rules import by_type
from sandbox.world import World

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


def save(world: World, template_id: str, waba_id: str, body: Json, status: str) -> None:
    """Remember a template as the create call described it. Called inside `world.writing()`."""
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


def change(world: World, template_id: str, columns: str, *values: object) -> None:
    """Change columns of a template (`status = ?, …`). Called inside `world.writing()`."""
    world.memory.do(
        f"update templates set {columns} where id = ?",  # noqa: S608 - fixed texts
        *values,
        template_id,
    )
    world.templates.clear()
