"""Dated market rules: what the exchange, the tax office and the brokers lay down, and from when."""

from domain.rules.pack import Hours, RulePack, Special

__all__ = ["Hours", "RulePack", "Special"]
