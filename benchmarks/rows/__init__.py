"""The table of targets, row by row: what each row measures, and what it found."""
