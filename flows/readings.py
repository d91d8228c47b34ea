"""What people mean when they write a number, yes or no, a telephone number, an e-mail address:
text in, value out. PURE.

Rule: what can be read in two ways is not read at all (None), except where the reader's language
or country settles it.
"""

from __future__ import annotations

import re
from decimal import Decimal

import phonenumbers

from flows.dates import Reader, tidy
from flows.reply_words import COUNT, NO, YES
from flows.words import normal

DIGITS_LIMIT = 15  # beyond this a float is not exact, and it is no amount but an id
_POINT_LANGUAGES = frozenset({"", "en", "th", "ja", "zh", "ko", "he", "hi"})
_SPACES = re.compile("[ '’\u00a0\u202f]")
_NUMBER = re.compile(
    r"(?<![\w.,])([-−+]?)((?:\d{1,3}(?:[ '’\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)*)(?![\d.,]*\d)"
)
_GROUPS = re.compile(r"[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")


def read_number(text: str, reader: Reader) -> int | float | None:
    """The one number in `text`: `3`, `3,50 €`, `1.000`, `two`. Where a single sign could mean
    thousands or decimals, the language says which.
    """
    said = tidy(text)
    counted = COUNT.get(normal(said))
    if counted is not None:
        return counted
    found = _NUMBER.findall(said)
    if len(found) != 1:
        return None
    sign, digits = found[0]
    amount = _decimal(_SPACES.sub("", digits), reader)
    if amount is None:
        return None
    value = -amount if sign in ("-", "−") else amount
    return int(value) if value == value.to_integral_value() else float(value)


def read_yes_no(text: str) -> bool | None:
    """Whether the whole text means yes, or no."""
    said = normal(tidy(text))
    if said in YES:
        return True
    return False if said in NO else None


def read_phone(text: str, reader: Reader) -> str | None:
    """The one telephone number in `text`, as E.164; without +, as dialled in their country."""
    matcher = phonenumbers.PhoneNumberMatcher(tidy(text), reader.country.upper() or None)
    found = {
        phonenumbers.format_number(one.number, phonenumbers.PhoneNumberFormat.E164)
        for one in matcher
    }
    return found.pop() if len(found) == 1 else None


def read_email(text: str) -> str | None:
    """The one e-mail address in `text`, its domain in small letters."""
    parts = (one.partition("@") for one in _EMAIL.findall(tidy(text)))
    found = {
        f"{name}@{domain.lower()}"
        for name, _, domain in parts
        if ".." not in name and name == name.strip(".")
    }
    return found.pop() if len(found) == 1 else None


def _decimal(digits: str, reader: Reader) -> Decimal | None:
    signs = [char for char in digits if char in ".,"]
    plain = digits
    if signs:
        last = signs[-1]
        grouped = _GROUPS.fullmatch(digits) is not None
        if len(set(signs)) > 1:  # 1.000,50: the last one is the decimal sign
            head, _, tail = digits.rpartition(last)
            if last in head or not _GROUPS.fullmatch(head):
                return None
            plain = f"{re.sub('[.,]', '', head)}.{tail}"
        elif len(signs) > 1 or (grouped and not _decimal_sign(last, reader)):
            if not grouped:
                return None
            plain = digits.replace(last, "")
        else:
            plain = digits.replace(last, ".")
    return Decimal(plain) if len(plain.replace(".", "")) <= DIGITS_LIMIT else None


def _decimal_sign(sign: str, reader: Reader) -> bool:
    return (sign == ".") == (reader.language[:2].lower() in _POINT_LANGUAGES)
