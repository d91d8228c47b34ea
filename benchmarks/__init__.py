"""How fast the engine is, beside others that carry the same journey. README.md says how to read it.

A file with `FIGURES` is a group of figures; `contestants` are who is measured.
Rule: what is measured is the real code, as the workers run it.
"""
