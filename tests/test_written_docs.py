"""What the written pages say is there: files, commands, and the example of a new kind."""

import re
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import click
import pytest

from engine.advance import advance
from engine.kinds import catalog
from flows.catalog import Catalog
from flows.contact import Contact
from flows.events import Started
from flows.run import Run
from tiptoe.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
]
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target or target.startswith("#"):
            continue
        assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page: Path) -> None:
    text = page.read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?m)(?:^|`)make ([a-z]+)\b", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for words in re.findall(r"(?m)(?:^|`|\()tiptoe ([a-z]+(?: [a-z]+(?:-[a-z]+)*)?)", text):
        assert find_command(words.split()), words


def find_command(words: list[str]) -> bool:
    command: click.Command | None = main
    for word in words:
        if not isinstance(command, click.Group):
            return True  # what follows are arguments
        command = command.commands.get(word)
    return command is not None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    roots = (
        r"(?:flows|steps|triggers|engine|gateway|sandbox|store|web|tiptoe|tests|docs|benchmarks)"
    )
    for path in re.findall(rf"(?<![\w/.]){roots}/[\w/.-]*\w", page.read_text()):
        assert (ROOT / path).exists() or path.endswith(".png"), path


def test_decisions_are_numbered_in_their_order() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, page in enumerate(pages, 1):
        assert page.name.startswith(f"{number:04}-")
        text = page.read_text()
        assert text.startswith(f"# {number}. ")
        parts = re.findall(r"(?m)^## (.+)$", text)
        assert parts == ["Context", "Decision", "Consequences"], page.name


def test_the_new_kind_of_contributing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    module = ModuleType("steps.is_tagged")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where annotations are looked up
    exec(textwrap.dedent(block), vars(module))
    kinds = {**catalog().steps, "is_tagged": module.IsTagged}
    own = Catalog(kinds, catalog().triggers)
    document = {
        "name": "Example",
        "triggers": {"api": {"type": "api"}},
        "start": "it",
        "steps": {
            "it": {"type": "is_tagged", **module.IsTagged.example, "next": {"yes": "end"}},
            "end": {"type": "end"},
        },
    }
    flow, problems = own.check(document)
    assert flow is not None
    assert problems == []
    vip = Contact(id=1, tags=frozenset({"vip"}))
    moved = advance(flow, Run(1), Started(), contact=vip, now=NOW)
    assert [visit.exit for visit in moved.trace] == ["yes", ""]
