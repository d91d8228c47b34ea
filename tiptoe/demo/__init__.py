"""A whole shop's week in a minute: the real processes, pretend customers, a moved clock.

What the customers' phones got is counted by the pretend WhatsApp and compared with what the pure
simulator says they should have got; the engine's own books are not asked.
"""
