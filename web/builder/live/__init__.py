"""The live connection of the builder: numbers that change, what others do, who is here."""
