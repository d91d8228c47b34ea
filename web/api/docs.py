"""The API described: OpenAPI for machines, one readable page for people, without outside loads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litestar import Request, Response, Router, get
from litestar.enums import MediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from msgspec import Struct

from web.shell.render import page

VERBS = ("get", "post", "put", "patch", "delete")
ABOUT = (
    "Send your key as “Authorization: Bearer tt_…”. Ids are strings of digits, times ISO 8601 in "
    "UTC. Lists come as {items, next}; give next as ?after= for more. Errors have one shape: "
    "{error: {code, message, details?}}, details naming each field by its JSON pointer."
)


class Parameter(Struct, frozen=True):
    """One thing a call takes beside its body."""

    name: str
    place: str
    required: bool
    description: str


class Property(Struct, frozen=True):
    """One field of a body."""

    name: str
    kind: str
    required: bool
    description: str


class Call(Struct, frozen=True):
    """One call as the page shows it."""

    verb: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: list[Property]
    status: str


@get("/openapi.json", opt={"access": "machine"}, include_in_schema=False)
async def show_openapi(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """The description machines read, open to all: it holds no secret."""
    return Response(request.app.openapi_schema.to_schema(), media_type=MediaType.JSON)


@get("/docs", opt={"access": "open"}, include_in_schema=False)
async def show_docs(request: Request[Any, Any, Any]) -> Response[Any]:
    """The page, made from the same description machines read."""
    schema = request.app.openapi_schema.to_schema()
    groups: dict[str, list[Call]] = {}
    for tag, call in _calls(schema):
        groups.setdefault(tag, []).append(call)
    return page(request, "api/docs.html", {"groups": groups, "about": ABOUT})


def openapi_config() -> OpenAPIConfig:
    """How the description is made. The framework's own place for it takes every address below its
    path, so it gets one to itself; the promised one is `show_openapi`.
    """
    return OpenAPIConfig(
        title="Tiptoe",
        version="1",
        description=ABOUT,
        components=Components(
            security_schemes={
                "apiKey": SecurityScheme(type="http", scheme="bearer"),
                "adminKey": SecurityScheme(
                    type="apiKey", name="X-Admin-Key", security_scheme_in="header"
                ),
            }
        ),
        openapi_router=Router(
            "/api/v1/schema",
            route_handlers=[],
            opt={"access": "machine"},
            include_in_schema=False,
        ),
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=True,
    )


def _calls(schema: dict[str, Any]) -> Iterator[tuple[str, Call]]:
    for path, verbs in schema["paths"].items():
        for verb in VERBS:
            told = verbs.get(verb)
            if told is None:
                continue
            yield (
                told.get("tags", ["Other"])[0],
                Call(
                    verb=verb.upper(),
                    path=path,
                    summary=told.get("summary", ""),
                    description=told.get("description", ""),
                    parameters=[
                        Parameter(
                            one["name"],
                            one["in"],
                            one.get("required", False),
                            one.get("description") or one["schema"].get("description", ""),
                        )
                        for one in told.get("parameters", [])
                    ],
                    body=list(_body(schema, told)),
                    status=next((code for code in told["responses"] if code < "300"), ""),
                ),
            )


def _body(schema: dict[str, Any], told: dict[str, Any]) -> Iterator[Property]:
    content = told.get("requestBody", {}).get("content", {})
    shape = content.get("application/json", {}).get("schema", {})
    shape = _resolved(schema, shape)
    for name, one in shape.get("properties", {}).items():
        told_one = _resolved(schema, one)
        yield Property(
            name,
            _kind(schema, one),
            name in shape.get("required", []),
            one.get("description") or told_one.get("description", ""),
        )


def _resolved(schema: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    reference = shape.get("$ref", "")
    if not reference:
        return shape
    found: dict[str, Any] = schema["components"]["schemas"][reference.rsplit("/", 1)[1]]
    return found


def _kind(schema: dict[str, Any], shape: dict[str, Any]) -> str:
    if "oneOf" in shape or "anyOf" in shape:
        kinds = [_kind(schema, one) for one in shape.get("oneOf") or shape["anyOf"]]
        return " or ".join(kind for kind in kinds if kind != "null")
    if shape.get("type") == "array":
        return f"list of {_kind(schema, shape.get('items', {}))}"
    if "$ref" in shape:
        return str(shape["$ref"].rsplit("/", 1)[1])
    kind = shape.get("type", "any")
    return (
        " or ".join(one for one in kind if one != "null") if isinstance(kind, list) else str(kind)
    )
