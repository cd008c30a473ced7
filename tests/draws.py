"""How many examples a dear property draws: fewer than the profile asks for, never more."""

from hypothesis import settings


def at_most(examples: int) -> settings:
    """Return settings for a test function."""
    return settings(max_examples=min(examples, settings().max_examples))
