"""The one error tree of the store.

Rule: messages say what to do; outcomes a caller expects are values, not errors.
"""

from __future__ import annotations


class StoreError(Exception):
    """Something about the memory that a person or a caller has to put right."""


class NotFoundError(StoreError):
    """A `get_*` verb was asked for something that is not there (or is another company's)."""


class InvalidError(StoreError):
    """A value that may not be stored; the message names the field and what is allowed."""
