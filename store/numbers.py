"""Phone numbers: how we compare, read and place them.

Rule: a WhatsApp id is never rewritten; numbers are compared by a key made for nothing else.
"""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberFormat, timezone
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

UNKNOWN_ZONE = "Etc/Unknown"  # the library's "no idea"; no such zone can be loaded
_BRAZIL_WITH_9 = 13  # 55, two digits of area, the added 9, eight digits
_WITHIN = ("0", "1", "8")  # how prefixes for calls within a country begin
_USUAL_LENGTHS = range(8, 16)  # digits of a number that is surely one, by ITU-T E.164
_MEXICO_WITH_1 = 13  # 52, the old mobile 1, ten digits
_ARGENTINA_WITH_9 = 13  # 54, the mobile 9, ten digits
_MOBILE_STARTS = "6789"  # how Brazilian mobiles began before they got the 9


def number_key(digits: str) -> str:
    """The key under which a number in international form is found; `+` and spaces do not matter.

    WhatsApp ids of Brazil may lack the ninth digit, those of Mexico carry 521 and of Argentina 549
    where the dialled number has 52 and 54 (WhatsApp's own help pages): each pair gets one key.
    """
    key = "".join(char for char in digits if char.isascii() and char.isdigit())
    # Only a 9 before an old mobile number was added: 9 before 2–5 tells a mobile from a landline.
    if (
        len(key) == _BRAZIL_WITH_9
        and key.startswith("55")
        and key[4] == "9"
        and key[5] in _MOBILE_STARTS
    ):
        return key[:4] + key[5:]
    if len(key) == _MEXICO_WITH_1 and key.startswith("521"):
        return "52" + key[3:]
    if len(key) == _ARGENTINA_WITH_9 and key.startswith("549"):
        return "54" + key[3:]
    return key


def parse_phone(text: str, region: str = "") -> str | None:
    """`text` as E.164 (`+391234…`), or None when no number of a possible length is in it.

    `region` (ISO 3166 alpha-2, of the shop or the address) places numbers without a `+`.
    """
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@lru_cache(maxsize=4096)
def region_of(number: str) -> str:
    """The country of a number in international form (`IT`); empty when it is not known."""
    parsed = _parse(number)
    region = None if parsed is None else phonenumbers.region_code_for_number(parsed)
    return region if region and region.isalpha() else ""  # "001" is a number of no country


def zones_for(own: str, number: str, company_zone: str) -> tuple[str, ...]:
    """The time zones a contact may be in, never empty; a time must be right in all of them.

    Their own zone when it is known, else those of the number (one or several), else the company's.
    """
    if own and _loadable(own):
        return (own,)
    return zones_of_number(number) or (company_zone,)


def zones_of_number(number: str) -> tuple[str, ...]:
    """All zones a number in international form can be in; empty when nobody knows."""
    digits = number.removeprefix("+")
    if len(digits) in _USUAL_LENGTHS and digits.isascii() and digits.isdigit():
        plain = _zones_of_start(digits[:TIMEZONE_LONGEST_PREFIX])
        if plain:
            return plain
    return _zones_of_number(number)


@lru_cache(maxsize=16_384)
def _zones_of_start(digits: str) -> tuple[str, ...]:
    """The zones when a number's first digits alone decide them: its country has the same ones, so
    that it does not matter which kind of number it is. Else empty: it must be looked at whole,
    as must all that may begin with a prefix for calls within the country.
    """
    starts = [digits[:length] for length in range(len(digits), 0, -1)]
    code = next((one for one in starts if int(one) in COUNTRY_CODE_TO_REGION_CODE), "")
    place = next((TIMEZONE_DATA[one] for one in starts if one in TIMEZONE_DATA), ())
    if digits[len(code) :].startswith(_WITHIN) or place != TIMEZONE_DATA.get(code):
        return ()
    return tuple(zone for zone in place if _loadable(zone))


@lru_cache(maxsize=65_536)  # about 12 MB; each number costs 30 µs, and comes with every event
def _zones_of_number(number: str) -> tuple[str, ...]:
    parsed = _parse(number)
    if parsed is None:
        return ()
    zones = tuple(zone for zone in timezone.time_zones_for_number(parsed) if _loadable(zone))
    # A number that is not in use (yet) still lies in its country.
    guess = timezone.time_zones_for_geographical_number(parsed)
    return zones or tuple(zone for zone in guess if _loadable(zone))


def _parse(number: str) -> phonenumbers.PhoneNumber | None:
    digits = "".join(char for char in number if char.isascii() and char.isdigit())
    if digits.startswith("521"):  # the library has forgotten Mexico's old mobile 1
        digits = number_key(digits)
    try:
        return phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None


@lru_cache(maxsize=1024)
def _loadable(zone: str) -> bool:
    if zone == UNKNOWN_ZONE:
        return False
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True
