"""The pure core: what the agent knows and decides, without I/O, threads or an ambient clock."""
