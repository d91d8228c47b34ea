"""Which addresses belong to the public internet. Pure.

Rule: an address that only leads to a public one from some places is not public; what users typed
never takes us into the network we stand in.
"""

from __future__ import annotations

import ipaddress

# All that the public internet of IPv6 is made of; around it are old and special ranges, some of
# which lead to addresses of IPv4. Source: IANA IPv6 Global Unicast Address Assignments.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet (also when wrapped into IPv6)."""
    parsed = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if inner:
            return is_public(str(inner))
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved
