"""The secret that signs cookies, made once and kept in the data folder.

Rule: only this user can read the file, and two processes that start at once agree on one secret.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from tiptoe.settings import SHORTEST_SECRET, Settings, SettingsError

SECRET_BYTES = 32


def secret_of(settings: Settings) -> str:
    """Return TIPTOE_SECRET, else the one in the data folder, made now when there is none.

    Raises SettingsError when the file holds something else.
    """
    if settings.secret is not None:
        return settings.secret
    path = settings.data / "secret"
    if not path.exists():
        _make(path)
    secret = path.read_text(errors="replace").strip()
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(f"{path} holds no secret. Remove it, or set TIPTOE_SECRET.")
    return secret


def derived(secret: str, purpose: str) -> str:
    """Return a secret of its own for `purpose`: 64 hexadecimal digits, always the same."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _make(path: Path) -> None:
    """Write a new secret whole, then give it its name unless another process was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # readable by us alone
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(SECRET_BYTES) + "\n")
    with suppress(FileExistsError):
        os.link(draft, path)
    Path(draft).unlink()
