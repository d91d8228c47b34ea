"""Signed cookies and the tokens that prove a form came from our own page.

Rule: every comparison takes the same time whether it fits or not.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from http.cookies import SimpleCookie
from typing import Literal

SESSION_COOKIE = "tiptoe_session"
VISIT_COOKIE = "tiptoe_visit"  # a browser that has not signed in, so that its form has a token too
TOKEN_BYTES = 32


def new_token() -> str:
    """A random token, safe in a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def sign(secret: str, token: str) -> str:
    """`token` with its signature, for a cookie."""
    return f"{token}.{_mac(secret, 'cookie', token)}"


def unsign(secret: str, value: str | None) -> str | None:
    """The token of a cookie we signed; None for any other value."""
    token, dot, mac = (value or "").rpartition(".")
    if dot and hmac.compare_digest(mac.encode(), _mac(secret, "cookie", token).encode()):
        return token
    return None


def csrf_token(secret: str, token: str) -> str:
    """What forms of the session (or visit) with `token` have to carry."""
    return _mac(secret, "csrf", token)


def csrf_fits(secret: str, token: str, given: str | None) -> bool:
    """Whether `given` is the form token of `token`'s owner."""
    return hmac.compare_digest((given or "").encode(), csrf_token(secret, token).encode())


def set_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None,
    https: bool,
    same_site: Literal["Lax", "Strict"] = "Lax",
) -> str:
    """A Set-Cookie header: http-only, same-site, and Secure when browsers come by https."""
    cookie: SimpleCookie = SimpleCookie()
    cookie[name] = value
    morsel = cookie[name]
    morsel["path"] = "/"
    morsel["httponly"] = True
    morsel["samesite"] = same_site
    if https:
        morsel["secure"] = True
    if max_age is not None:
        morsel["max-age"] = str(max_age)
    return morsel.OutputString()


def _mac(secret: str, purpose: str, token: str) -> str:
    return hmac.new(secret.encode(), f"{purpose}:{token}".encode(), hashlib.sha256).hexdigest()
