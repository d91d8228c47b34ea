from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.words import START_WORDS, STOP_WORDS, Way, normal, says, wants_start, wants_stop


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" Così, SÌ! ", "cosi si"),
        ("Straße", "strasse"),
        ("ÇA VA?", "ca va"),
        ("e-mail", "e mail"),
        ("l'ordine", "l ordine"),
        ("ＳＴＯＰ", "stop"),  # full-width letters of some keyboards
        ("st\u200bop", "stop"),  # a zero-width space, copied along
        ("\u202estop\u202c", "stop"),
        ("stop ❤️", "stop"),
        ("a\n\tb", "a b"),
        ("a\x00b", "a b"),
        ("👍🏽", "👍"),
        ("❤️", "❤"),
        ("?", "?"),
        ("", ""),
        (" \u200b ", ""),
        ("नमस्ते", "नमसते"),
        ("Ελλάδα", "ελλαδα"),
        ("№ 5", "no 5"),
    ],
)
def test_normal(text: str, said: str) -> None:
    assert normal(text) == said


@given(st.text())
def test_normal_stays_as_it_is(text: str) -> None:
    said = normal(text)
    assert normal(said) == said
    assert said == said.strip()
    assert "  " not in said


@pytest.mark.parametrize(
    ("way", "text", "word", "expected"),
    [
        ("exact", "Promo!", "promo", True),
        ("exact", "promo code", "promo", False),
        ("starts_with", "promo code", "PROMO", True),
        ("starts_with", "my promo", "promo", False),
        ("contains", "my promo, please", "promo", True),
        ("contains", "promotion", "promo", False),
        ("contains", "best-price", "best price", True),
        ("contains", "anything", "", False),
        ("starts_with", "anything", " ", False),
        ("exact", "", "", False),
        ("regex", "Order 1001", r"order \d+", True),
        ("regex", "anything", "(", False),
        ("regex", "x" * 5000, "(x+x+)+y", False),  # RE2 does not go round in circles
        ("regex", "anything", r"(?=a)", False),  # and knows no looking ahead
    ],
)
def test_says(way: Way, text: str, word: str, expected: bool) -> None:
    assert says(way, text, word) is expected


@pytest.mark.parametrize("word", sorted(STOP_WORDS))
def test_stop_words_in_any_dress(word: str) -> None:
    assert wants_stop(f"  {word.upper()}!! ")
    assert not wants_stop(f"{word} sending pictures")
    assert normal(word) == word


@pytest.mark.parametrize("word", sorted(START_WORDS))
def test_start_words(word: str) -> None:
    assert wants_start(f"{word.title()}.")
    assert not wants_stop(word)
    assert normal(word) == word


def test_a_companys_own_words() -> None:
    assert wants_stop("Lasciami stare!", frozenset({"lasciami stare"}))
    assert not wants_stop("lasciami stare")
    assert wants_start("Eccomi", frozenset({"eccomi"}))


SAID_TO_STOP = {
    "en": "stop stopall unsubscribe cancel end quit optout remove",
    "it": "stop annulla cancella cancellami disiscrivi disiscrivimi rimuovi basta",
    "es": "stop baja parar cancelar",
    "fr": "stop arrêt désabonner",
    "de": "stop stopp abmelden austragen",
    "pt": "stop parar sair cancelar remover",
    "nl": "stop afmelden uitschrijven",
}


@pytest.mark.parametrize("language", SAID_TO_STOP)
def test_stop_in_seven_languages(language: str) -> None:
    assert all(wants_stop(word) for word in SAID_TO_STOP[language].split())


def test_a_company_can_take_a_word_of_ours_out() -> None:
    plain = frozenset({"annulla", "alta"})
    assert not wants_stop("Annulla!", frozenset(), plain)
    assert wants_stop("stop", frozenset(), plain)
    assert wants_stop("annulla", frozenset({"annulla"}), plain)
    assert not wants_start("alta", frozenset(), plain)
