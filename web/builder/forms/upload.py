"""A file for a message, uploaded from its settings.

Rule: what may be sent is decided where all uploads are taken in; here it only becomes a setting.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.enums import MediaType
from litestar.params import FromPath

from flows.editing import Change, EditRefused
from flows.editing.changes import Edit
from web.api.media import BODY_LIMIT, FileOut, keep_upload
from web.automations import reads
from web.builder.draft.commit import commit
from web.builder.draft.patches import patches, refusal
from web.builder.draft.routes import version_of
from web.builder.forms.answer import partials
from web.builder.forms.around import read_around
from web.builder.forms.panel import Settings, settings_of
from web.builder.forms.routes import GONE, address_of
from web.given import Asker, Web
from web.shell.errors import RefusedError


@post(
    "/automations/{automation_id:int}/draft/steps/{step:str}/files",
    opt={"role": "editor"},
    status_code=200,
    request_max_body_size=BODY_LIMIT,
)
async def upload(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    step: FromPath[str],
) -> Response[Any]:
    """Keep a file, and let the message of the step be sent with it."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        around = await read_around(tx, who.company_id, automation_id)
    before = settings_of(found.draft, step, around)
    if before is None:
        raise RefusedError(404, GONE)
    form = await request.form()
    place, version = str(form.get("place", "")), version_of(form.get("version"))
    _refuse_other_places(before, place)
    address = address_of(automation_id, step)
    try:
        kept = await keep_upload(request, who.company_id, web)
    except RefusedError as refused:
        complaints = {place: f"Not saved: {refused.detail}"}
        said = partials(before, before, place, complaints, address, web.clock())
        return Response(said, media_type=MediaType.HTML)
    try:
        changes = _changes(before, place, kept)
        done = await commit(request, who, web, automation_id, changes, version=version)
    except EditRefused as refused:
        return await refusal(request, automation_id, refused, version=version)
    after = settings_of(done.after, step, around)
    edited = "/" + place.split("/")[1]
    extra = partials(before, after, edited, {}, address, web.clock()) if after else ""
    return await patches(request, done, extra)


def _refuse_other_places(before: Settings, place: str) -> None:
    """A file goes where the form asks for one."""
    asked = [one for part in before.form.parts for one in part.walk() if one.input == "file"]
    if place not in (one.pointer for one in asked):
        raise RefusedError(422, "There is no place for a file here.")


def _changes(before: Settings, place: str, kept: FileOut) -> list[Change]:
    """The edits that make the file the message's: instead of an address, and as what it is."""
    holder = place.rpartition("/")[0]
    parts = [one for part in before.form.parts for one in part.walk()]
    beside = {one.pointer: one for one in parts if one.pointer.rpartition("/")[0] == holder}
    raw = next((one.value for one in parts if one.pointer == holder), None)
    root = before.form.root + holder
    changes: list[Change] = [Edit(before.form.root + place, kept.sha256)]
    if isinstance(raw, dict) and "link" in raw:
        changes.append(Edit(f"{root}/link"))
    kind = beside.get(f"{holder}/media")
    if kind is not None and kind.value not in kept.kinds:
        changes.append(Edit(f"{root}/media", kept.kinds[0]))
        kind.value = kept.kinds[0]
    if kind is not None and kind.value == "document" and kept.filename:
        changes.append(Edit(f"{root}/filename", kept.filename))
    return changes


HANDLERS = (upload,)
