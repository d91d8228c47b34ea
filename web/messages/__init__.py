"""Messages as people see them: bubbles with their state and reasons in words."""
