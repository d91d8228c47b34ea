"""Who is asking, and may they: sessions, keys, roles, forged requests, limits, headers."""
