"""A pretend WhatsApp in a process of its own, with customers who wrote a moment ago.

`python -m benchmarks.whatsapp FOLDER PORT WEBHOOK PHONES CUSTOMERS`: the real sandbox. Customer
n (from 1) wrote to the number n modulo PHONES.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.outbox import wa_id_of
from sandbox.chats import open_window
from sandbox.config import SandboxConfig, utc_now
from sandbox.customers import Customer, save
from sandbox.live import Live
from sandbox.server import run
from sandbox.world import add_phone, open_world

TOKEN = "token"
PER_S = 1_000  # what WhatsApp lets large senders do
ACCOUNT = "200000000000001"


def phone_id(number: int) -> str:
    """The id of the sandbox's number of that place, from 0."""
    return f"{100000000000001 + number}"


def serve(folder: Path, port: int, webhook: str, phones: int, people: int) -> None:
    """Serve until SIGTERM."""
    config = SandboxConfig(
        data_file=folder / "sandbox.db",
        webhook_url=webhook,
        app_secret="secret",
        verify_token="word",
        access_token=TOKEN,
        phone_number_id=phone_id(0),
        display_phone_number="+39 06 5550 0000",
        waba_id=ACCOUNT,
        business_name="Measured",
        throughput_per_s=PER_S,
    )
    world = open_world(config, utc_now, Live())
    everybody = range(1, people + 1)
    with world.writing():
        for number in range(phones):
            add_phone(
                world,
                phone_number_id=phone_id(number),
                waba_id=ACCOUNT,
                display_phone_number=f"+39 06 5550 {number:04}",
                verified_name=config.business_name,
                throughput_per_s=PER_S,
            )
        save(world.memory, (Customer(wa_id=wa_id_of(one), read=False) for one in everybody))
        for one in everybody:
            open_window(world.memory, wa_id_of(one), phone_id(one % phones), world.now())
    world.memory.close()
    run(config, port=port)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
