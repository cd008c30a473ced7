"""The OpenAlgo client: the only room that knows how the wire looks."""
