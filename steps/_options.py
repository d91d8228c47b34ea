"""What the kinds that show options have in common: the options, their limits, the message.

Not a kind itself. Limits are WhatsApp's: reference of interactive messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from flows.content import BUTTONS_LIMIT, LIST_LIMIT, Buttons, Choices, Media, Option, Text, payload
from flows.step import Context
from flows.text import has_liquid
from steps._sending import OPTION_ID

BUTTON_LABEL = 20
ROW_LABEL = 24
DESCRIPTION = 72
FOOTER = HEADER = 60


class OptionSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing the customer can tap."""

    id: Annotated[
        str,
        Meta(
            pattern=OPTION_ID,
            title="Name in the automation",
            description="Its stable name; “stop” ends all messages",
            extra_json_schema={"x-more": True, "x-made": True},
        ),
    ]
    label: Annotated[
        str,
        Meta(
            max_length=ROW_LABEL,
            title="Label",
            description="What people see: 20 characters, in a list 24",
        ),
    ] = ""
    description: Annotated[
        str,
        Meta(
            max_length=DESCRIPTION,
            title="Second line",
            description="A second line, shown in a list",
            extra_json_schema={"x-more": True},
        ),
    ] = ""
    section: Annotated[
        str,
        Meta(
            max_length=ROW_LABEL,
            title="Heading",
            description="In a list, the heading it stands under",
            extra_json_schema={"x-more": True},
        ),
    ] = ""


Options = Annotated[
    list[OptionSetting],
    Meta(
        max_length=LIST_LIMIT,
        title="Options",
        description="Up to three are buttons, more are a list",
        extra_json_schema={"x-input": "options"},
    ),
]
ListButton = Annotated[
    str,
    Meta(
        max_length=BUTTON_LABEL,
        title="Button of the list",
        description="The button that opens the list",
        extra_json_schema={"x-more": True, "x-when": {"options": "some"}},
    ),
]
Footer = Annotated[
    str,
    Meta(
        max_length=FOOTER,
        title="Footer",
        description="A small last line under the options",
        extra_json_schema={"x-more": True},
    ),
]
Header = Annotated[
    str,
    Meta(
        max_length=HEADER,
        title="Header",
        description="A bold first line over options or a link button",
        extra_json_schema={"x-more": True},
    ),
]


def is_list(options: Sequence[OptionSetting]) -> bool:
    """Whether these are too many for buttons, or say more than a button holds."""
    return len(options) > BUTTONS_LIMIT or any(one.description or one.section for one in options)


def offered(options: Sequence[OptionSetting]) -> tuple[tuple[str, str], ...]:
    """`(id, label)` of each, as a step offers them."""
    return tuple((one.id, one.label.strip()) for one in options)


def with_options(
    ctx: Context,
    body: str,
    options: Sequence[OptionSetting],
    list_button: str,
    footer: str,
    header: str = "",
    header_media: Media | None = None,
) -> Text | Buttons | Choices:
    """The message: plain without options, else buttons or a list, bound to this run and step."""
    shown = tuple(
        Option(
            payload(ctx.run.id, ctx.step, one.id), one.label.strip(), one.description, one.section
        )
        for one in options
    )
    if not shown:
        return Text(body)
    if is_list(options):
        return Choices(body, list_button, shown, footer, header)
    return Buttons(body, shown, footer, header, header_media)


def option_problems(
    options: Sequence[OptionSetting],
    list_button: str,
    footer: str,
    header: str = "",
    *,
    link_button: bool = False,
) -> Iterator[tuple[str, str]]:
    """What is wrong with the options and what stands around them."""
    if is_list(options) and not list_button.strip():
        yield "/list_button", "The button that opens the list needs a word."
    yield from _each_problem(options, ROW_LABEL if is_list(options) else BUTTON_LABEL)
    if footer and not options and not link_button:
        yield "/footer", "Only a message with options has a footer."
    if header and not options and not link_button:
        yield "/header", "Only a message with options or a link button has a header."
    around = (("/footer", footer), ("/header", header), ("/list_button", list_button))
    for field, text in around:
        if has_liquid(text):
            yield field, "This cannot hold variables."


def _each_problem(options: Sequence[OptionSetting], limit: int) -> Iterator[tuple[str, str]]:
    ids: set[str] = set()
    labels: set[str] = set()
    for number, option in enumerate(options):
        where = f"/options/{number}"
        label = option.label.strip()
        if option.id in ids:
            yield f"{where}/id", f"Two options have the id “{option.id}”."
        if not label:
            yield f"{where}/label", "This option needs a word."
        elif label in labels:
            yield f"{where}/label", f"Two options read “{label}”."
        if len(label) > limit:
            yield f"{where}/label", f"On a button at most {limit} characters are shown."
        if has_liquid(option.label) or has_liquid(option.description):
            yield f"{where}/label", "An option cannot hold variables."
        ids.add(option.id)
        labels.add(label)
