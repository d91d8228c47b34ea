"""What a channel is: how it sends, what it can tell us, and what its refusals mean.

Rule: no channel knows the queue, and nothing outside a channel knows its error codes; both sides
talk in the meanings of this page.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct

from flows.content import Content

if TYPE_CHECKING:  # a paired phone's process needs these words, and no database
    from gateway.host import Host
    from gateway.news import PhoneChanged

AddressKind = Literal["wa_id", "phone", "user_id", "lid"]

Meaning = Literal[
    "throttle",
    "pair",
    "temporary",
    "media",
    "number_in_danger",
    "number_stopped",
    "window_closed",
    "contact",
    "do_not_send",
    "metas_choice",
    "our_request",
    "template",
    "uncertain",
    "unreachable",
    "unknown",
]


class Address(Struct, frozen=True):
    """Where a message goes: digits for `wa_id` and `phone`, Meta's own id for `user_id`."""

    kind: AddressKind
    value: str


class PhoneAccess(Struct, frozen=True):
    """What a channel needs to speak for one phone. Empty address or version: the channel's own."""

    id: int
    remote_id: str
    token: str
    base_url: str = ""
    version: str = ""


class LocalFile(Struct, frozen=True):
    """A file on our disk, to be brought to a channel."""

    path: Path
    mime_type: str
    filename: str = ""


class Accepted(Struct, frozen=True):
    """WhatsApp took the message: its id there, the recipient's real `wa_id` (may be empty), and
    whether it is held back until Meta has looked at the template's quality.
    """

    channel_id: str
    wa_id: str = ""
    held: bool = False


class SendError(Struct, frozen=True):
    """The message was not taken (or, when `uncertain`, nobody knows). `code` is the channel's own
    number, 0 for none; `message` is for people.
    """

    meaning: Meaning
    code: int = 0
    message: str = ""


class Remedy(Struct, frozen=True):
    """What to do about one meaning.

    `retry_s`: seconds before each further attempt; `for_ever`: the last wait repeats, because
    nothing is wrong with the message. `phone_failure`: speaks against the phone (failure rate,
    breaker). `rest`: how long the phone stays silent; `stop_phone`: until a person looks.
    `stop_template`: nothing more with it until WhatsApp approves it again. `opt_out`: the
    contact wants no marketing. `alert`: how loudly a person is told.
    """

    retry_s: tuple[int, ...] = ()
    for_ever: bool = False
    phone_failure: bool = False
    rest: timedelta | None = None
    stop_phone: bool = False
    stop_template: bool = False
    opt_out: bool = False
    alert: Literal["", "warning", "critical"] = ""

    def retry_after(self, attempts: int) -> int | None:
        """Seconds to wait after that many attempts; None when it is enough."""
        if attempts <= len(self.retry_s):
            return self.retry_s[attempts - 1]
        return self.retry_s[-1] if self.for_ever and self.retry_s else None


NOTHING_TO_DO = Remedy()
REMEDIES: dict[Meaning, Remedy] = {
    "throttle": Remedy(retry_s=(1, 4, 16, 60), for_ever=True, rest=timedelta(seconds=2)),
    "pair": Remedy(retry_s=(4, 16, 64, 256, 1024), for_ever=True),
    "temporary": Remedy(retry_s=(5, 20, 60, 180), phone_failure=True),
    "media": Remedy(retry_s=(30, 120)),
    "number_in_danger": Remedy(
        retry_s=(60,),
        for_ever=True,
        phone_failure=True,
        rest=timedelta(hours=12),
        alert="critical",
    ),
    # Soon: another phone may take it over; where there is none the line stands still.
    "number_stopped": Remedy(retry_s=(2, 60), for_ever=True, stop_phone=True, alert="critical"),
    "window_closed": NOTHING_TO_DO,
    "contact": NOTHING_TO_DO,
    "do_not_send": Remedy(opt_out=True),
    "metas_choice": NOTHING_TO_DO,
    "our_request": NOTHING_TO_DO,
    "template": NOTHING_TO_DO,
    "uncertain": Remedy(phone_failure=True),
    "unreachable": Remedy(retry_s=(2, 5, 15, 30, 60), for_ever=True),
    "unknown": Remedy(phone_failure=True),
}
"""One list for all channels; source: Meta's error reference and what its senders do in practice."""

