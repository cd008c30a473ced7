"""Processes that are killed, parked, put to sleep and pulled by levers, in real time."""
