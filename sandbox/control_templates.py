"""The control API's templates: put there approved, decided, rated, moved, judged."""

from typing import Literal

import msgspec
from litestar import Response, Router, get, post, put
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from sandbox import complaints, drafting, judging, settings, templates
from sandbox.control import ControlRequest, world_of
from sandbox.memory import Json, Row
from sandbox.meta import Quality
from sandbox.refusals import Refusal
from sandbox.review import Review
from sandbox.world import World


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template's new status, as Meta would decide it."""

    status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"]
    reason: str = "NONE"


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template's coming category; the notice is `notice_s` ahead of the change, 0: at once."""

    category: Literal["MARKETING", "UTILITY", "AUTHENTICATION"]
    notice_s: float = 24 * 3600


def _template(world: World, template_id: str) -> Row:
    template = templates.find_by_id(world.memory, template_id)
    if template is None:
        raise NotFoundException(f"there is no template {template_id}")
    return template


@post("/templates", status_code=200)
async def seed_template(request: ControlRequest, data: JSONBody[Json]) -> Response[Json]:
    """Create or replace an approved template: the Graph API's body, optional `waba_id`."""
    world = world_of(request)
    outcome = drafting.seed(world, str(data.get("waba_id") or world.config.waba_id), data)
    if isinstance(outcome, Refusal):
        return Response(outcome.body(world.ids.trace()), status_code=outcome.http_status)
    return Response(outcome, status_code=200)


@put("/templates/{template_id:str}/status", status_code=200)
async def decide_template(
    request: ControlRequest, template_id: FromPath[str], data: JSONBody[Decision]
) -> Json:
    """Approve, reject, pause or disable a template; the business is told by webhook."""
    world = world_of(request)
    if templates.find_by_id(world.memory, template_id) is None:
        raise NotFoundException(f"there is no template {template_id}")
    with world.writing():
        judging.decide(world, template_id, data.status, data.reason, world.now())
    return {"success": True}


@put("/templates/{template_id:str}/quality")
async def set_template_quality(
    request: ControlRequest, template_id: FromPath[str], data: JSONBody[Quality]
) -> Json:
    """Rate a template by hand (RED pauses it), or let its customers rate it again."""
    world, now = world_of(request), world_of(request).now()
    with world.writing():
        template = _template(world, template_id)
        rating = data.rating or template["quality"]
        by_hand = data.rating is not None
        complaints.set_template_quality(world, template, rating, now, by_hand=by_hand)
        if not by_hand:
            complaints.rate_template(world, template_id, now)
    return templates.as_json(_template(world, template_id), "quality_score")


@put("/templates/{template_id:str}/category")
async def set_category(
    request: ControlRequest, template_id: FromPath[str], data: JSONBody[Category]
) -> Json:
    """Move a template to another category: the notice now, the change when it says."""
    world = world_of(request)
    with world.writing():
        template = _template(world, template_id)
        judging.announce_category(
            world, template, data.category, world.now(), max(0.0, data.notice_s)
        )
    return templates.as_json(_template(world, template_id))


@get("/review")
async def read_review(request: ControlRequest) -> Review:
    """Read how templates are judged."""
    return world_of(request).review


@put("/review")
async def set_review(request: ControlRequest, data: JSONBody[Review]) -> Review:
    """Set how templates are judged; what waits already keeps its moment."""
    settings.put_review(world_of(request), data)
    return data


router = Router(
    "/sandbox/api",
    route_handlers=[
        seed_template,
        decide_template,
        set_template_quality,
        set_category,
        read_review,
        set_review,
    ],
    include_in_schema=False,
)
