"""Templates: what WhatsApp has approved, and what it says of the rest."""
