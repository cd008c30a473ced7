"""Whole processes over loopback, in real time."""
