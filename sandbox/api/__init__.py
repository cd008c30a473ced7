"""The REST side of the paper exchange, pure: from the bytes of a call to those of its answer."""
