"""Every setting: its name in the environment, its default, what it means, what it may be.

Rule: the table `SETTINGS` is the only list of settings; the struct is filled from it, and
`docs/settings.md` is written from it. Reading changes nothing on disk.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy.exc import ArgumentError

from store.database import async_url
from tiptoe.errors import MistakeError

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
YES = ("1", "true", "yes", "on")
NO = ("0", "false", "no", "off")
HIGHEST_PORT = 65535
WHATSAPP_HOOK = "/hooks/cloud-api"
"""Where the web process takes WhatsApp's webhooks."""
SHORTEST_SECRET = 32
"""Characters; a cookie's signature must not be guessed."""


PAGE_HEAD = """\
# Settings

Tiptoe reads its settings from the environment when it starts. None is needed: `make run` works
without. A value that cannot be used stops the start with exit code 2 and a line that says what is
allowed.

| variable | default | meaning |
|---|---|---|"""


class SettingsError(MistakeError):
    """One or more settings cannot be used; the message has a line for each."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole program is told at its start. Described field by field in `SETTINGS`.

    `redis_url` is None where nobody named one: then `tiptoe up` starts a Redis of its own.
    `secret` is None until it is read or made (`tiptoe.secret`).
    """

    host: str
    port: int
    base_url: str
    data: Path
    media: Path
    database_url: str
    redis_url: str | None
    secret: str | None
    sandbox_port: int
    sandbox_url: str
    sandbox_page_url: str
    sandbox_webhook_url: str
    cloud_api_url: str
    cloud_api_version: str
    cloud_api_verify_token: str
    allow_private_webhooks: bool
    prices: Path | None
    smtp_url: str | None
    mail_from: str
    log_level: str
    log_format: str
    clock: Path | None
    kill_points: Path | None


class BadValueError(ValueError):
    """A value is not what a setting allows; the message says what is."""


class Setting(msgspec.Struct, frozen=True):
    """A row of the table.

    `default` is the text to read when the variable is not set; None leaves the field None, and a
    callable makes it of the fields above. `default_words` describe such a default in the docs.
    """

    field: str
    name: str
    default: str | Callable[[Mapping[str, Any]], str] | None
    read: Callable[[str], Any]
    what: str
    default_words: str = ""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as not set.

    Raises SettingsError that names each wrong variable, its value and what is allowed.
    """
    values: dict[str, Any] = {}
    problems = []
    for setting in SETTINGS:
        text = environ.get(setting.name, "").strip() or _default(setting, values)
        try:
            values[setting.field] = None if text is None else setting.read(text)
        except BadValueError as problem:
            problems.append(f"{setting.name}={_shown(setting, text)} cannot be used: {problem}")
            # Go on with the default, so that all problems are told at once, each one once.
            default = _default(setting, values)
            values[setting.field] = None if default is None else setting.read(default)
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(**values)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables with which another process reads exactly these settings."""
    environment = {}
    for setting in SETTINGS:
        value = getattr(settings, setting.field)
        if value is not None:
            text = str(value.absolute()) if isinstance(value, Path) else str(value)
            environment[setting.name] = text.lower() if isinstance(value, bool) else text
    return environment


def settings_page() -> str:
    """Return `docs/settings.md`."""
    lines = [PAGE_HEAD]
    for setting in SETTINGS:
        default = setting.default_words or (f"`{setting.default}`" if setting.default else "–")
        lines.append(f"| `{setting.name}` | {default} | {setting.what} |")
    return "\n".join(lines) + "\n"


def _default(setting: Setting, values: Mapping[str, Any]) -> str | None:
    return setting.default(values) if callable(setting.default) else setting.default


def _shown(setting: Setting, text: str | None) -> str:
    return "…" if setting.field in {"secret", "smtp_url"} else repr(text)


def _text(text: str) -> str:
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= HIGHEST_PORT:
        raise BadValueError(f"a port is a number from 1 to {HIGHEST_PORT}.")
    return int(text)


def _switch(text: str) -> bool:
    if text.lower() not in YES + NO:
        raise BadValueError(f"it is one of {', '.join(YES + NO)}.")
    return text.lower() in YES


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise BadValueError(f"it is one of {', '.join(words)}.")
        return text.lower()

    return read


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise BadValueError("an address begins with http:// or https:// and names a host.")
    return text.rstrip("/")


def _database(text: str) -> str:
    try:
        async_url(text)
    except (ValueError, ArgumentError) as problem:
        raise BadValueError(
            "it is sqlite:///path/to/file.db or postgresql://user:password@host/name."
        ) from problem
    return text


def _redis(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path):
        raise BadValueError("it is redis://host:6379/0, rediss://… or unix:///path/to/socket.")
    return text


def _secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        raise BadValueError(f"a secret has at least {SHORTEST_SECRET} characters.")
    return text


