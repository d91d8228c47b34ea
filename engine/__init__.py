"""Moves contacts through flows: a pure core, and the batches that carry it out on the store."""
