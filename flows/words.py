"""Words people type to us: normalising and comparing them, and the words that mean stop and start.

Source of the lists: common opt-out words of the languages our users sell in; a company may add
its own and take ours out: "cancel"/"annulla" can be a wish to cancel an order.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Literal

from flows.patterns import search

Way = Literal["exact", "contains", "starts_with", "regex"]

STOP_WORDS = frozenset(
    (
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "opt out", "remove"),
        *("annulla", "cancella", "cancellami", "disiscrivi", "disiscrivimi", "rimuovi", "basta"),
        *("baja", "parar", "cancelar", "arret", "desabonner", "stopp", "abmelden", "austragen"),
        *("sair", "remover", "afmelden", "uitschrijven"),
    )
)
STOP_OPTION = "stop"  # the option id that means "no more messages" on any button
START_WORDS = frozenset(("start", "unstop", "subscribe", "inizia", "iscrivimi", "alta"))

# How an emoji looks, never what it says: variation selectors and skin tones.
_LOOKS = frozenset((*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400)))


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """Case-folded, without accents, punctuation and doubled spaces: `" Così, SÌ! "` -> `cosi si`.

    A text of nothing but signs (`👍`, `?`) stays as it is, so that it still says something.
    """
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.casefold()).casefold())
    visible = "".join(char for char in flat if not _invisible(char))
    words = "".join(" " if _separates(char) else char for char in visible)
    return " ".join(words.split()) or " ".join(visible.split())


def says(way: Way, text: str, word: str) -> bool:
    """Whether `text` says `word` in this `way`. All but a regex compare normalised words, and
    `contains` wants whole ones: "promo" is not in "promotion".
    """
    if way == "regex":
        return search(word, text)
    said, wanted = normal(text), normal(word)
    if not wanted:
        return False
    if way == "exact":
        return said == wanted
    if way == "starts_with":
        return said.startswith(wanted)
    return f" {wanted} " in f" {said} "


NONE: frozenset[str] = frozenset()


def wants_stop(text: str, extra: frozenset[str] = NONE, without: frozenset[str] = NONE) -> bool:
    """Whether the whole message is a stop word: one of the company's (normalised), or of ours that
    the company did not take out.
    """
    said = normal(text)
    return said in extra or (said in STOP_WORDS and said not in without)


def wants_start(text: str, extra: frozenset[str] = NONE, without: frozenset[str] = NONE) -> bool:
    """Whether the whole message is a word that takes a stop back, as `wants_stop`."""
    said = normal(text)
    return said in extra or (said in START_WORDS and said not in without)


def _invisible(char: str) -> bool:
    if unicodedata.combining(char) or ord(char) in _LOOKS:
        return True
    return unicodedata.category(char) == "Cf"  # zero-width marks that keyboards and copying add


def _separates(char: str) -> bool:
    return char.isspace() or unicodedata.category(char)[0] in "PSZC"
