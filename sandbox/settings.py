"""What the control API has set, kept in the file: faults, the status storm, the review."""

import msgspec

from sandbox.faults import Fault, Hits
from sandbox.review import Review
from sandbox.storms import Storm
from sandbox.world import World

Faults = tuple[Fault, ...]


def put_faults(world: World, faults: Faults) -> None:
    """Replace all faults; what they have struck is counted from here."""
    _keep(world, "faults", faults)
    world.faults, world.hits = faults, Hits()


def put_storm(world: World, storm: Storm) -> None:
    """Tell statuses in this way from now on; the default storm is fair weather."""
    _keep(world, "storm", storm)
    world.storm = None if storm == Storm() else storm
    world.outbox_bell.set()


def put_review(world: World, review: Review) -> None:
    """Judge templates in this way from now on."""
    _keep(world, "review", review)
    world.review = review


def recall(world: World) -> None:
    """Read what was set before the sandbox was stopped."""
    kept = {row["name"]: row["value"] for row in world.memory.all("select * from settings")}
    world.faults = msgspec.json.decode(kept.get("faults", "[]"), type=Faults)
    world.review = msgspec.json.decode(kept.get("review", "{}"), type=Review)
    storm = msgspec.json.decode(kept.get("storm", "{}"), type=Storm)
    world.storm = None if storm == Storm() else storm


def _keep(world: World, name: str, value: object) -> None:
    with world.writing():
        world.memory.do(
            "insert or replace into settings values (?, ?)",
            name,
            msgspec.json.encode(value).decode(),
        )
    world.live.ring("")
