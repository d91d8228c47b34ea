"""The control API's trouble: faults of the answers, and how statuses are told."""

import msgspec
from litestar import Router, get, put
from litestar.params import JSONBody

from sandbox import settings
from sandbox.control import ControlRequest, world_of
from sandbox.faults import Fault
from sandbox.memory import Json
from sandbox.storms import Storm


@get("/faults")
async def read_faults(request: ControlRequest) -> Json:
    """List the faults, and how many calls each looked at and struck."""
    world = world_of(request)
    return {
        "faults": [
            msgspec.to_builtins(fault)
            | {"looked": world.hits.looked[place], "struck": world.hits.struck[place]}
            for place, fault in enumerate(world.faults)
        ]
    }


@put("/faults")
async def set_faults(request: ControlRequest, data: JSONBody[list[Fault]]) -> Json:
    """Replace all faults; an empty list ends the trouble."""
    settings.put_faults(world_of(request), tuple(data))
    return {"faults": len(data)}


@get("/statuses")
async def read_storm(request: ControlRequest) -> Storm:
    """Read how statuses are told."""
    return world_of(request).storm or Storm()


@put("/statuses")
async def set_storm(request: ControlRequest, data: JSONBody[Storm]) -> Storm:
    """Set how statuses are told; `{}` is fair weather."""
    settings.put_storm(world_of(request), data)
    return data


router = Router(
    "/sandbox/api",
    route_handlers=[read_faults, set_faults, read_storm, set_storm],
    include_in_schema=False,
)
