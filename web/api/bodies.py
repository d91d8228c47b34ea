"""JSON bodies, checked against their schema before anything else.

Rule: every field that is wrong is named by its JSON pointer, all of them in one answer.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from litestar import Request

from flows.explain import Place, explain, validator_of
from web.automations.check import DOCUMENT_LIMIT, read_document
from web.shell.errors import Detail, RefusedError

MOST_DETAILS = 100  # a body of a thousand wrong contacts is told by its first hundred


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Refuse a body its handler's `opt["body"]` does not describe; runs before the handler. None at
    all is fine where `opt["body_optional"]` says so.
    """
    kind = request.route_handler.opt.get("body")
    if kind is None or request.method not in ("POST", "PUT", "PATCH"):
        return
    content_type = request.content_type[0]
    if content_type and content_type != "application/json":
        raise RefusedError(415, "Send JSON, with “Content-Type: application/json”.")
    raw = await request.body()
    if not raw and request.route_handler.opt.get("body_optional"):
        return
    if kind is dict:
        text = raw[: DOCUMENT_LIMIT + 1].decode("utf-8", errors="replace")
        document, problems = read_document(text)
        if document is None:
            raise RefusedError(400, problems[0].sentence)
        return
    if not raw.strip():
        raise RefusedError(400, "The body is empty; send JSON.")
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(400, f"The body is not JSON: {error}.") from error
    wrong = [
        Detail(pointer=one.field or "/", message=" ".join(filter(None, (one.sentence, one.todo))))
        for one in explain(_validator(kind), value, Place())
    ]
    if wrong:
        count = "1 field is" if len(wrong) == 1 else f"{len(wrong)} fields are"
        raise RefusedError(422, f"{count} not right.", details=wrong[:MOST_DETAILS])


@cache
def _validator(kind: type) -> Draft202012Validator:
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    return validator_of({**schema, "$defs": components})
