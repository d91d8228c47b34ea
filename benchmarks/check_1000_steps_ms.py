"""Checking the largest document allowed, as the builder does after each change."""

import json
from typing import Any

from benchmarks._journeys import DOCUMENT, per_second
from engine.kinds import catalog

WHAT = "decode and check a document of 1,000 steps"
UNIT = "ms"
WANTED = None
STEPS = 1_000


def measure() -> float:
    """Milliseconds for one check."""
    document = json.loads(json.dumps(long_document()))
    _, problems = catalog().check(document)
    assert [one for one in problems if one.severity == "error"] == []
    return 1_000 / per_second(lambda: catalog().check(document))


def long_document() -> dict[str, Any]:
    """The journey over and over, each copy leading to the next."""
    pattern: dict[str, dict[str, Any]] = DOCUMENT["steps"]
    copies = STEPS // len(pattern)
    steps: dict[str, Any] = {}
    for copy in range(copies):
        for name, step in pattern.items():
            leads = {way: f"{target}_{copy}" for way, target in step.get("next", {}).items()}
            steps[f"{name}_{copy}"] = step | {"next": leads}
        last = {"type": "tag", "add": ["passed"], "next": {"done": f"regular_{copy + 1}"}}
        if copy + 1 < copies:
            steps[f"end_{copy}"] = last
    steps |= {f"spare_{number}": {"type": "end"} for number in range(STEPS - len(steps))}
    return DOCUMENT | {"start": "regular_0", "steps": steps}
