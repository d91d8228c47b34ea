"""One paired phone: the program that is a linked device, in a process of its own.

Rule: it knows no database and nothing of the queue. It speaks JSON lines (`wire`) with the worker
that owns it, and it dies with it: what breaks inside the library breaks one phone.
"""
