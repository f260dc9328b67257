"""What we remember: shared-memory bucket table, bans, spent puzzles, tallies."""