TIME_LOCKED = Remedy(retry_s=(60,), for_ever=True, phone_failure=True, alert="critical")
"""Code 463 of a paired phone: no chats with new people for hours to days; those it has go on."""
NO_NEW_CHATS = 463
SLOW_DOWN = Remedy(retry_s=(900, 1800, 3600), for_ever=True, rest=timedelta(minutes=15))
"""Code 429 of a paired phone: a person's number that is told to slow down rests for minutes."""
TOO_FAST = 429
STOP_TEMPLATE = Remedy(stop_template=True, alert="warning")
TEMPLATE_IS_OUT = frozenset({132001, 132015, 132016})  # missing, paused, disabled


def remedy(error: SendError) -> Remedy:
    """What to do about `error`."""
    if error.meaning == "template" and error.code in TEMPLATE_IS_OUT:
        return STOP_TEMPLATE
    if error.meaning == "number_in_danger" and error.code == NO_NEW_CHATS:
        return TIME_LOCKED
    if error.meaning == "throttle" and error.code == TOO_FAST:
        return SLOW_DOWN
    return REMEDIES[error.meaning]


class Channel(ABC):
    """How one kind of phone sends. Opened once per worker and shared by all its phones.

    `needs_window`: free-form messages need the customer's own within the last 24 hours. `paced`:
    its numbers are people's own phones, which write slowly, warm up and may be banned for haste.
    `leased`: exactly one gateway worker owns each of its phones, see `store.leases`.
    """

    needs_window: ClassVar[bool] = True
    paced: ClassVar[bool] = False
    leased: ClassVar[bool] = False

    def carries(self, kind: str) -> bool:
        """Whether it can send content of this kind (the tag of a `flows.content` struct)."""
        del kind
        return True

    def owns(self, phone_id: int) -> bool:
        """Whether this worker may send through this phone now; asked for `leased` channels."""
        del phone_id
        return True

    async def run(self, host: Host) -> None:
        """What it has to do beside sending, until it is cancelled: look after phones it owns."""
        del host

    @abstractmethod
    async def send(
        self,
        phone: PhoneAccess,
        to: Address,
        content: Content,
        *,
        reference: str,
        quoted: str = "",
    ) -> Accepted | SendError:
        """Hand one message over. `reference` is our own id, which comes back in every status;
        `quoted` the channel's id of a message to quote. Never raises for what the world does.
        """

    async def mark_read(
        self, phone: PhoneAccess, channel_id: str, *, typing: bool
    ) -> SendError | None:
        """Tell a customer that their message was read, and perhaps that an answer is being typed.
        None when that was said, or cannot be said on this channel.
        """
        del phone, channel_id, typing
        return None

    async def upload(self, phone: PhoneAccess, file: LocalFile) -> str | SendError:
        """Bring a file to the channel; its id there, empty where messages carry their files."""
        del phone, file
        return ""

    async def download(
        self, phone: PhoneAccess, remote_id: str, take: Callable[[bytes], object], limit: int
    ) -> str | SendError:
        """Fetch a customer's file of at most `limit` bytes; each part goes to `take`. Its type, as
        the channel calls it.
        """
        del phone, remote_id, take, limit
        return SendError("our_request", 0, "This channel brings files along with their message.")

    async def look(self, phone: PhoneAccess) -> PhoneChanged | SendError | None:
        """What WhatsApp says about a number now; None where it cannot be asked."""
        del phone
        return None

    @abstractmethod
    async def close(self) -> None:
        """Give connections back."""
