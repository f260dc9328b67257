"""The main door: client side, origin side, tunnel."""
