"""Sessions that are hurt on the way, over real sockets."""
