"""What actors say to each other: facts in the past tense, commands in the imperative, and Pulse.

Every message is frozen, hashable, equal by value and able to round-trip through the journal.
"""
