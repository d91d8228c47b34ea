"""The server of the web process: a uvicorn that ends open streams before it waits for requests.

Rule: an event stream has no end of its own, so without this every stop would take its whole grace.
"""

from __future__ import annotations

import uvicorn
from litestar import Litestar

from web.builder.live.feeds import feeds_of


class Server(uvicorn.Server):
    """Serves the application that `web.app.create_app` made."""

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """End the streams, then stop as usual."""
        app = self.config.app
        if isinstance(app, Litestar):
            feeds_of(app).close()
        await super().shutdown(sockets)  # type: ignore[arg-type]
