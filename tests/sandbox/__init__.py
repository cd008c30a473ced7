"""The paper exchange."""
