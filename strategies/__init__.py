"""Strategy plug-ins, each one file built on `domain` only."""