def _folder(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise BadValueError("it is a folder, and this is a file.")
    if not os.access(_existing(path), os.W_OK):
        raise BadValueError("it is a folder that Tiptoe may write to.")
    return path


def _file(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        raise BadValueError("it is a file, and this is a folder.")
    return path


def _existing_file(text: str) -> Path:
    path = _file(text)
    if not path.exists():
        raise BadValueError("there is no such file.")
    return path


def _mail_server(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise BadValueError("a mail server is smtp://host:587 or smtps://host.")
    return text


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
        raise BadValueError("it is an address such as tiptoe@example.com.")
    return text


def _host(address: str) -> str:
    return urlsplit(address).hostname or "localhost"


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _version(text: str) -> str:
    if not re.fullmatch(r"v\d+\.\d+", text):
        raise BadValueError("a Graph API version looks like v23.0.")
    return text


def _reached_at(values: Mapping[str, Any], port: str) -> str:
    host = str(values["host"])
    # Listening everywhere is no address to go to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{values[port] or 0}"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "host", "TIPTOE_HOST", "127.0.0.1", _text,
        "The address to listen on. `0.0.0.0` opens Tiptoe to the network: put HTTPS in front.",
    ),
    Setting("port", "TIPTOE_PORT", "8000", _port, "The port of the pages, the API and the hooks."),
    Setting(
        "base_url", "TIPTOE_BASE_URL", lambda values: _reached_at(values, "port"), _address,
        "How browsers, shops and links in messages reach Tiptoe. An `https://` address makes "
        "cookies secure.",
        "`http://` host and port",
    ),
    Setting(
        "data", "TIPTOE_DATA", "./var", _folder,
        "The folder of everything that Tiptoe keeps: database file, uploads, secret, logs.",
    ),
    Setting(
        "media", "TIPTOE_MEDIA", lambda values: f"{values['data']}/media", _folder,
        "The folder of files that customers send and that are uploaded. Web and gateway processes "
        "share it.",
        "`media` in the data folder",
    ),
    Setting(
        "database_url", "DATABASE_URL", lambda values: f"sqlite:///{values['data']}/tiptoe.db",
        _database,
        "The database: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.",
        "`tiptoe.db` in the data folder",
    ),
    Setting(
        "redis_url", "REDIS_URL", None, _redis,
        "The Redis that carries wake-up calls between processes; it keeps nothing of value. "
        "Needed by `tiptoe engine`; without it `tiptoe up` starts a private one.",
        "a private Redis",
    ),
    Setting(
        "secret", "TIPTOE_SECRET", None, _secret,
        f"Signs cookies; at least {SHORTEST_SECRET} characters, the same for all processes. "
        "A new one signs everybody out.",
        "made once, in `secret` in the data folder",
    ),
    Setting(
        "sandbox_port", "TIPTOE_SANDBOX_PORT", "8001", _port,
        "The port of the pretend WhatsApp and its phone page.",
    ),
    Setting(
        "sandbox_url",
        "TIPTOE_SANDBOX_URL",
        lambda values: _reached_at(values, "sandbox_port"),
        _address,
        "How the gateway reaches the pretend WhatsApp.",
        "`http://` host and sandbox port",
    ),
    Setting(
        "sandbox_page_url",
        "TIPTOE_SANDBOX_PAGE_URL",
        lambda values: str(values["sandbox_url"]),
        _address,
        "How browsers reach the phone page of the pretend WhatsApp.",
        "as `TIPTOE_SANDBOX_URL`",
    ),
    Setting(
        "sandbox_webhook_url",
        "TIPTOE_SANDBOX_WEBHOOK_URL",
        lambda values: _reached_at(values, "port") + WHATSAPP_HOOK,
        _address,
        "Where the pretend WhatsApp delivers messages and statuses.",
        f"`http://` host and port, then `{WHATSAPP_HOOK}`",
    ),
    Setting(
        "cloud_api_url", "TIPTOE_CLOUD_API_URL", "https://graph.facebook.com", _address,
        "The WhatsApp Cloud API that phones use, unless a phone names its own.",
    ),
    Setting(
        "cloud_api_version", "TIPTOE_CLOUD_API_VERSION", "v23.0", _version,
        "The version of that API.",
    ),
    Setting(
        "cloud_api_verify_token", "TIPTOE_CLOUD_API_VERIFY_TOKEN", "", _text,
        "The verify token that you typed into Meta's webhook form. Without it the form's check "
        "is refused.",
    ),
    Setting(
        "allow_private_webhooks", "TIPTOE_ALLOW_PRIVATE_WEBHOOKS", "false", _switch,
        "Whether webhook steps may call addresses of the private network.",
    ),
    Setting(
        "prices", "TIPTOE_PRICES", None, _existing_file,
        "A file with what WhatsApp's messages cost by your own contract, shaped like "
        "`gateway/prices/example.json`.",
        "example prices",
    ),
    Setting(
        "smtp_url", "TIPTOE_SMTP_URL", None, _mail_server,
        "The mail server that sends alerts: `smtp://user:password@host:587`, encrypted where the "
        "server offers it, or `smtps://…`.",
        "no e-mail",
    ),
    Setting(
        "mail_from", "TIPTOE_MAIL_FROM", lambda values: f"tiptoe@{_host(values['base_url'])}",
        _mail_address,
        "Whom alerts by e-mail are from.",
        "`tiptoe@` the host of `TIPTOE_BASE_URL`",
    ),
    Setting(
        "log_level", "TIPTOE_LOG_LEVEL", "info", _one_of(LOG_LEVELS),
        f"What is logged: {', '.join(LOG_LEVELS)}. `tiptoe up` shows warnings on the terminal and "
        "keeps the rest in `logs` in the data folder; with `debug` it shows all.",
    ),
    Setting(
        "log_format", "TIPTOE_LOG_FORMAT", "text", _one_of(LOG_FORMATS),
        "`text` for people, `json` for machines: one object on each line.",
    ),
    Setting(
        "clock", "TIPTOE_CLOCK", None, _file,
        "A clock file that moves the time of all processes, for demonstrations and tests.",
        "the real time",
    ),
    Setting(
        "kill_points", "TIPTOE_KILL_POINTS", None, _file,
        "Only for tests of failures: a file that names the commit at which a process dies.",
        "nobody dies",
    ),
)  # fmt: skip
"""All settings, in the order of the docs. A default may use the fields of the rows above it."""
