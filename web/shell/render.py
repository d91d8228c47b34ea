"""Pages: Jinja templates from the feature folders, with the same frame and the same words.

Rule: a template gets values, never a database; every time is shown in the company's zone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request, Response
from litestar.enums import MediaType
from markupsafe import Markup
from msgspec import Struct

from web.config import WebConfig
from web.security.who import Role, Who
from web.shell.frame import Frame, Notice

__all__ = ["Notice", "page"]

WEB = Path(__file__).parent.parent
STATIC = WEB / "static"
STYLES = (
    *("reset", "tokens", "base", "shell", "controls", "chips", "cards", "tables", "problems"),
    *("outline", "trace", "bubbles", "dialogs", "toasts", "menus", "changes", "publish"),
    *("gallery", "phones", "pages"),
)
SCRIPTS = ("theme", "dialogs", "menus")
THEMES = ("auto", "light", "dark")
COUNT_SHORTENED = 100_000  # from here on 102k, so that columns keep their width


class Place(Struct, frozen=True):
    """One entry of the main navigation."""

    name: str
    address: str
    icon: str
    role: Role


PLACES = (
    Place("Automations", "/automations", "workflow", "viewer"),
    Place("Contacts", "/contacts", "users", "agent"),
    Place("Queue", "/queue", "send", "editor"),
    Place("Templates", "/templates", "file-text", "editor"),
    Place("Phones", "/phones", "smartphone", "admin"),
    Place("Alerts", "/alerts", "bell", "editor"),
)


def page(
    request: Request[Any, Any, Any],
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    notices: Sequence[Notice] = (),
) -> Response[str]:
    """The page `template` for whoever asks; `values` are the template's own."""
    who: Who | None = request.scope.get("user")
    web: WebConfig = request.app.state["web"]
    state = request.scope.get("state", {})
    around: Frame = state.get("frame") or Frame()
    theme = request.cookies.get("theme", "auto")
    frame = {
        "who": who,
        "csrf": state.get("csrf", ""),
        "places": [one for one in PLACES if who and who.may(one.role)],
        "here": request.url.path,
        "theme": theme if theme in THEMES else "auto",
        "sandbox_url": web.sandbox_url,
        "critical": around.critical,
        "notices": [*_on_hold(who), *around.banners, *notices],
        "zone": who.zone if who else ZoneInfo("UTC"),
        "now": web.clock(),
    }
    body = environment().get_template(template).render({**frame, **values})
    return Response(body, media_type=MediaType.HTML, status_code=status)


def _on_hold(who: Who | None) -> list[Notice]:
    if who is None or not who.on_hold:
        return []
    said = f"Sending is on hold: {who.on_hold}. Messages are being kept, none is lost."
    return [Notice(said, "warn")]


@cache
def environment() -> Environment:
    """The Jinja environment; templates are addressed as `automations/list.html`."""
    env = Environment(
        loader=FileSystemLoader(WEB),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    env.globals["styles"] = style_addresses(STYLES)
    env.globals["scripts"] = script_addresses(SCRIPTS)
    env.filters["when"] = when
    env.filters["clock"] = clock
    env.filters["day"] = day
    env.filters["count"] = count
    return env


@pass_context
def when(context: Context, at: datetime | None) -> Markup:
    """`<time>` with date and time in the company's zone; today without its date."""
    if at is None:
        return Markup("–")
    local = at.astimezone(context["zone"])
    today = context["now"].astimezone(context["zone"])
    if local.date() == today.date():
        shown = f"today {local:%H:%M}"
    elif local.year == today.year:
        shown = f"{local.day} {local:%b %H:%M}"
    else:
        shown = f"{local.day} {local:%b %Y}"
    return _time(local, shown)


@pass_context
def clock(context: Context, at: datetime) -> Markup:
    """`<time>` with hours, minutes and seconds in the company's zone."""
    local = at.astimezone(context["zone"])
    return _time(local, f"{local:%H:%M:%S}")


@pass_context
def day(context: Context, at: datetime) -> str:
    """The day in the company's zone: `Mon 23 Nov 2026`."""
    local = at.astimezone(context["zone"])
    return f"{local:%a} {local.day} {local:%b %Y}"


def count(number: int) -> str:
    """A count with thousands separated, shortened from a hundred thousand on."""
    if number >= COUNT_SHORTENED:
        return f"{number // 1000:,}k"
    return f"{number:,}"


def _time(local: datetime, shown: str) -> Markup:
    full = f"{local:%a} {local.day} {local:%b %Y %H:%M:%S} ({local.tzinfo})"
    template = '<time datetime="{}" title="{}">{}</time>'
    return Markup(template).format(local.isoformat(timespec="seconds"), full, shown)  # noqa: S704


@cache
def style_addresses(names: tuple[str, ...]) -> list[str]:
    """Where these style sheets are; a page that needs others than `STYLES` hands in its own."""
    return [f"/static/css/{name}.css?v={_mark(f'css/{name}.css')}" for name in names]


@cache
def script_addresses(names: tuple[str, ...]) -> list[str]:
    """Where these modules are. What they import lies beside them."""
    return [f"{scripts_at()}/{name}.js" for name in names]


@cache
def scripts_at() -> str:
    """A folder whose name changes with any module in it: modules import each other by their plain
    names, and a browser must not put old ones and new ones together.
    """
    folder = STATIC / "js"
    files = sorted(folder.rglob("*.js"))
    content = b"".join(file.name.encode() + file.read_bytes() for file in files)
    return f"/static/js-{hashlib.sha256(content).hexdigest()[:10]}"


def _mark(path: str) -> str:
    """A few letters that change with the file, so that browsers may keep it for long."""
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:10]
