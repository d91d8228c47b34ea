"""What the canvas shows instead of the draft: results, a revision, what changed between two.

Rule: read-only, and the draft's own problems stay out of it; whoever looks at what was cannot mend
it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.diff import changed_steps, changes
from store import revisions
from store.results import results
from web.automations import compare
from web.automations.compare import Side, decoded
from web.automations.reads import Automation
from web.builder.cards import START_STEP, Card, Counters
from web.builder.drawing import Drawing, drawing_of
from web.builder.results.numbers import counters
from web.builder.results.view import View, document_of, view_of
from web.paging import parse_id
from web.security.who import Who
from web.shell.errors import RefusedError

APART = 48  # between a step that is gone and whatever stands in its place now
CARD_WIDTH = 240


class Looking(Struct, frozen=True):
    """The canvas of something else than the draft. `opens` is what the panel shows at first,
    `step_address` where a step's panel is (`{}` for its id), `query` what the live connection is
    asked. `words` say in a bar what this is; `revision` can be made the draft again. `counts` are
    the numbers for the lines.
    """

    drawing: Drawing
    counters: Counters | None = None
    opens: str = ""
    opens_as: str = ""
    step_address: str = ""
    query: str = ""
    words: str = ""
    revision: int | None = None
    counts: str = ""


async def look_at(
    tx: AsyncConnection,
    who: Who,
    found: Automation,
    given: Mapping[str, Any],
    now: datetime,
    mode: str,
) -> Looking | None:
    """What an address asks for besides the draft; None for the draft itself.

    Raises NotFoundError for a revision that is not there, RefusedError (400) for no number.
    """
    if mode == "results":
        return await _results(tx, who, found, given, now)
    pair = pair_of(given)
    if pair is not None:
        return await _comparison(tx, who, found, pair)
    if mode == "edit" and given.get("revision"):
        return await _revision(tx, who, found, str(given["revision"]))
    return None


def pair_of(given: Mapping[str, Any]) -> tuple[str, str] | None:
    """The two versions that are to be compared: `compare=1..draft`, or `before` and `after`.

    Raises RefusedError (400).
    """
    asked = str(given.get("compare", ""))
    if not asked:
        return None
    before, apart, after = asked.partition("..")
    if asked == "two":
        before, after = str(given.get("before", "")), str(given.get("after", ""))
        apart = ".."
    if not (before and apart and after):
        raise RefusedError(400, "Say which two to compare, such as “1..2” or “2..draft”.")
    return before, after


async def _results(
    tx: AsyncConnection, who: Who, found: Automation, given: Mapping[str, Any], now: datetime
) -> Looking:
    view: View = await view_of(tx, who, found, given, now)
    document = await document_of(tx, who, found, view)
    counted = await results(tx, found.id, view.span)
    numbers = None if counted.nobody else counters(counted)  # no zeros everywhere
    base = f"/automations/{found.id}/panel"
    return Looking(
        drawing=_drawn(document, numbers),
        counters=numbers,
        opens=f"{base}/results?{view.query}",
        opens_as="Results",
        step_address=f"{base}/results/step/{{}}?{view.query}",
        query=view.query,
        counts=msgspec.json.encode(numbers).decode() if numbers else "",
    )


async def _revision(tx: AsyncConnection, who: Who, found: Automation, asked: str) -> Looking:
    number = parse_id(asked)
    if number is None:
        raise RefusedError(400, f"“{asked[:40]}” is not the number of a revision.")
    one = await revisions.get(tx, who.company_id, found.id, number)
    base = f"/automations/{found.id}/panel"
    return Looking(
        drawing=_drawn(one.flow, None),
        opens=f"{base}/revisions?revision={number}",
        opens_as="Revisions",
        step_address=f"{base}/versions/{number}/step/{{}}",
        words=f"You are looking at revision {number}.",
        revision=number,
    )


async def _comparison(
    tx: AsyncConnection, who: Who, found: Automation, pair: tuple[str, str]
) -> Looking:
    before, after = [await compare.side(tx, who.company_id, found.id, key) for key in pair]
    base = f"/automations/{found.id}/panel"
    query = urlencode({"compare": f"{before.key}..{after.key}"})
    return Looking(
        drawing=side_by_side(before, after),
        opens=f"{base}/compare?{query}",
        opens_as="Compare",
        step_address=f"{base}/versions/{after.key}/step/{{}}?or={before.key}",
        words=f"You are comparing {before.words} with {after.words}.",
    )


def side_by_side(before: Side, after: Side) -> Drawing:
    """`after`, with its new and changed steps marked, and the steps it has lost as ghosts."""
    drawing = _drawn(after.document, None)
    if before.flow is None or after.flow is None:
        return drawing
    different = changed_steps(before.flow, after.flow)
    about_start = any(one.about != "step" for one in changes(before.flow, after.flow))
    cards = []
    for card in drawing.cards:
        mark = ""
        if card.step == START_STEP:
            mark = "changed" if about_start else ""
        elif card.step in different:
            mark = "changed" if card.step in before.flow.steps else "added"
        cards.append(structs.replace(card, mark=mark) if mark else card)
    ghosts = [
        one
        for one in _drawn(before.document, None).cards
        if one.step != START_STEP and one.step not in after.flow.steps
    ]
    for ghost in ghosts:
        place = _free_place(ghost, cards)
        cards.append(structs.replace(ghost, mark="removed", y=place))
    return structs.replace(drawing, cards=cards)


def _drawn(document: Mapping[str, Any], numbers: Counters | None) -> Drawing:
    return drawing_of(dict(document), decoded(document), [], counters=numbers)


def _free_place(ghost: Card, cards: list[Card]) -> int:
    """Its own height on the canvas, or the first below at which it hides nothing."""
    top = ghost.y
    beside = [one for one in cards if abs(one.x - ghost.x) < CARD_WIDTH]
    for one in sorted(beside, key=lambda card: card.y):
        if one.y < top + ghost.height + APART and top < one.y + one.height + APART:
            top = one.y + one.height + APART
    return top
