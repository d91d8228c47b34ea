"""What a channel finds in the gateway worker that runs it.

Rule: only channels that own phones need any of it; sending needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from store.database import Database
from store.doorbell import Doorbell


class Host(Struct, frozen=True):
    """The worker: its database and bells, its clock (aware UTC), its name among all workers."""

    database: Database
    bell: Doorbell
    clock: Callable[[], datetime]
    name: str
