"""Log lines: how processes write them, and how `tiptoe up` shows them.

Rule: everything goes to standard error through one formatter, our own lines and the libraries'.
"""

import json
import logging
import sys
from typing import Any

import msgspec
import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
CHATTY = ("httpx", "httpcore", "aiosqlite", "alembic", "watchfiles", "uvicorn.access", "arq.worker")
"""Libraries whose information is of no use to an operator; their warnings are."""
QUIET_KEYS = frozenset({"timestamp", "level", "event", "logger", "exception", "process"})


def configure_logs(level: str, form: str, process: str) -> None:
    """Send all logging of this process to standard error.

    `level` and `form` are the settings TIPTOE_LOG_LEVEL and TIPTOE_LOG_FORMAT; `process` names the
    process on every line.
    """

    def named(_logger: Any, _method: str, event: Any) -> Any:
        event["process"] = process
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        cache_logger_on_first_use=True,
    )
    last = _json_line if form == "json" else _text_line
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=LEVELS[level], force=True)
    logging.captureWarnings(capture=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))


class Line(msgspec.Struct, frozen=True):
    """A line that a child process wrote: its severity (as in `logging`) and its text."""

    severity: int
    text: str


def read_line(raw: str, plain_severity: int = logging.WARNING) -> Line:
    """Understand a child's line. What is no JSON of ours stays as it is, at `plain_severity`."""
    try:
        event = json.loads(raw)
        return Line(LEVELS[event["level"]], _as_text(event))
    except (ValueError, TypeError, KeyError):
        return Line(plain_severity, raw)


def _json_line(_logger: Any, _method: str, event: Any) -> str:
    return json.dumps(event, default=str, ensure_ascii=False)


def _text_line(_logger: Any, _method: str, event: Any) -> str:
    return f"{event['process']} | {_as_text(event)}"


def _as_text(event: dict[str, Any]) -> str:
    at = str(event.get("timestamp", ""))
    facts = [f"{key}={value}" for key, value in event.items() if key not in QUIET_KEYS]
    text = " ".join([at[:19], event["level"], str(event["event"]), *facts])
    return f"{text}\n{event['exception']}" if event.get("exception") else text
