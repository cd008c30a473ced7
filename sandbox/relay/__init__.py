"""The way to another OpenAlgo server whose prices are played: it is read, and never traded on."""
