"""`tiptoe up` with small processes: a page that says it is well, and three that just stay.

Run as a script, it is what tests/tiptoe/test_up.py starts and kills. The Redis is the real one.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HERE = Path(__file__)
STAYS = "import signal; signal.pause()"


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def serve() -> None:
    HTTPServer(("127.0.0.1", int(os.environ["TIPTOE_PORT"])), Health).serve_forever()


def start() -> None:
    import click
    from rich.console import Console

    from tiptoe import embedded
    from tiptoe.cli import main
    from tiptoe.settings import Settings, load_settings

    async def seed(_settings: Settings) -> embedded.Welcome:
        return embedded.Welcome(email="demo@example.com", password="made-up")

    @click.command()
    def small() -> None:
        embedded.up(
            load_settings(os.environ),
            seed,
            Console(width=100),
            programs={
                "web": (sys.executable, "-E", str(HERE), "serve"),
                **dict.fromkeys(("engine", "gateway", "sandbox"), (sys.executable, "-SEc", STAYS)),
            },
        )

    main.add_command(small)
    main(["small"])


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else start()
