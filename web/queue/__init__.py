"""The queue: what waits to be sent, who is next, and when the last one leaves."""
