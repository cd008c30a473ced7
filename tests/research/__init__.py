"""The room research: recordings and drills."""
