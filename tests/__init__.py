"""How Sutradhar is proved: one folder per room, and the layers of tests/layers.py above them."""
