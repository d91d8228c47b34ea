"""The web application: handlers, their frame, and what guards them.

Rule: `create_app` only puts things together; nothing is opened, read or written at import.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Litestar, Request, Router, route
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from store.errors import InvalidError, NotFoundError
from web.alerts import routes as alert_routes
from web.api.docs import openapi_config
from web.api.router import api_router
from web.automations import (
    gallery_routes,
    import_routes,
    lever_routes,
    list_routes,
    revision_routes,
    row_routes,
    run_routes,
)
from web.automations import routes as automation_routes
from web.builder import page as builder_page
from web.builder import panels as builder_panels
from web.builder.draft import routes as draft_routes
from web.builder.forms import routes as form_routes
from web.builder.forms import trial as form_trial
from web.builder.forms import upload as form_upload
from web.builder.live import routes as live_routes
from web.builder.results import routes as result_routes
from web.builder.simulate import routes as simulate_routes
from web.builder.versions import routes as version_routes
from web.config import WebConfig
from web.contacts import routes as contact_routes
from web.health.routes import health
from web.hooks import incoming
from web.hooks import routes as hook_routes
from web.links import routes as link_routes
from web.messages import routes as message_routes
from web.phones import adding as phone_adding
from web.phones import pairing as phone_pairing
from web.phones import routes as phone_routes
from web.queue import routes as queue_routes
from web.scenarios import routes as scenario_routes
from web.security.gate import Gate
from web.security.headers import add_headers
from web.security.limits import Limit
from web.security.operator import OperatorLimit
from web.security.who import Who
from web.setup import routes as setup_routes
from web.shell.errors import on_crash, on_http_error, on_invalid, on_not_found
from web.shell.render import STATIC, scripts_at
from web.signin.routes import SignInLimits, show_sign_in, sign_in, sign_out
from web.templates import routes as template_routes

BODY_LIMIT = 1_000_000  # bytes, unless a handler needs more
LEAST_SECRET = 32
COMPRESSED_FROM = 2_000  # bytes: a small answer would not arrive sooner
NOT_COMPRESSED = ["/live$", r"/media/"]  # a stream would wait for its end; files are packed already
STATIC_KEPT_S = 3600  # addresses of our own files change with their content
PAGES: tuple[ControllerRouterHandler, ...] = (
    *(show_sign_in, sign_in, sign_out),
    *setup_routes.HANDLERS,
    *list_routes.HANDLERS,
    *row_routes.HANDLERS,
    *gallery_routes.HANDLERS,
    *import_routes.HANDLERS,
    *automation_routes.HANDLERS,
    *builder_page.HANDLERS,
    *builder_panels.HANDLERS,
    *simulate_routes.HANDLERS,
    *draft_routes.HANDLERS,
    *lever_routes.HANDLERS,
    *revision_routes.HANDLERS,
    *run_routes.HANDLERS,
    *form_routes.HANDLERS,
    *form_trial.HANDLERS,
    *form_upload.HANDLERS,
    *result_routes.HANDLERS,
    *live_routes.HANDLERS,
    *version_routes.HANDLERS,
    *scenario_routes.HANDLERS,
    *contact_routes.HANDLERS,
    *message_routes.HANDLERS,
    *phone_routes.HANDLERS,
    *phone_adding.HANDLERS,
    *phone_pairing.HANDLERS,
    *alert_routes.HANDLERS,
    *queue_routes.HANDLERS,
    *template_routes.HANDLERS,
)


@route("/{rest:path}", http_method=["GET", "POST", "PUT", "DELETE", "PATCH"])
async def nothing_here(rest: FromPath[str]) -> None:
    """Any other address, so that its page keeps the navigation."""
    del rest
    raise NotFoundException


def create_app(web: WebConfig) -> Litestar:
    """The application for uvicorn. Raises ValueError when `web.secret` is too short."""
    if len(web.secret) < LEAST_SECRET:
        message = f"the secret that signs cookies needs at least {LEAST_SECRET} characters"
        raise ValueError(message)
    static, scripts = (
        create_static_files_router(
            path=path,
            directories=[folder],
            cache_control=CacheControlHeader(max_age=STATIC_KEPT_S, public=True),
            name=path,
            opt={"access": "machine"},
            include_in_schema=False,
        )
        for path, folder in (("/static", STATIC), (scripts_at(), STATIC / "js"))
    )
    pages = Router(
        "/",
        route_handlers=[
            *PAGES,
            *hook_routes.HANDLERS,
            *incoming.HANDLERS,
            *link_routes.HANDLERS,
            health,
            nothing_here,
        ],
        include_in_schema=False,
    )
    app = Litestar(
        route_handlers=[pages, api_router(), static, scripts],
        dependencies={
            "web": Provide(provide_web, sync_to_thread=False),
            "who": Provide(provide_who, sync_to_thread=False),
        },
        middleware=[Gate()],
        before_send=[add_headers],
        exception_handlers={
            NotFoundError: on_not_found,
            InvalidError: on_invalid,
            HTTPException: on_http_error,
            Exception: on_crash,
        },
        compression_config=CompressionConfig(
            backend="gzip",
            gzip_compress_level=5,
            minimum_size=COMPRESSED_FROM,
            exclude=NOT_COMPRESSED,
        ),
        openapi_config=openapi_config(),
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
        debug=False,
    )
    serve(app, web)
    return app


def serve(app: Litestar, web: WebConfig) -> None:
    """Let `app` answer for this house, with no tries counted yet: making an app takes much longer
    than to tell it whom it is for.
    """
    app.state["web"] = web
    app.state["sign_in_limits"] = SignInLimits(web.sign_in_tries)
    app.state["operator_limit"] = OperatorLimit()
    app.state["api_limit"] = Limit(web.api_calls_per_minute, timedelta(minutes=1))


def provide_web(request: Request[Any, Any, Any]) -> WebConfig:
    """What the process was told when it started."""
    found: WebConfig = request.app.state["web"]
    return found


def provide_who(request: Request[Any, Any, Any]) -> Who:
    """Who asks; the gate has seen to it that somebody does."""
    found: Who = request.scope["user"]
    return found
