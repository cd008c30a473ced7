"""Shells around pure logic: each unpacks a message, asks `domain`, and sends what it decided."""
