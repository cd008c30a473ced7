"""The durable record: what was intended, before it was sent.

What was seen and decided, for later.
"""
