"""Changes of a draft, undo and redo, and what others did meanwhile.

Rule: handlers decode and answer; what a change means is in `flows/editing/`.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post, put
from litestar.params import FromPath

from flows.editing import Change, EditRefused, read_changes
from flows.editing.changes import Add
from web.automations.check import DOCUMENT_LIMIT
from web.builder.draft.commit import commit, go_to
from web.builder.draft.patches import news, patches, refusal
from web.given import Asker, Web

EDITOR = {"role": "viewer", "change_role": "editor"}
LARGEST_VERSION = 2**31 - 1
LONGEST_KEY = 80


@post(
    "/automations/{automation_id:int}/draft/changes",
    opt=EDITOR,
    status_code=200,
    request_max_body_size=2 * DOCUMENT_LIMIT,
)
async def make_changes(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[str]:
    """All of a list of changes, or none of them."""
    form = await request.form()
    version = version_of(form.get("version"))
    changes: list[Change] = []
    try:
        changes = read_changes(str(form.get("changes", "")))
        key = str(form.get("key", ""))[:LONGEST_KEY]
        done = await commit(request, who, web, automation_id, changes, version=version, key=key)
    except EditRefused as refused:
        return await refusal(request, automation_id, refused, version=version, changes=changes)
    added = len(done.made) == 1 and any(isinstance(one, Add) for one in changes)
    return await patches(request, done, open=done.made[0] if added else "")


@put("/automations/{automation_id:int}/draft/at", opt=EDITOR)
async def stand_at(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[str]:
    """Undo, redo, or go to any place in the history."""
    form = await request.form()
    version = version_of(form.get("version"))
    try:
        wanted, stood = str(form.get("seq", "")), version_of(form.get("from"))
        done = await go_to(who, web, automation_id, wanted, version, stood)
    except EditRefused as refused:
        return await refusal(request, automation_id, refused, version=version)
    return await patches(request, done)


@get("/automations/{automation_id:int}/draft/patches", opt=EDITOR)
async def show_news(request: Request[Any, Any, Any], automation_id: FromPath[int]) -> Response[str]:
    """What changed since the version a page shows."""
    return await news(request, automation_id, version_of(request.query_params.get("since")))


def version_of(given: object) -> int | None:
    """The version a page says it shows; None when it says none that can be."""
    text = str(given or "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else None  # noqa: PLR2004
    return number if number is not None and number <= LARGEST_VERSION else None


HANDLERS = (make_changes, stand_at, show_news)
