"""What replies are understood as, and what is rather not understood than guessed."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import reply_words
from flows.content import Buttons, Choices, Option, Tap, Text, as_numbered_text, payload
from flows.dates import Reader, read_date, read_moment
from flows.options import Choice, near, option
from flows.readings import read_email, read_number, read_phone, read_yes_no
from flows.replies import Said, answer, automatic, words
from flows.words import normal

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # a Monday
ITALY = Reader(NOW, "it", "IT", "Europe/Rome")
AMERICA = Reader(NOW, "en_US", "US", "America/New_York")
BRITAIN = Reader(NOW, "en", "GB", "Europe/London")


def test_words_are_as_normal_leaves_them() -> None:
    tables = (
        reply_words.MONTHS,
        reply_words.WEEKDAYS,
        reply_words.AHEAD,
        reply_words.AROUND_A_DAY,
        reply_words.COUNT,
        reply_words.YES,
        reply_words.NO,
        reply_words.AUTOMATIC,
    )
    for table in tables:
        assert all(normal(word) == word for word in table)
    assert not reply_words.YES & reply_words.NO


@pytest.mark.parametrize(
    ("text", "italian", "american"),
    [
        ("3", 3, 3),
        (" 3. ", 3, 3),
        ("3,5", 3.5, 3.5),
        ("1.500", 1500, 1.5),
        ("1,500", 1.5, 1500),
        ("1.000,50", 1000.5, 1000.5),
        ("1,000.50", 1000.5, 1000.5),
        ("1 000", 1000, 1000),
        ("1'000'000", 1_000_000, 1_000_000),
        ("0.500", 0.5, 0.5),
        ("€ 20", 20, 20),
        ("20 euro circa", 20, 20),
        ("-5", -5, -5),
        ("2️⃣", 2, 2),
        ("٣", 3, 3),
        ("two", 2, 2),
        ("Due!", 2, 2),
    ],
)
def test_numbers(text: str, italian: float, american: float) -> None:
    assert read_number(text, ITALY) == italian
    assert read_number(text, AMERICA) == american


@pytest.mark.parametrize(
    "text",
    ["", "many", "20 or 30", "A1001", "#x5", "½", "12/3", "10:30", "1.2.3", "1,00,000", "9" * 16],
)
def test_no_numbers(text: str) -> None:
    assert read_number(text, ITALY) is None
    assert read_number(text, AMERICA) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-25", "2026-03-25"),
        ("2026/3/5", "2026-03-05"),
        ("25/3", "2026-03-25"),
        ("1/3", "2027-03-01"),
        ("2/3", "2026-03-02"),
        ("25.3.26", "2026-03-25"),
        ("25-03-2026", "2026-03-25"),
        ("25032026", "2026-03-25"),
        ("12/25/2026", "2026-12-25"),
        ("1/1/85", "1985-01-01"),
        ("1/1/46", "2046-01-01"),
        ("1/1/47", "1947-01-01"),
        ("25 marzo", "2026-03-25"),
        ("il 25 marzo grazie", "2026-03-25"),
        ("1º aprile", "2026-04-01"),
        ("March 25th, 2026", "2026-03-25"),
        ("25th of March", "2026-03-25"),
        ("1er avril", "2026-04-01"),
        ("den 3. März 2027", "2027-03-03"),
        ("25 de março de 2026", "2026-03-25"),
        ("25 maart", "2026-03-25"),
        ("oggi", "2026-03-02"),
        ("Domani!", "2026-03-03"),
        ("dopodomani", "2026-03-04"),
        ("übermorgen", "2026-03-04"),
        ("the day after tomorrow", "2026-03-04"),
        ("pasado mañana", "2026-03-04"),
        ("ieri", "2026-03-01"),
        ("aujourd’hui", "2026-03-02"),
        ("lunedì", "2026-03-09"),
        ("venerdì prossimo", "2026-03-06"),
        ("on Sunday please", "2026-03-08"),
        ("segunda-feira", "2026-03-09"),
        ("29/2", "2028-02-29"),
        ("29 febbraio 2028", "2028-02-29"),
    ],
)
def test_days(text: str, expected: str) -> None:
    found = read_date(text, ITALY)
    assert found is not None
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", "guten morgen", "31/4", "29/2/2027", "13/13/2026", "25/3 o 26/3", "3/4/6", "0/0"],
)
def test_no_days(text: str) -> None:
    assert read_date(text, ITALY) is None


@pytest.mark.parametrize(
    ("reader", "expected"),
    [(ITALY, "2026-04-03"), (BRITAIN, "2026-04-03"), (AMERICA, "2026-03-04")],
)
def test_day_and_month_stand_as_the_country_writes_them(reader: Reader, expected: str) -> None:
    assert str(read_date("3/4/2026", reader)) == expected


def test_italian_in_america_stays_italian() -> None:
    assert str(read_date("3/4/2026", Reader(NOW, "it", "US"))) == "2026-04-03"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25/3 15:30", "2026-03-25T14:30"),
        ("domani alle 9:00", "2026-03-03T08:00"),
        ("tomorrow at 3pm", "2026-03-03T14:00"),
        ("12 am tomorrow", "2026-03-02T23:00"),
        ("morgen um 15 Uhr", "2026-03-03T14:00"),
        ("demain à 9h30", "2026-03-03T08:30"),
        ("2026-03-25T10:00:00Z", "2026-03-25T10:00"),
        ("2026-03-29 02:30", "2026-03-29T01:00"),
        ("25/10/2026 2:30", "2026-10-25T00:30"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert read_moment(text, ITALY) == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize("text", ["", "25/3", "2026-03-25", "9:00", "domani 25:00", "13 pm domani"])
def test_no_moments(text: str) -> None:
    assert read_moment(text, ITALY) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("333 123 4567", "+393331234567"),
        ("tel. +39 333-123.4567", "+393331234567"),
        ("+49 30 901820", "+4930901820"),
        ("12", None),
        ("+39 333 123 4567 or +39 347 123 4567", None),
    ],
)
def test_phone_numbers(text: str, expected: str | None) -> None:
    assert read_phone(text, ITALY) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada@Example.COM", "Ada@example.com"),
        ("it is <a.b+c@mail.example.co.uk>, thanks", "a.b+c@mail.example.co.uk"),
        ("a@b", None),
        ("a..b@c.it", None),
        ("a@b.it or c@d.it", None),
    ],
)
def test_email_addresses(text: str, expected: str | None) -> None:
    assert read_email(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Sì!", True), ("👍🏽", True), ("d'accordo", True), ("Nein danke", False), ("forse", None)],
)
def test_yes_and_no(text: str, expected: bool | None) -> None:
    assert read_yes_no(text) is expected


def test_nothing_takes_long() -> None:
    began = time.perf_counter()
    for text in ("a@" * 2500, "1 " * 2500, "1.1" * 1700, "1 jan " * 800, "9" * 5000, "a" * 5000):
        said = Said(text, Text(text))
        for sort in ("number", "date", "moment", "email", "phone", "yes_no"):
            answer(said, sort, ITALY)
    bomb = Said("a" * 5000 + "!", Text(""))
    assert words(bomb, "regex", ["(a+)+$"]) is None
    assert time.perf_counter() - began < 2


@given(st.text(max_size=60))
def test_no_text_breaks_a_reading(text: str) -> None:
    said = Said(text, Text(text))
    for sort in ("text", "number", "date", "moment", "email", "phone", "yes_no", "media"):
        answer(said, sort, ITALY)
    option(said, [Choice("a", text, 1), Choice("b", "Medium", 2)], {"a", "b"}, (1, ()))
    automatic(said, timedelta(0))


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)))
def test_a_day_is_read_as_it_was_written(day: date) -> None:
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y"):
        assert read_date(format(day, form), ITALY) == day


SIZES = [Choice("s", "Small", 1), Choice("m", "Medium", 2), Choice("xl", "Extra large", 3)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("small", "s"),
        ("XL", "xl"),
        ("2", "m"),
        ("n° 2", "m"),
        ("Option 3", "xl"),
        ("(1)", "s"),
        ("drei", "xl"),
        ("smal", "s"),
        ("Samll", "s"),
        ("medjum", "m"),
        ("exta lrage", "xl"),
        ("4", None),
        ("0", None),
        ("smile", None),
        ("", None),
        ("?", None),
    ],
)
def test_options(text: str, expected: str | None) -> None:
    found = option(Said(text, Text(text)), SIZES, {"s", "m", "xl"}, (7, ("ask",)))
    assert (found and found.value) == expected


def test_a_place_in_the_list_goes_before_an_id_nobody_sees() -> None:
    listed = [Choice("2", "Small", 1), Choice("1", "Large", 2)]
    found = option(Said("1", Text("1")), listed, {"1", "2"}, (7, ()))
    assert found is not None
    assert found.words == "Small"
    found = option(Said("x", Text("x")), [Choice("x", "Small", 1)], {"x"}, (7, ()))
    assert found is not None


def test_a_tap_belongs_to_its_question() -> None:
    def tap(run_id: int, step: str, asked: tuple[str, ...]) -> object:
        said = Said("Small", Tap(payload(run_id, step, "s"), "Small"))
        found = option(said, SIZES, {"s"}, (7, asked))
        return found and found.value

    assert tap(7, "ask", ("ask",)) == "s"
    assert tap(7, "ask", ()) == "s"
    assert tap(7, "older", ("ask",)) is None
    assert tap(8, "ask", ("ask",)) is None


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("medium", "medium", True),
        ("meduim", "medium", True),
        ("mdeuim", "medium", False),
        ("yes", "yess", True),
        ("no", "on", False),
        ("now", "no", False),
        ("unavailable", "available", True),
        ("order 1", "order 2", False),
        ("extra  larg", "extra large", True),
    ],
)
def test_near_misses(left: str, right: str, expected: bool) -> None:
    assert near(left, right) is expected


def test_nearly_two_options_is_none() -> None:
    both = [Choice("y", "Available", 1), Choice("n", "Unavailable", 2)]
    for text, expected in (("avaliable", "y"), ("unavaliable", "n"), ("navailable", None)):
        found = option(Said(text, Text(text)), both, {"y", "n"}, (7, ()))
        assert (found and found.value) == expected


def test_options_without_buttons_are_numbered() -> None:
    options = (Option("p1", "Small", "36-38"), Option("p2", "Large"))
    assert as_numbered_text(Choices("Which?", "Sizes", options, "EU sizes")) == Text(
        "Which?\n\n1. Small: 36-38\n2. Large\n\n_EU sizes_"
    )
    assert as_numbered_text(Buttons("Which?", options[1:])) == Text("Which?\n\n1. Large")


@pytest.mark.parametrize(
    ("text", "seconds", "expected"),
    [
        ("Thank you for contacting Rossi! We will get back to you.", 1, True),
        ("Grazie per averci contattato, ti risponderemo al più presto.", 2, True),
        ("Gracias por tu mensaje. No estamos disponibles.", 3, True),
        ("Merci pour votre message, nous vous répondrons.", 0, True),
        ("Ich bin nicht im Büro.", -1, True),
        ("No momento não estamos. Responderemos assim que possível", 2, True),
        ("Bedankt voor je bericht!", 2, True),
        ("Thank you for contacting us", 4, False),
        ("Ok thanks", 1, False),
    ],
)
def test_automatic_answers(text: str, seconds: int, expected: bool) -> None:
    why = automatic(Said(text, Text(text)), timedelta(seconds=seconds))
    assert bool(why) is expected
