"""Where prices come from: a synthetic chain or a recorded tape, as lines of timed events."""
