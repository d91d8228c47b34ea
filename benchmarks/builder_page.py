"""The builder's page in a real browser: how smoothly it moves, how soon an edit is seen, how large
it is.

Rule: frames are counted by the page itself while a mouse moves; nothing is painted by a graphics
card, so that machines without one are measured as they are.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.builder import long_document
from benchmarks.figures import CannotMeasureError, Figure, Size, at_most
from benchmarks.places import new_database

STEPS = 300
MANY = 1_000
MOVES = 90  # of the mouse, about one a frame
EDITS = 40
_WARM = 5  # edits and frames at first, which also pay for what is made once
_COUNT_FRAMES = """() => {
  const frames = [];
  let last = performance.now();
  const next = (now) => {
    frames.push(now - last);
    last = now;
    globalThis.counting = requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  globalThis.frames = frames;
}"""
_EDIT = """async (number) => {
  const done = new Promise((seen) =>
    document.addEventListener("flow:changed", seen, { once: true }));
  const began = performance.now();
  const changes = [{ do: "edit", place: "/steps/regular_1/name", value: `Edit ${number}` }];
  document.dispatchEvent(new CustomEvent("flow:send", { detail: { changes } }));
  await done;
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  return performance.now() - began;
}"""


class Measured(NamedTuple):
    """Of one automation: milliseconds that 95 of 100 frames or edits do not take longer than."""

    pan: float
    drag: float = 0
    edit: float = 0
    gz_kb: float = 0


def cut(steps: int) -> dict[str, Any]:
    """The first `steps` steps of the longest document."""
    document = json.loads(json.dumps(long_document()))
    kept = dict(list(document["steps"].items())[:steps])
    for step in kept.values():
        step["next"] = {way: to for way, to in step.get("next", {}).items() if to in kept}
    return {**document, "name": f"{steps} steps", "steps": kept}


@functools.cache
def _measure(steps: int) -> Measured:
    with _opened(cut(steps)) as page:
        box = page.locator("flow-canvas").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 80
        pan = _frames(page, (x, y), (-4, -2))
        if steps > STEPS:
            return Measured(pan)
        page.get_by_role("button", name="Zoom to 100%").click()
        head = page.locator("#cards .head").nth(1)
        page.keyboard.press("Tab")
        head.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(500)  # the view glides there
        card = head.bounding_box()
        drag = _frames(page, (card["x"] + 120, card["y"] + 20), (3, 2))
        edits = [page.evaluate(_EDIT, number) for number in range(EDITS)]
        html = page.request.get(page.url).body()
        return Measured(pan, drag, _p95(edits), len(gzip.compress(html)) / 1000)


def _frames(page: Any, start: tuple[float, float], by: tuple[float, float]) -> float:
    """Press at `start`, move on and on, let go; how long the frames took meanwhile."""
    page.mouse.move(*start)
    page.mouse.down()
    page.evaluate(_COUNT_FRAMES)
    for move in range(1, MOVES):
        page.mouse.move(start[0] + by[0] * move, start[1] + by[1] * move)
    frames = page.evaluate("() => (cancelAnimationFrame(counting), frames)")
    page.keyboard.press("Escape")
    page.mouse.up()
    return _p95(frames)


def _p95(values: list[float]) -> float:
    rest = sorted(values[_WARM:])
    return rest[int(len(rest) * 0.95)]


@contextmanager
def _opened(document: dict[str, Any]) -> Iterator[Any]:
    """The builder of `document` in a browser of its own, on a server of its own."""
    try:
        playwright = importlib.import_module("playwright.sync_api")
        houses = importlib.import_module("tests.web.test_browser")
        chromium = importlib.import_module("tests.conftest").find_chromium()
    except ImportError as missing:
        message = f"{missing.name} is not installed; it is one of the tools of development"
        raise CannotMeasureError(message) from missing
    if chromium is None:
        message = "there is no Chromium on the PATH"
        raise CannotMeasureError(message)

    async def furnish(house: Any) -> None:
        await house.automation(document)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site = houses.Site(new_database("sqlite"), port, furnish)
    site.start()
    try:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{site.address}/signin?next=/automations/1")
            page.get_by_label("E-mail").fill("owner@a.test")
            page.get_by_label("Password").fill(houses.PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.locator("flow-canvas[data-ready]").wait_for()
            page.wait_for_load_state("load")
            yield page
            browser.close()
    finally:
        site.stop()


def _of(steps: int, pick: Callable[[Measured], float]) -> Callable[[Size], float]:
    def measure(_size: Size) -> float:
        return pick(_measure(steps))

    return measure


FIGURES = (
    Figure(
        "builder_drag_p95_ms",
        "ms/frame",
        f"a card is dragged among {STEPS} steps, 95th percentile",
        _of(STEPS, lambda one: one.drag),
        at_most(34),
    ),
    Figure(
        "builder_pan_p95_ms",
        "ms/frame",
        f"the view of {STEPS} steps is panned, 95th percentile",
        _of(STEPS, lambda one: one.pan),
        at_most(34),
    ),
    Figure(
        "builder_edit_p95_ms",
        "ms",
        f"from an edit to its being seen, {STEPS} steps, 95th percentile",
        _of(STEPS, lambda one: one.edit),
        at_most(150),
    ),
    Figure(
        "builder_page_gz_kb",
        "kB",
        f"the builder's page with {STEPS} steps, gzipped",
        _of(STEPS, lambda one: one.gz_kb),
        at_most(60),
    ),
    Figure(
        "builder_pan_1000_p95_ms",
        "ms/frame",
        f"the view of {MANY:,} steps is panned, 95th percentile",
        _of(MANY, lambda one: one.pan),
        at_most(50),
    ),
)
