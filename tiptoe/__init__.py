"""The front door: settings, commands, and the one command that runs everything on one machine."""
