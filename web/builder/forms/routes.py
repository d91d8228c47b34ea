"""The settings panel: a step's form, and each of its fields stored as it is changed.

Rule: a field is read by the schema of its kind; what the schema cannot take is told under the
field and not stored. Storing goes the way of every change of a draft.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, patch
from litestar.enums import MediaType
from litestar.params import FromPath

from flows.editing import START_STEP, Change, EditRefused
from flows.editing.changes import Add, Connect, Disconnect, Edit, Way
from flows.problems import pointer
from store import inbound_hooks
from web.automations import reads
from web.builder.draft.commit import Committed, commit
from web.builder.draft.patches import patches, refusal
from web.builder.draft.routes import LONGEST_KEY, version_of
from web.builder.drawing import titles
from web.builder.forms import acts, template
from web.builder.forms.answer import partials
from web.builder.forms.around import Around, read_around
from web.builder.forms.form import read_document
from web.builder.forms.panel import (
    ARCHIVED,
    ONLY_LOOKS,
    Settings,
    settings_of,
    start_values,
    step_values,
    webhooks_in,
)
from web.builder.forms.read import Posted, Reader, Stale, changed
from web.builder.forms.schema import element_of
from web.builder.forms.view import View
from web.config import WebConfig
from web.given import Asker, Web
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import page

EDITOR = {"role": "viewer", "change_role": "editor"}
FORM_LIMIT = 1_000_000  # bytes of one part; a branch of thirty long conditions is a tenth of it
GONE = "This step is not there any more. Somebody has deleted it meanwhile."
STALE = "Somebody changed this list meanwhile. Here it is as it is now; please do it again."
NOT_HERE = "This setting is not there any more. Here is the form as it is now."
WRITTEN = 20_000  # characters of a step that are shown as they are written


@get("/automations/{automation_id:int}/panel/step/{step:str}", opt=EDITOR)
async def show_step(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    step: FromPath[str],
) -> Response[Any]:
    """The settings of a step, or of the start card (`@start`)."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        around = await read_around(tx, who.company_id, automation_id)
        waiting = await reads.waiting_by_step(tx, automation_id)
    _refuse_if_gone(found.draft, step)
    settings = settings_of(found.draft, step, around)
    editable = who.may("editor") and found.status != "archived"
    frame: dict[str, Any] = {
        "base": f"/automations/{automation_id}",
        "version": found.draft_version,
        "editable": editable,
        "why_not": ARCHIVED if found.status == "archived" else ONLY_LOOKS,
        "waiting": waiting.get(step, 0),
    }
    if settings is None:
        values = {**frame, **_unread_values(found.draft, step, around, editable=editable)}
        return page(request, "builder/forms/unread.html", values)
    settings.form.editable = editable
    view = View(settings.form, address_of(automation_id, step))
    if step != START_STEP:
        values = {**frame, **step_values(settings, view, web.clock())}
        return page(request, "builder/forms/panel.html", values)
    addresses = await _addresses(web, who, automation_id, settings) if editable else {}
    return page(
        request, "builder/forms/start.html", {**frame, **start_values(settings, view, addresses)}
    )


@patch(
    "/automations/{automation_id:int}/draft/steps/{step:str}",
    opt=EDITOR,
    request_max_body_size=FORM_LIMIT,
)
async def change_step(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    step: FromPath[str],
) -> Response[Any]:
    """Store one part of a form, or do what one of its buttons says."""
    form = await request.form()
    posted = {str(name): [str(one) for one in form.getall(name)] for name in form}
    version = version_of(form.get("version"))
    place = str(form.get("part", ""))
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        around = await read_around(tx, who.company_id, automation_id)
    before = settings_of(found.draft, step, around)
    if before is None:
        gone = EditRefused(GONE, step, gone=True)
        return await refusal(request, automation_id, gone, version=version)
    try:
        if place.startswith("/next/"):
            return await _lead(request, who, web, before, place, posted, version, automation_id)
        return await _store(request, who, web, before, place, posted, version, automation_id)
    except EditRefused as refused:
        extra = ""
        if not refused.gone:
            said = {place: f"Not saved: {refused.sentence}"}
            address = address_of(automation_id, step)
            extra = partials(before, before, place, said, address, web.clock())
        return await refusal(request, automation_id, refused, version=version, extra=extra)


def address_of(automation_id: int, step: str) -> str:
    """Where the form of a step is sent."""
    return f"/automations/{automation_id}/draft/steps/{quote(step, safe='@')}"


async def _store(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    before: Settings,
    place: str,
    posted: Posted,
    version: int | None,
    automation_id: int,
) -> Response[Any]:
    """Read one part, and make what differs the draft."""
    changes, complaints, focus = _changes(before, place, posted)
    address = address_of(automation_id, before.form.step)
    if not changes:
        extra = partials(before, before, place, complaints, address, web.clock())
        return Response(extra, media_type=MediaType.HTML)
    merge = "" if "act" in posted else f"{before.form.root}{place}"
    done = await commit(
        *(request, who, web, automation_id, changes),
        version=version,
        merge=merge,
        key=_key(posted),
    )
    after = settings_of(done.after, before.form.step, before.form.around)
    if after is None:  # somebody deleted it in the same moment
        return await patches(request, done)
    extra = partials(before, after, place, complaints, address, web.clock())
    answer = await patches(request, done, extra)
    if focus:
        answer.headers["Form-Focus"] = element_of(focus)
    return answer


