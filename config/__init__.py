"""Settings, validated once, and the dated market rules, read once."""
