"""The way to the library: everything it needs is looked at before it is imported.

Rule: it never fetches anything from the network by itself, and what is missing is said in words
for a person. Nothing here may be imported by the rest of the program.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

NOT_INSTALLED = (
    "The linked-device library is not installed. In Tiptoe's folder: "
    ".venv/bin/pip install -e '.[neonize]'"
)
NO_LIBMAGIC = "The system library libmagic is missing: install libmagic1, or pip install pylibmagic"
INCOMPLETE = (
    "The linked-device library is incomplete: its part for this machine is missing. "
    "Install it again: pip install --force-reinstall neonize"
)
BROKEN = "The linked-device library cannot be loaded: {}"
_VERSION = re.compile(r'__GONEONIZE_VERSION__ = "([^"]+)"')


class UnusableError(Exception):
    """The library cannot be used here; the message says what to do."""


def load() -> None:
    """Import the library. Raises UnusableError."""
    spec = find_spec("neonize")
    if spec is None or spec.origin is None:
        raise UnusableError(NOT_INSTALLED)
    folder = Path(spec.origin).parent
    if not any(folder.glob("neonize-*")):
        raise UnusableError(INCOMPLETE)
    if find_spec("pylibmagic") is not None:
        import_module("pylibmagic")  # shows the next import where its libmagic lies
    os.environ.pop("SPHINX", None)  # with it the library is a dummy
    _forbid_download(folder)
    # It would set the root logger up by itself, for all messages of everybody.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    try:
        import_module("neonize.aioze.client")
    except ImportError as error:
        words = NO_LIBMAGIC if "libmagic" in str(error) else BROKEN.format(error)
        raise UnusableError(words) from error
    except Exception as error:
        raise UnusableError(BROKEN.format(error)) from error


def _forbid_download(folder: Path) -> None:
    """Take the place of the module with which it fetches a part that is missing or too old."""
    told = _VERSION.search((folder / "download.py").read_text())
    stand_in = ModuleType("neonize.download")

    def download() -> None:
        raise UnusableError(INCOMPLETE)

    vars(stand_in).update(__GONEONIZE_VERSION__=told[1] if told else "", download=download)
    sys.modules["neonize.download"] = stand_in
