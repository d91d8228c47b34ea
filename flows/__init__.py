"""What a flow IS: its document, its steps' and triggers' base, what can happen and be asked for.

Pure: no clock, no I/O, no randomness, nothing of ours imported from outside this package.
"""
