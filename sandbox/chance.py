"""Repeatable chance: the same seed and the same words give the same number. Pure."""

import hashlib

DRAWS = 2**64


def draw(seed: int, *words: object) -> float:
    """Return a number from 0 to below 1 that looks random and depends on the arguments only."""
    text = ":".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / DRAWS
