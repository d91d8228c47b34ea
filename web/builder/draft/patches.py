"""Answers: the cards that look different now, and the status bar.

Rule: an answer brings its page from the version it showed to the one that is there now, whoever
changed what in between. When that is not known any more, or is too much, all cards are sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.enums import MediaType
from markupsafe import Markup

from flows.editing import START_STEP, Change, EditRefused
from flows.editing.changes import Add, Connect, Delete, Disconnect, Duplicate, Insert, Move
from store import drafts
from web.automations import reads
from web.automations.check import known_of
from web.builder.cards import Card
from web.builder.counters import counters_of
from web.builder.draft.commit import Committed
from web.builder.draft.drawings import draw_draft, drawings_of
from web.builder.drawing import Drawing, draw
from web.builder.status import bar_of
from web.config import WebConfig
from web.security.who import Who
from web.shell.render import environment

MOST_CARDS = 100  # from here on morphing the whole list is quicker than one card after the other
_ELEMENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


async def patches(
    request: Request[Any, Any, Any],
    committed: Committed,
    extra: str = "",
    open: str = "",  # noqa: A002  the header's own word
) -> Response[str]:
    """The answer to a change that was made. `extra` are more partials, `open` the step whose
    settings the page shall open.
    """
    return await _answer(
        request,
        committed.automation_id,
        since=committed.based,
        committed=committed,
        extra=extra,
        opens=open,
    )


async def refusal(
    request: Request[Any, Any, Any],
    automation_id: int,
    refused: EditRefused,
    *,
    version: int | None,
    changes: Sequence[Change] = (),
    extra: str = "",
) -> Response[str]:
    """The answer to a change that was not made: why, and how the cards concerned really are. 409
    when it names what is not there any more, else 422.
    """
    named = {refused.step, *(step for one in changes for step in _named(one))}
    return await _answer(
        request, automation_id, since=version, again=named, refused=refused, extra=extra
    )


async def news(
    request: Request[Any, Any, Any], automation_id: int, since: int | None
) -> Response[str]:
    """What a page that shows the version `since` does not know yet."""
    return await _answer(request, automation_id, since=since)


async def _answer(
    request: Request[Any, Any, Any],
    automation_id: int,
    *,
    since: int | None,
    committed: Committed | None = None,
    again: Collection[str] = (),
    refused: EditRefused | None = None,
    extra: str = "",
    opens: str = "",
) -> Response[str]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        known = await known_of(tx, who.company_id)
        counters = await counters_of(tx, found)
        standing = await drafts.standing(tx, who.company_id, automation_id)
    before = None if since is None else drawings_of(request).find(automation_id, since)
    if before is None and committed is not None and since == committed.prior:
        before = draw(committed.before, known, counters=counters)
    drawing = draw_draft(request, found, known, counters)
    bar = bar_of(
        *(found, drawing.problems, who, web.clock()), undo=standing.undo, redo=standing.redo
    )
    here = committed is not None and committed.version == found.draft_version
    quiet = here and committed is not None and committed.only_moved and since == committed.prior
    values = {
        **_cards(before, drawing, again, quiet=quiet),
        "drawing": drawing,
        "editable": bar.editable,
        "bar": bar,
        "refused": _in_words(refused, before) if refused else "",
        "overwrote": committed.overwrote if committed else "",
        "undo_to": committed.seq - 1 if committed else 0,
        "extra": Markup(extra),  # noqa: S704  rendered by a template of ours
    }
    body = environment().get_template("builder/draft/patches.html").render(values)
    headers = {"Draft-Version": str(found.draft_version), "Draft-Seq": str(found.draft_seq)}
    said = committed.overwrote or committed.said if committed else ""
    if said:
        headers["Draft-Said"] = quote(said)
    if opens:
        headers["Draft-Open"] = opens
    status = 200 if refused is None else 409 if refused.gone else 422
    return Response(body, media_type=MediaType.HTML, status_code=status, headers=headers)


def _in_words(refused: EditRefused, before: Drawing | None) -> str:
    """Why it was refused; a step that is gone is called as the page that asked still shows it."""
    card = before.card(refused.step) if before is not None and refused.gone else None
    if card is None:
        return refused.sentence
    return refused.sentence.replace(f"“{refused.step}”", f"“{card.title}”", 1)


def _cards(
    before: Drawing | None, after: Drawing, again: Collection[str], *, quiet: bool
) -> dict[str, Any]:
    """What to send of the cards. `again` are steps to be sent whether they changed or not;
    with `quiet` the page has moved the cards itself.
    """
    whole: dict[str, Any] = {"whole": True, "gone": [], "changed": [], "fresh": []}
    if before is None:
        return whole
    old = {one.step: one for one in before.cards}
    gone = [old[step].element for step in after.gone_since(before)]
    different = {one.step for one in after.changed_since(before)}
    if quiet:
        different = {step for step in different if not _stands_elsewhere(old.get(step), after)}
    changed = [
        one
        for one in after.cards
        if one.step in old and (one.step in different or one.step in again)
    ]
    gone += [f"step-{step}" for step in again if step and step not in old and not after.card(step)]
    fresh: list[tuple[str, list[Card]]] = []  # a target must be on the page before the answer is
    for earlier, one in zip(after.cards, after.cards[1:], strict=False):
        if one.step in old:
            continue
        if fresh and fresh[-1][1][-1] is earlier:
            fresh[-1][1].append(one)
        else:
            fresh.append((earlier.element, [one]))
    new = [one.element for _, run in fresh for one in run]
    elements = [*gone, *(one.element for one in changed), *(one for one, _ in fresh), *new]
    fits = len(elements) <= MOST_CARDS and all(map(_ELEMENT.fullmatch, elements))
    if not fits or (len(after.cards) <= MOST_CARDS and _other_order(before, after)):
        return whole
    # Another answer may have brought a new card already; it must not be there twice.
    return {"whole": False, "gone": [*gone, *new], "changed": changed, "fresh": fresh}


def _other_order(before: Drawing, after: Drawing) -> bool:
    """Whether the cards that were there stand in another order now: the list is what is read out.
    It is too much to send for so little where there are many.
    """
    old = {one.step for one in before.cards}
    kept = [one.step for one in after.cards if one.step in old]
    here = {*kept}
    return kept != [one.step for one in before.cards if one.step in here]


def _stands_elsewhere(old: Card | None, after: Drawing) -> bool:
    """Whether a card differs from before in nothing but its place."""
    new = None if old is None else after.card(old.step)
    return old is not None and new is not None and _placeless(old) == _placeless(new)


def _placeless(card: Card) -> tuple[Any, ...]:
    return tuple(getattr(card, name) for name in card.__struct_fields__ if name not in ("x", "y"))


def _named(change: Change) -> list[str]:
    """The steps a change is about, whose cards the page may have touched already."""
    match change:
        case Move() | Delete() | Duplicate():
            return list(change.steps)
        case Connect() | Disconnect():
            return [change.step]
        case Insert():
            return [change.step, change.onto.step]
        case Add():
            return [way.step for way in (change.after, change.onto) if way is not None]
        case _:
            return [START_STEP]
