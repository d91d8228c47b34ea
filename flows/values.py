"""What texts and conditions may name besides a run's own variables, and when it is worked out.

Rule: what is cheap is there at once; what looks at a calendar is worked out when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from flows.calendar import holiday, local, open_now, weekday
from flows.contact import Company, Contact

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Values(dict[str, Any]):
    """The values by name, and whose clock counts for days and times among them."""

    __slots__ = ("contact", "now")

    def __init__(self, variables: Mapping[str, Any], contact: Contact, now: datetime) -> None:
        super().__init__(variables)
        self.contact = contact
        self.now = now
        self["contact"] = contact.words()
        self["company"] = CompanyWords(contact.company, now)
        self["window"] = {"open": contact.window_open(now)}
        self["now"] = Now(now, contact.zone)


class _Lazy(Mapping[str, Any]):
    """Values by name, each worked out when somebody looks."""

    made: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        return self.made[name](self)

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)


class Now(_Lazy):
    """This moment. As a text it is ISO 8601 in UTC; its parts are those of the zone's clock."""

    __slots__ = ("at", "zone")
    made: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "date": lambda now: f"{now.here:%Y-%m-%d}",
        "time": lambda now: f"{now.here:%H:%M}",
        "weekday": lambda now: weekday(now.here),
        "day": lambda now: now.here.day,
        "month": lambda now: now.here.month,
        "year": lambda now: now.here.year,
        "hour": lambda now: now.here.hour,
    }

    def __init__(self, at: datetime, zone: str) -> None:
        self.at = at
        self.zone = zone

    def __str__(self) -> str:
        return self.at.isoformat()

    @property
    def here(self) -> datetime:
        """The moment on the clock of the zone."""
        return local(self.at, self.zone)


class CompanyWords(_Lazy):
    """The company, whether it is open, and what its own clock and calendar say."""

    __slots__ = ("at", "company")
    made: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "name": lambda of: of.company.name,
        "language": lambda of: of.company.language,
        "country": lambda of: of.company.country,
        "zone": lambda of: of.company.zone,
        "open": lambda of: open_now(of.company, of.at),
        "holiday": lambda of: holiday(of.company, of.here.date()),
        "date": lambda of: f"{of.here:%Y-%m-%d}",
        "time": lambda of: f"{of.here:%H:%M}",
        "weekday": lambda of: weekday(of.here),
    }

    def __init__(self, company: Company, at: datetime) -> None:
        self.company = company
        self.at = at

    def __str__(self) -> str:
        return self.company.name

    @property
    def here(self) -> datetime:
        """The moment on the company's clock."""
        return local(self.at, self.company.zone)


NAMES: Mapping[str, frozenset[str]] = {
    "contact": frozenset(Contact().words()),
    "company": frozenset(CompanyWords.made),
    "window": frozenset({"open"}),
    "now": frozenset(Now.made),
}
"""All that these four can be asked for."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "contact.consent": ("yes", "no", "unknown"),
    "contact.blocked": ("yes", "no"),
    "contact.handed_over": ("yes", "no"),
    "company.open": ("yes", "no"),
    "company.weekday": DAYS,
    "window.open": ("yes", "no"),
    "now.weekday": DAYS,
}
"""Values that can only be one of these."""
