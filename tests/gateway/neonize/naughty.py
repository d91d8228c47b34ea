"""A program that behaves as a phone's might: well, or in one of the ways in which programs fail.

Rule: it starts at once, for it imports nothing. The way is the first word of a file that a test
may change; each start adds a line to a second file.
"""

# ruff: noqa: PTH123, T201 - it imports little, and prints on purpose

import json
import os
import sys
import time

BEHAVIOUR, STARTS = sys.argv[1:3]


def say(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


with open(STARTS, "a") as starts:
    starts.write(f"{os.getpid()}\n")
with open(BEHAVIOUR) as file:
    way = file.read().strip()

if way == "dies at once":
    sys.stderr.write("a warning\npanic: assignment to entry in nil map\n\ngoroutine 1 [running]:\n")
    sys.exit(2)
say(type="state", state="connected", jid="39@s.whatsapp.net")
if way == "prints":
    print("\x1b[32mINFO\x1b[0m hello")
    print('{"type": "state"}\n{"type": "nothing"}\n[1, 2]\n\udcff', flush=True)
    sys.stdout.buffer.write(b"\xff\xfe\n")
    sys.stdout.flush()
if way == "floods":
    while True:
        sys.stdout.write("x" * 1_000_000)
if way == "is banned":
    say(type="state", state="banned", why="it wrote too much")
    sys.exit(0)
if way == "closes its output":
    os.close(1)
    time.sleep(3600)

for line in sys.stdin:
    asked = json.loads(line)
    if way == "hangs":
        time.sleep(3600)
    if asked["type"] == "say":
        if asked["content"]["body"] == "die":
            os.abort()
        if asked["content"]["body"] == "late":
            continue
        if asked["content"]["body"] == "now":  # the answer to the one before
            say(type="said", n=asked["n"] - 1, channel_id="LATE", reference="77")
        say(type="said", n=asked["n"], channel_id=f"ID-{asked['n']}")
    else:
        say(type="done", n=asked["n"])
