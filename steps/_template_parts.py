"""Parts of a template that a send step fills in: buttons, cards of a carousel, a place.

Not a kind itself. Source of the limits: the Cloud API's reference of template messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from flows.content import Card, Location, TemplateButton, payload
from flows.step import Context
from steps._sending import (
    OPTION_ID,
    Liquid,
    MediaSetting,
    Unsendable,
    media_problems,
    media_texts,
    one_line,
    render_media,
)

FALLBACK = 'give it a fallback, such as {{ contact.first_name | default: "there" }}'
FEWEST_CARDS, MOST_CARDS = 2, 10
MOST_CARD_BUTTONS = 2
ON_CARDS = ("image", "video")

Values = Annotated[
    list[Liquid],
    Meta(
        max_length=50,
        title="Variables",
        description="What fills {{1}}, {{2}} … of the body",
        extra_json_schema={"x-fills": "body"},
    ),
]


class ButtonSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one of the template's buttons is filled in with."""

    index: Annotated[int, Meta(ge=0, le=9, description="Place of the button, from 0")] = 0
    kind: Annotated[
        Literal["quick_reply", "url", "copy_code", "flow", "catalog"],
        Meta(
            description="What kind of button it is",
            extra_json_schema={
                "x-words": {
                    "quick_reply": "Quick reply",
                    "url": "Link",
                    "copy_code": "Coupon code",
                    "flow": "Form",
                    "catalog": "Catalogue",
                }
            },
        ),
    ] = "quick_reply"
    value: Annotated[
        Liquid,
        Meta(
            title="Filled with",
            description="Quick reply: the option's id (“stop” ends all messages). "
            "Link: what replaces the variable at its end. Code: the coupon. "
            "Form: a word that comes back with it. Catalogue: the product on its picture",
        ),
    ] = ""


class CardSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One card of the template's carousel."""

    media: Annotated[MediaSetting, Meta(description="Its picture or video")] = MediaSetting()
    body: Values = []
    buttons: Annotated[
        list[ButtonSetting],
        Meta(max_length=MOST_CARD_BUTTONS, description="What fills its buttons"),
    ] = []


class PlaceSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place of a header that shows a map."""

    latitude: Annotated[float, Meta(ge=-90, le=90, description="Degrees north")] = 0
    longitude: Annotated[float, Meta(ge=-180, le=180, description="Degrees east")] = 0
    name: Annotated[Liquid, Meta(description="What stands under the map")] = ""
    address: Annotated[Liquid, Meta(description="The address under the name")] = ""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Its words that may hold variables, by their path."""
        for name, text in (("name", self.name), ("address", self.address)):
            if text:
                yield f"/header_place/{name}", text

    def render(self, ctx: Context) -> Location:
        """The place with its words filled in."""
        name, address = one_line(ctx.render(self.name)), one_line(ctx.render(self.address))
        return Location(self.latitude, self.longitude, name, address)


def card_texts(cards: Sequence[CardSetting]) -> Iterator[tuple[str, str]]:
    """Every text of the cards that may hold variables, by its path."""
    for number, card in enumerate(cards):
        yield from media_texts(card.media, f"/cards/{number}/media")
        for place, text in enumerate(card.body):
            yield f"/cards/{number}/body/{place}", text
        for place, button in enumerate(card.buttons):
            yield f"/cards/{number}/buttons/{place}/value", button.value


def card_problems(cards: Sequence[CardSetting]) -> Iterator[tuple[str, str]]:
    """What is wrong with the cards of a carousel."""
    if cards and len(cards) < FEWEST_CARDS:
        yield "/cards", f"A carousel has {FEWEST_CARDS} to {MOST_CARDS} cards."
    for number, card in enumerate(cards):
        where = f"/cards/{number}"
        if card.media.media not in ON_CARDS:
            yield f"{where}/media/media", "A card shows a picture or a video."
        if card.media.sha256:
            yield from media_problems(card.media, f"{where}/media")
        if _shape(card) != _shape(cards[0]):
            said = "All cards have the same shape: the same kind of file, variables and buttons."
            yield where, said
        yield from button_problems(card.buttons, f"{where}/buttons")


def _shape(card: CardSetting) -> tuple[object, ...]:
    buttons = sorted((one.index, one.kind) for one in card.buttons)
    return card.media.media, len(card.body), *buttons


def button_problems(buttons: Sequence[ButtonSetting], where: str) -> Iterator[tuple[str, str]]:
    """What is wrong with what buttons are filled in with."""
    seen: set[int] = set()
    for number, button in enumerate(buttons):
        if button.index in seen:
            yield f"{where}/{number}/index", f"Button {button.index} is filled in twice."
        seen.add(button.index)
        named = not button.value or re.fullmatch(OPTION_ID, button.value)
        if button.kind == "quick_reply" and not named:
            said = "An option's id has letters, digits, - and _ only."
            yield f"{where}/{number}/value", said


def quick_replies(buttons: Sequence[ButtonSetting]) -> Iterator[str]:
    """The option ids of buttons that answer, in their order on the message."""
    for one in sorted(buttons, key=lambda button: button.index):
        if one.kind == "quick_reply":
            yield one.value


def fill_button(ctx: Context, button: ButtonSetting) -> TemplateButton:
    """A button filled in; a quick reply is bound to this run and step."""
    if button.kind == "quick_reply":
        value = payload(ctx.run.id, ctx.step, button.value)
    else:
        value = one_line(ctx.render(button.value))
    return TemplateButton(button.index, button.kind, value)


def fill_cards(ctx: Context, cards: Sequence[CardSetting]) -> tuple[Card, ...] | Unsendable:
    """The cards filled in, or why they cannot be sent."""
    filled: list[Card] = []
    for number, card in enumerate(cards, 1):
        media = render_media(ctx, card.media)
        if isinstance(media, Unsendable):
            return Unsendable(f"card {number}: {media.why}")
        body = tuple(one_line(ctx.render(text)) for text in card.body)
        buttons = tuple(fill_button(ctx, button) for button in card.buttons)
        sources = [*card.body, *(button.value for button in card.buttons)]
        values = [*body, *(button.value for button in buttons)]
        for source, value in zip(sources, values, strict=True):
            if not value:
                return Unsendable(f"card {number}, “{source}”, came out empty: {FALLBACK}")
        filled.append(Card(media, body, buttons))
    return tuple(filled)
