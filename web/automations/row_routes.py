"""What the menu of a line in the list does: pause, put away, copy, put into a folder.

Rule: the same levers as on the automation's own page; the answer is the line as it is then, and a
toast that can take it back.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import automations, folders, scenarios
from web.automations import levers, reads
from web.automations.beginning import ROOM_FOR_NAME, copied
from web.automations.listing import row_of
from web.config import WebConfig
from web.given import Asker, Web
from web.phones.adding import go_to
from web.security.who import Who
from web.shell.render import page

EDITOR = {"role": "viewer", "change_role": "editor"}


class Undo(Struct, frozen=True):
    """The button that takes a change back: its method and address, and the word on it."""

    method: str
    address: str
    word: str = "Undo"
    values: dict[str, str] = {}


@put("/automations/rows/{automation_id:int}/paused", opt=EDITOR)
async def pause(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Start nobody any more, and hold its messages."""
    async with web.database.write() as tx:
        await levers.pause(tx, who, automation_id, web.clock())
    undo = Undo("delete", f"/automations/rows/{automation_id}/paused", "Resume")
    said = "is paused: nobody new comes in, and its messages wait."
    return await _line(request, who, web, automation_id, said, undo)


@delete("/automations/rows/{automation_id:int}/paused", opt=EDITOR, status_code=200)
async def resume(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Let people in again, and messages out."""
    async with web.database.write() as tx:
        await levers.resume(tx, who, automation_id, web.clock())
    await web.bell.ring_engine()
    await web.bell.ring_gateway()
    undo = Undo("put", f"/automations/rows/{automation_id}/paused", "Pause")
    return await _line(request, who, web, automation_id, "is live again.", undo)


@put("/automations/rows/{automation_id:int}/archived", opt=EDITOR)
async def archive(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Put it out of sight; whoever is inside leaves."""
    async with web.database.write() as tx:
        ended = await levers.archive(tx, who, automation_id, web.clock())
    await web.bell.ring_engine()
    said = "is archived." if not ended else f"is archived; {_runs(ended)} being ended."
    undo = Undo("delete", f"/automations/rows/{automation_id}/archived", "Take it out again")
    return await _line(request, who, web, automation_id, said, undo, gone=True)


@delete("/automations/rows/{automation_id:int}/archived", opt=EDITOR, status_code=200)
async def take_out(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Bring it back: paused when it was ever live, else a draft again."""
    async with web.database.write() as tx:
        await automations.restore(tx, who.company_id, automation_id, web.clock(), by=who.user_id)
    return go_to(request, "/automations")


@post("/automations/{automation_id:int}/copies", opt=EDITOR)
async def duplicate(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """A draft of the same flow with its saved tests, opened in the builder."""
    now = web.clock()
    async with web.database.write() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        name = str(found.draft.get("name") or "")
        taken = await folders.names_taken(tx, who.company_id, name[:ROOM_FOR_NAME])
        made = await automations.create(tx, who.company_id, copied(found.draft, taken), now)
        await folders.put_in(tx, who.company_id, made, await _folder(tx, who, automation_id), now)
        for one in await scenarios.of_automation(tx, who.company_id, automation_id):
            await scenarios.create(tx, who.company_id, made, one.document, now)
    return go_to(request, f"/automations/{made}")


async def _line(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    automation_id: int,
    said: str,
    undo: Undo,
    *,
    gone: bool = False,
) -> Response[Any]:
    async with web.database.read() as tx:
        row = await row_of(tx, who, automation_id, web.clock())
    values = {"row": row, "said": f"“{row.name}” {said}", "undo": undo, "gone": gone}
    return page(request, "automations/row_changed.html", values)


@get("/automations/rows/{automation_id:int}/folder", opt={"role": "editor"})
async def show_folder(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """A dialog that asks for the folder."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        used = await folders.of_company(tx, who.company_id)
    values = {"id": automation_id, "name": found.name, "folder": found.folder, "folders": used}
    return page(request, "automations/folder_dialog.html", values)


@put("/automations/rows/{automation_id:int}/folder", opt=EDITOR)
async def put_in_folder(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Put it into a folder; an empty name takes it out."""
    form = await request.form()
    wanted = " ".join(str(form.get("folder", "")).split())
    async with web.database.write() as tx:
        before = await _folder(tx, who, automation_id)
        await folders.put_in(tx, who.company_id, automation_id, wanted, web.clock())
    said = f"is in the folder “{wanted}” now." if wanted else "is in no folder any more."
    undo = Undo("put", f"/automations/rows/{automation_id}/folder", values={"folder": before})
    return await _line(request, who, web, automation_id, said, undo)


async def _folder(tx: AsyncConnection, who: Who, automation_id: int) -> str:
    return (await reads.get_automation(tx, who.company_id, automation_id)).folder


def _runs(count: int) -> str:
    return "1 run is" if count == 1 else f"{count:,} runs are"


HANDLERS = (pause, resume, archive, take_out, show_folder, put_in_folder, duplicate)
