"""The pairing: codes to scan, or one to type, until the phone accepts or all are used up.

Rule: WhatsApp gives about six codes for one attempt; after that somebody has to ask again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from gateway.paired.wire import FromPhone, Pairing

CODES = 6
FIRST_LASTS_S, NEXT_LASTS_S = 60.0, 20.0  # how long the phone takes each
GRACE_S = 10.0  # until the next one must have come
TYPED_LASTS_S = FIRST_LASTS_S + (CODES - 1) * NEXT_LASTS_S
ASK_AGAIN = "Nobody scanned the code in time. Ask for a new code."
NO_CODE = "WhatsApp gives out no code to type right now. Try again, or scan a code instead."
log = logging.getLogger(__name__)


class Courtship:
    """One attempt. `digits`: the number to type a code on, empty to scan; `code_for` asks
    WhatsApp for such a code.
    """

    def __init__(
        self,
        say: Callable[[FromPhone], None],
        digits: str,
        code_for: Callable[[str], Awaitable[str]],
    ) -> None:
        self.say = say
        self.digits = digits
        self.code_for = code_for
        self.accepted = False
        self.over = asyncio.Event()  # it came to nothing
        self._codes = 0
        self._patience: asyncio.TimerHandle | None = None

    async def offer(self, data: str) -> None:
        """Show the next code of WhatsApp's."""
        if self.accepted or self.over.is_set():
            return
        self._codes += 1
        if self._codes > CODES:
            self.fail(ASK_AGAIN)
            return
        lasts = FIRST_LASTS_S if self._codes == 1 else NEXT_LASTS_S
        self._wait(lasts + GRACE_S)
        if not self.digits:
            self.say(Pairing("waiting_qr", qr=data, until=_in(lasts)))
        elif self._codes == 1:
            await self._ask()

    def accept(self) -> None:
        """The phone said yes; its first connection follows."""
        self.accepted = True
        if self._patience is not None:
            self._patience.cancel()
        self.say(Pairing("scanned"))

    def fail(self, why: str) -> None:
        """Give up, and say why."""
        if not self.over.is_set():
            self.say(Pairing("failed", why=why or ASK_AGAIN))
            self.over.set()

    async def _ask(self) -> None:
        try:
            code = await self.code_for(self.digits)
        except Exception as error:  # noqa: BLE001 - the library fails in many ways here
            log.warning("no code to type: %s", error)
            self.fail(NO_CODE)
            return
        self.say(Pairing("waiting_code", code=code, until=_in(TYPED_LASTS_S)))

    def _wait(self, seconds: float) -> None:
        if self._patience is not None:
            self._patience.cancel()
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(seconds, self.fail, ASK_AGAIN)


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
