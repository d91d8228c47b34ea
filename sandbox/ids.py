"""Made-up ids in Meta's forms. The same seed and the same order of calls give the same ids."""

import base64
import hashlib

OBJECT_ID_FLOOR = 10**14


class Ids:
    """Hands out ids; `boot` counts the sandbox's starts, so that a restart repeats none."""

    def __init__(self, seed: int, boot: int) -> None:
        self._prefix = f"{seed}:{boot}:"
        self._count = 0

    def _digest(self) -> bytes:
        self._count += 1
        return hashlib.sha256(f"{self._prefix}{self._count}".encode()).digest()

    def wamid(self, wa_id: str) -> str:
        """Return a message id; like the real ones it carries the customer's number inside."""
        inner = (
            b"\x1c\x18"
            + bytes([len(wa_id)])
            + wa_id.encode()
            + b"\x15\x02\x00\x11\x18\x12"
            + self._digest().hex()[:20].upper().encode()
            + b"\x00"
        )
        return "wamid." + base64.b64encode(inner).decode()

    def object_id(self) -> str:
        """Return the id of a template or media: a number of 15 or 16 digits."""
        number = int.from_bytes(self._digest()[:7], "big") % (9 * OBJECT_ID_FLOOR)
        return str(OBJECT_ID_FLOOR + number)

    def trace(self) -> str:
        """Return an `fbtrace_id`."""
        return "A" + base64.urlsafe_b64encode(self._digest()[:16]).decode().rstrip("=")
