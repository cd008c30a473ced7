"""The same actors in virtual time: whole days in seconds, every one of them repeatable."""
