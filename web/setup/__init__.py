"""The first run: company and owner, a WhatsApp to begin with, the first automation."""
