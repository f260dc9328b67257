"""What we conclude: episodes, reports, evidence."""
