"""Whether numbers are on WhatsApp, asked before somebody is written to for the first time.

Rule: each number is asked about once in weeks, and only a few each minute: asking for many that
are not there is one of the things numbers get banned for.
"""

from __future__ import annotations

import asyncio

from gateway.channel import SendError
from gateway.channels.neonize.line import Line
from gateway.host import Host
from gateway.paired.wire import Check, Checked, Refused
from store import number_checks
from store.number_checks import NumberCheck

AT_ONCE = 5.0  # a few in a row, then one every so often
ONE_EACH_S = 12.0
ANSWER_WITHIN_S = 20.0
NOT_THERE = SendError("contact", 0, "This number is not on WhatsApp.")
NO_DIGITS = SendError("contact", 0, "There is no number in this address.")
# As for a pair of people who write too fast: this contact waits, nobody else does.
SLOWLY = SendError("pair", 0, "Numbers are looked up slowly; this one waits for its turn.")


class Numbers:
    """Looks numbers up through the phones that want to write to them."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[float, float]] = {}  # by phone: how many more, seen when

    async def look_up(self, host: Host, phone_id: int, line: Line, number: str) -> str | SendError:
        """The digits that WhatsApp has for a number, or why it cannot be written to."""
        digits = "".join(char for char in number if char.isascii() and char.isdigit())
        if not digits:
            return NO_DIGITS
        async with host.database.read() as tx:
            known = await number_checks.find(tx, digits, host.clock())
        if known is None:
            if not self._permit(phone_id):
                return SLOWLY
            answer = await line.ask(lambda n: Check(n, digits), ANSWER_WITHIN_S)
            if isinstance(answer, Refused):
                # Nothing was sent, so it is safe to try again whatever happened.
                again = "temporary" if answer.meaning == "uncertain" else answer.meaning
                return SendError(again, answer.code, answer.message)
            assert isinstance(answer, Checked)  # noqa: S101 - the one answer to this question
            known = NumberCheck(digits, answer.there, answer.jid)
            async with host.database.write() as tx:
                await number_checks.remember(tx, known, host.clock())
        return _user(known.jid) or digits if known.there else NOT_THERE

    def _permit(self, phone_id: int) -> bool:
        now = asyncio.get_running_loop().time()
        left, seen = self._left.get(phone_id, (AT_ONCE, now))
        left = min(AT_ONCE, left + (now - seen) / ONE_EACH_S)
        self._left[phone_id] = (left - 1 if left >= 1 else left, now)
        return left >= 1


def _user(jid: str) -> str:
    user, _, server = jid.partition("@")
    return user if server == "s.whatsapp.net" else ""
