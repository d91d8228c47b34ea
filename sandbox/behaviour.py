"""How a pretend customer answers: scripts. Pure; delays are seconds of the sandbox's clock.

One rule: of a script, every rule that matches a message acts, top to bottom; a matching rule that
says `ignore` ends the reading, so what follows it does not act.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

STOP_WORD = "STOP"


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of a script: on the `nth` message received that `contains` a text, do something.

    `nth` counts from 1 over all messages to this customer (reactions left out), None is any;
    `contains` ignores case and looks into the text that the customer sees. `do`:
    reply = write `text`; tap = choose `option` (place from 0, id or title), or write `text` if the
    message has no such option; stop = write `text` or STOP; ignore = do nothing, end the script
    here; unreachable = get nothing from then on, with `after_s` 0 not even this message; block =
    get nothing more from this number; report = the same, and tell WhatsApp that it is spam, which
    weighs twice in the number's and the template's quality. Who writes again has ended the block.
    """

    do: Literal["reply", "tap", "ignore", "stop", "unreachable", "block", "report"]
    on: Literal["message"] = "message"
    nth: int | None = None
    contains: str | None = None
    after_s: float = 0
    text: str | None = None
    option: int | str | None = None

    def __post_init__(self) -> None:
        if self.do == "reply" and not self.text:
            raise ValueError("a rule that replies needs a text")
        if self.do == "tap" and self.option is None:
            raise ValueError("a rule that taps needs an option")
        if self.after_s < 0:
            raise ValueError("after_s cannot be negative")

    def as_text(self) -> str:
        """Return the rule as it is kept until it acts."""
        return msgspec.json.encode(self).decode()


def matching(script: Iterable[Rule], nth: int, text: str) -> Iterator[Rule]:
    """Yield the rules that act on the nth message of a customer."""
    for rule in script:
        if rule.nth is not None and rule.nth != nth:
            continue
        if rule.contains is not None and rule.contains.casefold() not in text.casefold():
            continue
        if rule.do == "ignore":
            return
        yield rule
