"""Everything remembered: one module per noun, its table and verbs that say why.

Rule: a verb takes the caller's transaction and never commits; nothing here knows HTTP or WhatsApp.
"""
