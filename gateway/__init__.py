"""Moves messages between us and WhatsApp: queued, balanced over phones, inside allowed hours.

Rule: it never decides what to say; it decides when, through which phone, and what became of it.
"""
