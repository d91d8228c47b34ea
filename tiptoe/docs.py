"""Writes the pages of docs/ that follow from the code.

`python -m tiptoe.docs` writes them, `--check` only tells which are out of date (exit code 1).
Rule: a generated page is never edited by hand; add a page by adding a row to `PAGES`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from tiptoe.docs_format import format_page
from tiptoe.docs_kinds import kinds_page
from tiptoe.settings import settings_page

ROOT = Path(__file__).resolve().parent.parent

PAGES: dict[str, Callable[[], str]] = {
    "docs/flow-format.md": format_page,
    "docs/kinds.md": kinds_page,
    "docs/settings.md": settings_page,
}
"""Path from the root, and the function that returns the page's whole text."""


def out_of_date(root: Path = ROOT) -> list[str]:
    """Return the pages whose text in the tree is not what the code says."""
    return [
        path
        for path, page in PAGES.items()
        if not (root / path).exists() or (root / path).read_text() != page()
    ]


def write(root: Path = ROOT) -> list[str]:
    """Write the pages that are out of date; return them."""
    changed = out_of_date(root)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(PAGES[path]())
    return changed


def main(arguments: list[str]) -> int:
    """Run as a script; return the exit code."""
    if "--check" in arguments:
        stale = out_of_date()
        if stale:
            sys.stderr.write(f"Out of date: {', '.join(stale)}. Run `make docs`.\n")
        return 1 if stale else 0
    for path in write():
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
