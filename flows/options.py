"""Which option of a question a reply means: tapped, named, numbered, or nearly named. PURE.

Rule: what is as near to two options as to one means none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from flows.dates import tidy
from flows.replies import Said, Understood, short
from flows.reply_words import COUNT
from flows.words import normal

_ONE_SLIP, _TWO_SLIPS = 4, 8  # letters from which on a label may be missed by one, by two
_NUMBERED = re.compile(
    r"(?:n|no|nr|num|number|numero|nummer|option|opzione|opcion|opcao)?[.°º]?\s*#?\(?(\d{1,2})[.)]*",
    re.IGNORECASE,
)


class Choice(Struct, frozen=True):
    """One option somebody may mean; `number` is its place in the question, if it has one."""

    id: str
    label: str
    number: int | None = None


def option(
    said: Said,
    choices: Sequence[Choice],
    wanted: Collection[str],
    asked: tuple[int, Collection[str]],
) -> Understood | None:
    """The option of `wanted` that the customer means, out of all `choices` they had.

    By tapping it (`asked`: the run, and the steps that may have asked; none named: any), by its
    label, its number, its id, or a label with a slip: one wrong letter from four letters on, two
    from eight on, if no other option is that near.
    """
    tapped = said.tapped
    if tapped is not None:
        run_id, steps = asked
        ours = tapped[0] == run_id and (not steps or tapped[1] in steps)
        if not ours or tapped[2] not in wanted:
            return None
        return Understood(tapped[2], said.text, f"they tapped “{short(said.text)}”")
    text = normal(said.text)
    if not text:
        return None
    wrote = f"they wrote “{short(said.text)}”"
    found, how = [one for one in choices if text == normal(one.label)], wrote
    if not found:
        number = _place(said.text)
        found = _only(one for one in choices if number is not None and one.number == number)
        how = f"they wrote its number, {number}"
    if not found:
        found, how = [one for one in choices if text == normal(one.id)], wrote
    if not found:
        found = _only(one for one in choices if near(text, normal(one.label or one.id)))
        how = f"{wrote}, which is nearly “{found[0].label or found[0].id}”" if found else ""
    for one in found:
        if one.id in wanted:
            return Understood(one.id, one.label or one.id, how)
    return None


def near(text: str, label: str) -> bool:
    """Whether `text` is `label` but for a slip of the finger. Both normalised; figures must be
    right.
    """
    letters = sum(char.isalpha() for char in label)
    allowed = 2 if letters >= _TWO_SLIPS else 1 if letters >= _ONE_SLIP else 0
    if not allowed or abs(len(text) - len(label)) > allowed:
        return False
    if [char for char in text if char.isdecimal()] != [char for char in label if char.isdecimal()]:
        return False
    return _slips(text, label) <= allowed


def _slips(left: str, right: str) -> int:
    """Letters wrong, missing, too many, or two swapped (optimal string alignment distance)."""
    before: list[int] = []
    last = list(range(len(right) + 1))
    for row, char in enumerate(left, 1):
        now = [row]
        for column, other in enumerate(right, 1):
            best = min(last[column] + 1, now[column - 1] + 1, last[column - 1] + (char != other))
            swapped = row > 1 and column > 1 and char == right[column - 2]
            if swapped and left[row - 2] == other:
                best = min(best, before[column - 2] + 1)
            now.append(best)
        before, last = last, now
    return last[-1]


def _place(text: str) -> int | None:
    said = tidy(text)
    found = _NUMBERED.fullmatch(said)
    return int(found[1]) if found else COUNT.get(normal(said))


def _only(choices: Iterable[Choice]) -> list[Choice]:
    """The choices if they are all the same option; else none, for nobody can tell which."""
    found = list(choices)
    return found if len({one.id for one in found}) == 1 else []
