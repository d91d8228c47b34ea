"""Phone numbers as the Cloud API sees them: digits, with a few countries spelled in two ways."""

from functools import lru_cache

import phonenumbers

MIN_DIGITS = 7
MAX_DIGITS = 15
SPACERS = str.maketrans("", "", " -().")

BRAZIL_WITH_NINE = 13
BRAZIL_WITHOUT_NINE = 12


def digits_of(text: str) -> str | None:
    """Return the digits of a number written with or without +, or None if it is no number."""
    bare = text.strip().translate(SPACERS).removeprefix("+")
    if bare.isascii() and bare.isdigit() and MIN_DIGITS <= len(bare) <= MAX_DIGITS:
        return bare
    return None


@lru_cache(maxsize=256)
def digits_in(shown: str) -> str:
    """Return the digits of a business number, however it is displayed."""
    return "".join(filter(str.isdigit, shown))


def spellings(digits: str) -> list[str]:
    """Return the WhatsApp ids that a dialled number may have, itself first.

    Brazilian ids may lack the 9 after the area code, Mexican ones carry a 1 and Argentine ones a 9
    after the country code.
    """
    found = [digits]
    if digits.startswith("55") and len(digits) == BRAZIL_WITH_NINE and digits[4] == "9":
        found.append(digits[:4] + digits[5:])
    elif digits.startswith("55") and len(digits) == BRAZIL_WITHOUT_NINE:
        found.append(f"{digits[:4]}9{digits[4:]}")
    for country, infix in (("52", "1"), ("54", "9")):
        if digits.startswith(country + infix):
            found.append(country + digits[len(country) + 1 :])
        elif digits.startswith(country):
            found.append(country + infix + digits[len(country) :])
    return found


@lru_cache(maxsize=4096)
def pretty(digits: str) -> str:
    """Return a number as people read it, such as +44 7700 900123."""
    try:
        number = phonenumbers.parse("+" + digits.removeprefix("+"))
    except phonenumbers.NumberParseException:
        return "+" + digits.removeprefix("+")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
