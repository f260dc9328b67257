"""What we decide: pure functions over frozen values; no clock, no chance, no I/O."""
