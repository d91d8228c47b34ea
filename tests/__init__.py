"""The tests; a package so that `tests.servers` means ours and nobody else's."""
