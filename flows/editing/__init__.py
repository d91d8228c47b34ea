"""Changing a flow document: what can be asked for, and the document that comes of it. PURE.

Rule: all or nothing. A list of changes gives a new document, or is refused with a sentence; the
document that was given is never touched. Steps that cannot be read are kept as they are.
"""

from __future__ import annotations

from flows.editing.apply import Edited, apply
from flows.editing.changes import Change, read_changes
from flows.editing.working import START_STEP, EditRefused

__all__ = ["START_STEP", "Change", "EditRefused", "Edited", "apply", "read_changes"]
