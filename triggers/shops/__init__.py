"""One file per shop platform: is this delivery genuine, and what does it say. PURE.

Each has `verify(raw, headers, secrets)` and `read(raw, headers, country=…)`. Rule: raw bytes in,
`ShopEvent`s out; finding contacts and carts is the engine's work.
"""
