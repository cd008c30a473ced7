"""One small file per command; run.py is the door to them."""
