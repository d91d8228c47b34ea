"""What a message holds: stored and read again, and shown where there are no buttons."""

from __future__ import annotations

import msgspec
import pytest

from flows.content import (
    Amount,
    Buttons,
    Card,
    Choices,
    Content,
    Day,
    LinkButton,
    Location,
    Media,
    Option,
    Template,
    TemplateButton,
    Text,
    as_numbered_text,
    as_written_link,
    files_of,
    plain,
    with_files,
)

PICTURE, CLIP = Media("image", "https://x.example/a.png"), Media("video", sha256="ab")
OPTIONS = (Option("a", "A", section="First"), Option("b", "B", "the second", "Last"))
CONTENTS: list[Content] = [
    Buttons("Well?", (Option("y", "Yes"),), "Bye", "Hello"),
    Buttons("Well?", (Option("y", "Yes"),), header_media=PICTURE),
    Choices("Which?", "Sizes", OPTIONS, header="Sizes"),
    LinkButton("New", "Look", "https://x.example", header_media=PICTURE),
    Template(
        "t",
        "en",
        ("9 €", "3 May"),
        header_location=Location(0, 0),
        typed={"1": Amount("EUR", 9000), "2": Day(2026, 5, 3, hour=9)},
        buttons=(TemplateButton(0, "flow", "x", {"size": 3}),),
        cards=(Card(PICTURE, ("1",)), Card(CLIP, ("2",))),
        header_media=CLIP,
    ),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_stored_and_read_again(content: Content) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(content))
    assert msgspec.convert(stored, Content) == content
    assert plain(content)


def test_documents_of_earlier_versions_are_read() -> None:
    buttons = {"type": "buttons", "body": "Well?", "options": [{"payload": "y", "label": "Yes"}]}
    assert msgspec.convert(buttons, Content) == Buttons("Well?", (Option("y", "Yes"),))
    template = {"type": "template", "name": "t", "language": "en", "named": {"a": "b"}}
    assert msgspec.convert(template, Content) == Template("t", "en", named={"a": "b"})


def test_without_buttons() -> None:
    shown = as_numbered_text(Choices("Which?", "Sizes", OPTIONS, "Bye", "Hello"))
    assert shown == Text("*Hello*\n\nWhich?\n\n*First*\n1. A\n*Last*\n2. B: the second\n\n_Bye_")
    assert as_numbered_text(Buttons("Well?", (Option("y", "Yes"),))) == Text("Well?\n\n1. Yes")
    link = LinkButton("New", "Look", "https://x.example")
    assert as_written_link(link) == Text("New\n\nLook: https://x.example")


@pytest.mark.parametrize(
    ("content", "files"),
    [
        (PICTURE, (PICTURE,)),
        (CONTENTS[0], ()),
        (CONTENTS[1], (PICTURE,)),
        (CONTENTS[3], (PICTURE,)),
        (CONTENTS[4], (CLIP, PICTURE, CLIP)),
        (Template("t", "en"), ()),
        (Text("Hi"), ()),
    ],
)
def test_files_of_a_message(content: Content, files: tuple[Media, ...]) -> None:
    assert files_of(content) == files
    changed = with_files(content, lambda media: Media(media.media, remote_id="77"))
    assert files_of(changed) == tuple(Media(one.media, remote_id="77") for one in files)
    assert with_files(changed, lambda media: media) == changed
