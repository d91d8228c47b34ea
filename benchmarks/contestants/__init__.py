"""Who carries the reference journey. Each has `journeys_per_second(…)`.

Rule: each asserts at the end that every journey is done with all of its messages.
"""
