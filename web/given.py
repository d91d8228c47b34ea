"""What handlers are given beside the request: the configuration, and who asks."""

from __future__ import annotations

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from web.config import WebConfig
from web.security.who import Who

Web: TypeAlias = NamedDependency[SkipValidation[WebConfig]]
Asker: TypeAlias = NamedDependency[SkipValidation[Who]]
