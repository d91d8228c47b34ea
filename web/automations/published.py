"""What publishing answers: the automation's page, or in the builder a toast that can take it back.

Rule: undoing is publishing what the revision before says; nothing of the history is lost.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from store.publishing import Published
from web.automations.view import automation_page
from web.builder.levers import changed_parts
from web.config import WebConfig
from web.shell.render import Notice, page


async def published(
    request: Request[Any, Any, Any], automation_id: int, made: Published, *, in_builder: bool
) -> Response[Any]:
    """The answer after a revision went live; `in_builder` when its dialog asked for it."""
    web: WebConfig = request.app.state["web"]
    await web.bell.ring_engine()
    base = f"/automations/{automation_id}"
    said, before = _in_words(made), made.number - 1
    if in_builder:
        parts = await changed_parts(request, automation_id)
        values = {"said": said, "base": base, "before": before if made.new else 0}
        toast = page(request, "automations/published_toast.html", values)
        parts.content += toast.content
        return parts
    undo = Notice(said)
    if made.new and before:
        link = f"{base}/revisions/{before}/publish"
        undo = Notice(said, link=link, word=f"Undo: back to revision {before}")
    answer = await automation_page(request, automation_id, [undo])
    answer.headers["HX-Push-Url"] = f"{base}/more"
    return answer


def _in_words(made: Published) -> str:
    said = f"Revision {made.number} is live."
    parts = []
    if made.moved:
        parts.append(f"{made.moved:,} moved" if made.moved > 1 else "1 contact moved")
    if made.ended:
        parts.append(f"{made.ended:,} ended" if made.ended > 1 else "1 run ended")
    return f"{said} {' and '.join(parts)}." if parts else said