def _changes(
    before: Settings, place: str, posted: Posted
) -> tuple[list[Change], dict[str, str], str]:
    """`(edits, complaints, place for the focus)` of what was posted for one part."""
    form = before.form
    own = next((one for one in before.own if one.pointer == place), None)
    found = form.find(place) if own is None else (form.sections[""], own)
    if found is None:
        raise EditRefused(NOT_HERE, form.step, gone=True)
    section, part = found
    reader = Reader(posted, section.defs, {})
    try:
        made = reader.settings([part], section.raw)
    except Stale:
        raise EditRefused(STALE, form.step, gone=True) from None
    focus = ""
    verb, _, at = (posted.get("act") or [""])[-1].partition(":")
    if verb in acts.VERBS and (at == part.pointer or at.startswith(f"{part.pointer}/")):
        made, focus = _acted(verb, at, part, section.base, made, section.defs)
    if part.input in ("template", "language") and list(changed(section.raw, made)):
        made = template.follow(made, section.every, form.around.templates)
    root = f"{form.root}{section.base}"
    edits: list[Change] = [
        Edit(root + pointer(name), value) if is_there else Edit(root + pointer(name))
        for name, value, is_there in changed(section.raw, made)
    ]
    return edits, reader.complaints, focus


def _acted(
    verb: str, at: str, part: Any, base: str, made: Mapping[str, Any], defs: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """The settings after a button's deed, and where the focus goes."""
    name = part.pointer.rpartition("/")[2]
    mine = copy.deepcopy({**made, name: made.get(name, part.default)})
    whole: Any = mine
    for step in reversed(base.split("/")[1:]):
        whole = {step: whole}
    focus = acts.act(verb, at, [part], whole, defs)
    if mine[name] == part.default and name not in made:
        del mine[name]
    return mine, focus


async def _lead(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    before: Settings,
    place: str,
    posted: Posted,
    version: int | None,
    automation_id: int,
) -> Response[Any]:
    """Connect an exit as its select says: to a step, to a new one, or nowhere."""
    form = before.form
    exit_name = place.removeprefix("/next/")
    to = (posted.get(place) or [""])[-1]
    changes = _leads(form.step, exit_name, to, {way.exit: way.to for way in before.ways})
    if not changes:
        return Response("", media_type=MediaType.HTML)
    done = await commit(
        *(request, who, web, automation_id, changes), version=version, key=_key(posted)
    )
    after = settings_of(done.after, form.step, form.around)
    extra = ""
    if after is not None:
        address = address_of(automation_id, form.step)
        extra = partials(before, after, place, {}, address, web.clock())
    return await patches(request, done, extra, open=_opened(done, changes))


def _key(posted: Posted) -> str:
    """That of the request, if it must not be done twice."""
    return (posted.get("key") or [""])[-1][:LONGEST_KEY]


def _leads(step: str, exit_name: str, to: str, ways: Mapping[str, str]) -> list[Change]:
    if to.startswith("+"):
        freed: list[Change] = [Disconnect(step, exit_name)] if ways.get(exit_name) else []
        return [*freed, Add(to[1:], after=Way(step, exit_name))]
    if to == ways.get(exit_name):
        return []
    return [Connect(step, exit_name, to) if to else Disconnect(step, exit_name)]


def _opened(done: Committed, changes: Sequence[Change]) -> str:
    """The new step, whose settings open."""
    added = any(isinstance(one, Add) for one in changes)
    return done.made[0] if added and done.made else ""


def _refuse_if_gone(document: Mapping[str, Any], step: str) -> None:
    entries = document.get("steps")
    if step != START_STEP and not (isinstance(entries, dict) and step in entries):
        raise RefusedError(404, GONE)


def _unread_values(
    document: Mapping[str, Any], step: str, around: Around, *, editable: bool
) -> dict[str, Any]:
    read = read_document(document, around)
    entry = document["steps"][step]
    return {
        "step": step,
        "title": titles(document["steps"], read.steps).get(step, step),
        "problems": [one for one in read.problems if one.step == step],
        "written": json.dumps(entry, indent=2, ensure_ascii=False)[:WRITTEN] if editable else "",
    }


async def _addresses(
    web: WebConfig, who: Who, automation_id: int, settings: Settings
) -> dict[str, str]:
    """The address of each webhook trigger; one that is missing is made."""
    names = webhooks_in(settings)
    if not names:
        return {}
    async with web.database.write("builder.hooks") as tx:
        hooks = await inbound_hooks.ensure(tx, who.company_id, automation_id, names, web.clock())
    return {one.trigger: f"{web.base_url}/hooks/in/{one.key}" for one in hooks}


HANDLERS = (show_step, change_step)
