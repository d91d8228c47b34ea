"""Templates are made and changed, by the business or by the control API."""

import json

from sandbox import templates
from sandbox.judging import submit
from sandbox.memory import Json, Memory, Row
from sandbox.refusals import Refusal
from sandbox.template_rules import check_template
from sandbox.uploads import check_examples
from sandbox.world import World

DAY_S = 24 * 3600
EDITS = ((DAY_S, 1), (30 * DAY_S, 10))
"""Edits of an approved template within so many seconds. Source: Meta's template reference."""


def create(world: World, waba_id: str, body: Json) -> Json | Refusal:
    """Create a template; judged at once, later or by the control API, as the review is set."""
    if refusal := check_template(body):
        return refusal
    if refusal := check_examples(world.memory, body["components"]):
        return refusal
    if templates.find(world.memory, waba_id, body["name"], body["language"]):
        return Refusal(
            100, f"There is already {body['language']} content for this template: {body['name']}."
        )
    template_id = world.ids.object_id()
    with world.writing():
        templates.save(world, template_id, waba_id, body, "PENDING")
        submit(world, template_id)
    return _created(world.memory, template_id)


def seed(world: World, waba_id: str, body: Json) -> Json | Refusal:
    """Create or replace an approved template without review and without a webhook."""
    if refusal := check_template(body):
        return refusal
    known = templates.find(world.memory, waba_id, body["name"], body["language"])
    template_id = known["id"] if known else world.ids.object_id()
    with world.writing():
        templates.save(world, template_id, waba_id, body, "APPROVED")
    return _created(world.memory, template_id)


def approve(world: World, waba_id: str, body: Json) -> None:
    """Make sure an approved template is there; one that is known already is left as it is.

    Raises ValueError for a body that WhatsApp would refuse.
    """
    if (
        templates.find(world.memory, waba_id, body.get("name", ""), body.get("language", ""))
        is None
    ):
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
        world.memory.do(
            "insert into template_edits values (?, ?, ?)",
            template["id"],
            now,
            template["status"] == "APPROVED",
        )
        templates.save(world, template["id"], template["waba_id"], changed, "PENDING")
        submit(world, template["id"])
    return {"success": True}


def _edited_enough(memory: Memory, template_id: str, now: float) -> Refusal | None:
    for span, most in EDITS:
        edits = memory.number(
            "select count(*) from template_edits where template_id = ? and approved and at > ?",
            template_id,
            now - span,
        )
        if edits >= most:
            days = span // DAY_S
            return Refusal(
                100,
                f"An approved template can be edited {most} time(s) in {days} day(s); wait, or "
                "create another one.",
            )
    return None


def _created(memory: Memory, template_id: str) -> Json:
    row = templates.find_by_id(memory, template_id)
    if row is None:
        raise LookupError(f"there is no template {template_id}")
    return {"category": row["category"], "id": row["id"], "status": row["status"]}
