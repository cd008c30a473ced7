"""The REST side of the paper exchange."""
