"""The person or machine behind a request.

Rule: a handler learns the company from here and from nowhere else.
"""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

Role = Literal["viewer", "agent", "editor", "admin", "owner"]
ROLES: tuple[Role, ...] = ("viewer", "agent", "editor", "admin", "owner")
"""From the least to the most: each may do all that those before it may."""


class Who(Struct, frozen=True):
    """A signed-in user, or the holder of an API key (`user_id` None, `key_id` set). `on_hold` says
    why the company sends nothing at present.
    """

    company_id: int
    company: str
    zone: ZoneInfo
    language: str
    country: str
    role: Role
    name: str
    email: str = ""
    user_id: int | None = None
    key_id: int | None = None
    on_hold: str = ""

    def may(self, role: Role) -> bool:
        """Whether this one has at least `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)
