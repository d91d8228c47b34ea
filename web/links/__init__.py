"""Links of ours in messages: where they lead, and who opened them."""
