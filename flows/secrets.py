"""What of a flow opens doors elsewhere: headers and addresses of its calls. PURE.

Rule: whoever shows settings to people, or lets them out of the house, asks here. What is stored
and sent stays whole.
"""

from __future__ import annotations

import re

VEIL = "••••••••"
"""What stands for a secret: it can be replaced, but not read."""
_HARMLESS = frozenset(
    ("accept", "accept-language", "cache-control", "content-language", "content-type", "user-agent")
)
_TELLING = ("auth", "key", "pass", "secret", "sig", "token")
"""A parameter with one of these in its name is taken for a secret."""
_USER = re.compile(r"^(\w+://)[^/?#@\s]+@")
_PARAMETER = re.compile(r"(?P<lead>[?&](?P<name>[^=&#]+)=)[^&#]*")


def is_harmless(header: str) -> bool:
    """Whether the value of a header can be told to anybody."""
    return header.strip().lower() in _HARMLESS


def open_address(url: str) -> str:
    """An address without a user's name and password, and with telling parameters emptied; all else
    stays as it was written, variables too.
    """
    return _PARAMETER.sub(_emptied, _USER.sub(r"\1", url))


def _emptied(found: re.Match[str]) -> str:
    name = found["name"].lower()
    return found["lead"] if any(word in name for word in _TELLING) else found[0]
