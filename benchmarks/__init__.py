"""Measures shieldproxy beside its peers, on loopback only."""
