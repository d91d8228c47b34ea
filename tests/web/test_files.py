"""What we ship to browsers: vendored files as they were released, icons that exist, tokens."""

import hashlib
import json
import re
from collections.abc import Iterable

import pytest

from engine.kinds import catalog
from web.builder.page import MODE_STYLES
from web.builder.page import STYLES as BUILDER_STYLES
from web.shell.render import STATIC, STYLES, WEB, environment

VENDOR = STATIC / "vendor"


def test_vendored_files_are_what_vendor_json_says() -> None:
    told = json.loads((VENDOR / "vendor.json").read_text())
    files = {name: digest for one in told for name, digest in one["files"].items()}
    there = {
        str(path.relative_to(VENDOR))
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendor.json"
    }
    assert set(files) == there
    for name, digest in files.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
    for one in told:
        assert one["version"] in one["source"]
        assert any(name.endswith("LICENSE") for name in one["files"])


def test_every_icon_of_a_kind_and_of_a_page_exists() -> None:
    module = environment().get_template("shell/icons.html").module
    paths = module.paths  # type: ignore[attr-defined]
    for kind, step in catalog().steps.items():
        assert step.icon in paths, kind
    for page in WEB.rglob("*.html"):
        for name in re.findall(r'icon\("([a-z0-9-]+)"', page.read_text()):
            assert name in paths, (page.name, name)


@pytest.mark.parametrize("page", sorted(WEB.rglob("*.html")), ids=lambda page: page.name)
def test_pages_have_no_inline_script_or_style(page: object) -> None:
    text = page.read_text()  # type: ignore[attr-defined]
    assert not re.search(r"\son[a-z]+=", text)
    assert "style=" not in text
    assert "<style" not in text
    assert "hx-on" not in text
    assert "js:" not in text
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r'(src|href)="(https?:)?//', text)


def size_of(names: Iterable[str]) -> int:
    """The bytes of these style sheets."""
    return sum((STATIC / "css" / f"{name}.css").stat().st_size for name in names)


def test_pages_load_the_styles_they_need() -> None:
    """A page of tables and forms, and the builder in its heaviest mode."""
    heaviest = max(map(size_of, MODE_STYLES.values()))
    assert size_of(STYLES) <= 45_000
    assert size_of(BUILDER_STYLES) + heaviest <= 70_000


def test_styles_use_only_tokens_that_exist() -> None:
    files = list((STATIC / "css").glob("*.css"))
    tokens = set(re.findall(r"(--[a-z0-9-]+):", "".join(one.read_text() for one in files)))
    for one in files:
        used = set(re.findall(r"var\((--[a-z0-9-]+)", one.read_text()))
        assert used <= tokens, (one.name, used - tokens)
