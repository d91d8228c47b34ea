"""The one catalog of this installation: every kind in `steps/` and `triggers/`."""

from __future__ import annotations

from functools import cache

import steps
import triggers
from flows.catalog import Catalog, find_kinds
from flows.step import Step
from flows.trigger import Trigger


@cache
def catalog() -> Catalog:
    """All kinds, found on first use."""
    return Catalog(find_kinds(steps, Step), find_kinds(triggers, Trigger))
