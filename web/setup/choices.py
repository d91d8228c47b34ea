"""What the first form lets people choose from: countries, languages, time zones. Pure."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from babel import Locale

LANGUAGES = ("en", "it", "de", "fr", "es", "pt", "nl", "pl", "tr", "ar", "hi", "id")
"""The ones most companies write in; any other is set later."""
ELSEWHERE = ("Etc/", "SystemV/", "US/", "posix", "right", "Brazil/", "Canada/", "Chile/", "Mexico/")


@cache
def countries() -> list[tuple[str, str]]:
    """`(ISO 3166 code, English name)`, in the order of the names."""
    found = Locale("en").territories.items()
    named = [(code, str(name)) for code, name in found if len(code) == 2 and code.isalpha()]  # noqa: PLR2004
    return sorted((one for one in named if one[0] not in _NO_COUNTRY), key=lambda one: one[1])


_NO_COUNTRY = frozenset(("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"))


@cache
def languages() -> list[tuple[str, str]]:
    """`(ISO 639 code, its name in itself)`."""
    return [(code, str(Locale(code).get_display_name()).capitalize()) for code in LANGUAGES]


@cache
def zones() -> list[str]:
    """Time zones by continent and city; those without a place are left out, but for UTC."""
    cities = {one for one in available_timezones() if "/" in one and not one.startswith(ELSEWHERE)}
    return sorted(cities | {"UTC"})
