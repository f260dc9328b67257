"""What we write down: decision records in segments."""
