"""The way to another OpenAlgo server."""
