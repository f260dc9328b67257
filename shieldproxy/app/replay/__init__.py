"""What a configuration would have done to past traffic: the guard's own code on the clock of a log."""
