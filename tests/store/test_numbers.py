"""Keys, reading and places of phone numbers."""

import pytest

from store.numbers import number_key, parse_phone, region_of, zones_for


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+55 11 98765-4321", "551187654321"),  # Brazil: with and without the ninth digit
        ("+525512345678", "5215512345678"),  # Mexico: the old mobile 1
        ("+541123456789", "5491123456789"),  # Argentina: the mobile 9
        ("+39 333 1234567", "393331234567"),
    ],
)
def test_two_forms_of_one_number_have_one_key(one: str, other: str) -> None:
    assert number_key(one) == number_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5511940028922", "551140028922"),  # 9 before 2–5: a mobile and a landline
        ("390612345", "39612345"),  # an Italian landline keeps its zero
        ("5215512345678", "5211551234567"),
        ("16505551234", "6505551234"),
    ],
)
def test_two_numbers_have_two_keys(one: str, other: str) -> None:
    assert number_key(one) != number_key(other)


def test_a_key_has_digits_only() -> None:
    assert number_key(" +39 (333) 12-34x567٣") == "391234567".replace("39", "39333", 1)
    assert number_key("no number") == ""


@pytest.mark.parametrize(
    ("text", "region", "found"),
    [
        ("07700900123", "GB", "+447700900123"),
        ("+44 7700 900123", "", "+447700900123"),
        ("333 1234567", "it", "+393331234567"),
        ("393331234567", "IT", "+393331234567"),
        ("06 1234567", "IT", "+39061234567"),
        ("555-625-1199", "US", "+15556251199"),
        ("555-625-1199", "", None),
        ("12", "IT", None),
        ("call me", "IT", None),
        ("", "IT", None),
        ("3331234567", "XX", None),
    ],
)
def test_reading_a_number(text: str, region: str, found: str | None) -> None:
    assert parse_phone(text, region) == found


def test_the_country_of_a_number() -> None:
    assert region_of("393331234567") == "IT"
    assert region_of("+5215512345678") == "MX"
    assert region_of("80012345678") == ""  # a number of no country
    assert region_of("999") == region_of("") == ""


def test_zones_own_then_the_numbers_then_the_companys() -> None:
    assert zones_for("Asia/Tokyo", "393331234567", "Europe/Paris") == ("Asia/Tokyo",)
    assert zones_for("Not/AZone", "33612345678", "Europe/Rome") == ("Europe/Paris",)
    assert zones_for("", "393331234567", "Europe/Paris") == ("Europe/Rome", "Europe/Vatican")
    assert len(zones_for("", "79161234567", "Europe/Rome")) > 5
    assert zones_for("", "5215512345678", "Europe/Rome") == zones_for("", "525512345678", "UTC")


def test_a_number_nobody_has_lies_in_its_country() -> None:
    assert "Europe/London" in zones_for("", "447700900123", "Europe/Rome")


@pytest.mark.parametrize("number", ["", "999", "80012345678"])
def test_a_number_of_unknown_place_is_where_the_company_is(number: str) -> None:
    assert zones_for("", number, "Europe/Rome") == ("Europe/Rome",)
