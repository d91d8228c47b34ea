"""Our own modules: where pages find them, and how much there is of them."""

import re
from pathlib import Path

import pytest

from tests.web.conftest import House
from web.shell.render import STATIC, scripts_at

MODULES = STATIC / "js"
IMPORTED = re.compile(r'^import .* from "(\./[^"]+|\.\./[^"]+)";$', re.MULTILINE)
LONGEST = 300  # lines of one module
ROOM = 140_000  # bytes of all modules, see decision 0024


@pytest.mark.anyio
async def test_a_page_loads_modules_from_a_folder_that_changes_with_them(house: House) -> None:
    viewer = await house.signed_in("viewer")
    page = await viewer.get("/automations")
    addresses = re.findall(r'src="(/static/js-[0-9a-f]{10}/[^"]+)"', page.text)
    assert addresses
    assert all(address.startswith(scripts_at()) for address in addresses)
    for address in addresses:
        found = await house.client().get(address)
        assert found.status_code == 200
        assert found.headers["content-type"].startswith("text/javascript")
        assert "max-age" in found.headers["cache-control"]


def test_what_modules_import_is_there() -> None:
    for module in MODULES.rglob("*.js"):
        for name in IMPORTED.findall(module.read_text()):
            assert (module.parent / name).resolve().is_file(), f"{module} imports {name}"


def test_modules_stay_small() -> None:
    sizes = {module: module.read_text() for module in MODULES.rglob("*.js")}
    assert sum(len(text.encode()) for text in sizes.values()) < ROOM
    long = [Path(module).name for module, text in sizes.items() if text.count("\n") > LONGEST]
    assert not long


@pytest.mark.anyio
async def test_large_answers_are_compressed(house: House) -> None:
    made = await house.live()
    viewer = await house.signed_in("viewer")
    page = await viewer.get(f"/automations/{made}")
    assert page.headers["content-encoding"] == "gzip"
    small = await viewer.get("/health")
    assert "content-encoding" not in small.headers
