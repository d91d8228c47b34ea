"""One file per step kind: its words, its schema and its behaviour. The file's name is the kind.

Rule: a kind decides from its arguments alone; what it wants done it answers as effects.
"""
