"""What the send API takes and gives.

Rule: what is here is a promise, as in `web.api.shapes`; limits are WhatsApp's own.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from flows.content import (
    BODY_LIMIT,
    BODY_LIMIT_WITH_OPTIONS,
    BUTTONS_LIMIT,
    CAPTION_LIMIT,
    LIST_LIMIT,
)
from web.api.shapes import Id, MessageOut, Moment
from web.messages.story import Story

MOST_MESSAGES = 1000
MOST_CARDS = 10
Filled = Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"\S")]
Body = Annotated[str, Meta(min_length=1, max_length=BODY_LIMIT, pattern=r"\S")]
ShortBody = Annotated[str, Meta(min_length=1, max_length=BODY_LIMIT_WITH_OPTIONS, pattern=r"\S")]
Footer = Annotated[str, Meta(max_length=60)]
ButtonLabel = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"\S")]
Payload = Annotated[str, Meta(min_length=1, max_length=200, description="Comes back when tapped")]
Link = Annotated[
    str,
    Meta(
        pattern=r"^https?://\S+$",
        max_length=2000,
        description="an address such as https://example.com/mug.jpg",
    ),
]
Sha256 = Annotated[
    str,
    Meta(pattern=r"^[0-9a-f]{64}$", description="64 digits from 0 to f, as the upload answered"),
]
Category = Literal["service", "utility", "marketing", "authentication"]
PriorityName = Literal["answer", "transactional", "marketing"]


class To(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom to write to, by one of these; an address that is unknown makes a new contact."""

    phone: (
        Annotated[
            str, Meta(max_length=40, description="With +, or national of the company's country")
        ]
        | None
    ) = None
    wa_id: Annotated[str, Meta(pattern=r"^[0-9]{5,20}$", description="Digits only")] | None = None
    user_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    contact_id: Id | None = None


class MediaIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file: by its public `link`, or by the `sha256` of one that Tiptoe keeps."""

    kind: Literal["image", "video", "audio", "document", "sticker"]
    link: Link | None = None
    sha256: Sha256 | None = None
    caption: Annotated[str, Meta(max_length=CAPTION_LIMIT)] = ""
    filename: Annotated[str, Meta(max_length=240)] = ""


class TemplateButtonIn(Struct, frozen=True, forbid_unknown_fields=True):
    """What a template's button gets: the payload of a quick reply, the end of a link, a code.
    `index` counts the template's buttons from 0.
    """

    index: Annotated[int, Meta(ge=0, le=9)]
    kind: Literal["quick_reply", "url", "copy_code"]
    value: Annotated[str, Meta(min_length=1, max_length=2000)]


Buttons = Annotated[list[TemplateButtonIn], Meta(max_length=10)]
Values = Annotated[list[Filled], Meta(max_length=100)]


class CardIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One card of a carousel: its picture or video, values of its text, its buttons."""

    media: MediaIn
    body: Values = []
    buttons: Buttons = []


class TemplateIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A template by name and language, and what is filled in: `body` in the order of {{1}}, {{2}}
    …, or `named` where its variables have names.
    """

    name: Annotated[
        str,
        Meta(pattern=r"^[a-z0-9_]{1,512}$", description="small letters, digits and underscores"),
    ]
    language: Annotated[str, Meta(min_length=2, max_length=20)]
    body: Values = []
    named: Annotated[dict[Annotated[str, Meta(max_length=100)], Filled], Meta(max_length=100)] = {}
    header: Annotated[str, Meta(max_length=1024)] = ""
    header_media: MediaIn | None = None
    buttons: Buttons = []
    cards: Annotated[list[CardIn], Meta(max_length=MOST_CARDS)] = []


class ButtonIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A reply button."""

    payload: Payload
    label: ButtonLabel


class ButtonsIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text with one to three reply buttons; numbered text where a phone cannot show them."""

    body: ShortBody
    options: Annotated[list[ButtonIn], Meta(min_length=1, max_length=BUTTONS_LIMIT)]
    footer: Footer = ""


class RowIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row of a list."""

    payload: Payload
    label: Annotated[str, Meta(min_length=1, max_length=24, pattern=r"\S")]
    description: Annotated[str, Meta(max_length=72)] = ""


class ListIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text with a button that opens a list of up to ten rows."""

    body: ShortBody
    button: ButtonLabel
    options: Annotated[list[RowIn], Meta(min_length=1, max_length=LIST_LIMIT)]
    footer: Footer = ""


class LocationIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place on the map."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: Annotated[str, Meta(max_length=1000)] = ""
    address: Annotated[str, Meta(max_length=1000)] = ""


class MessageIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message: whom `to`, and exactly one of `text`, `template`, `media`, `buttons`, `list`
    and `location`.

    `category` says what a free message is (a template's own is known); marketing counts in the
    contact's budget, `over_budget` says what becomes of what does not fit. Of `priority`, the
    urgent go first; answers in a live chat are recognised anyway. `quote` is the id of a message
    in the same chat. Not sent before `send_at` (up to 7 days ahead), dropped if it could only
    leave after `expires_at`. `reference` is yours: it is kept with the message.
    """

    to: To | None = None
    text: Body | None = None
    template: TemplateIn | None = None
    media: MediaIn | None = None
    buttons: ButtonsIn | None = None
    list: ListIn | None = None
    location: LocationIn | None = None
    category: Category | None = None
    priority: PriorityName | None = None
    phone_id: Id | None = None
    quote: Id | None = None
    send_at: Moment | None = None
    expires_at: Moment | None = None
    over_budget: Literal["defer", "drop"] = "defer"
    reference: Annotated[str, Meta(max_length=200)] = ""


Many = Annotated[list[MessageIn], Meta(min_length=1, max_length=MOST_MESSAGES)]


class SendMessages(MessageIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message as in `MessageIn`; or up to 1,000 as `messages`, with nothing beside it."""

    messages: Many | None = None


class Wrong(Struct, frozen=True):
    """What is wrong with one of several messages, and where (a JSON pointer into the body)."""

    pointer: str
    message: str


class QueuedMessage(Struct, frozen=True):
    """What became of one: its `id`, or what is wrong with it."""

    id: str | None
    contact_id: str | None = None
    reference: str = ""
    errors: list[Wrong] = []


class QueuedMessages(Struct, frozen=True):
    """Taken in; the gateway sends what it can, when it may. `id` is that of a single message,
    `messages` are in the order of the request. `held` says why nothing goes out at present.
    """

    id: str | None
    accepted: int
    refused: int
    held: str
    messages: list[QueuedMessage]


class MessageFull(MessageOut, frozen=True):
    """A message with its `story`, as its page tells it: what happened when, what delayed it, why
    this phone, what the others' scores were, what went wrong and what to do.
    """

    story: Story | None = None
