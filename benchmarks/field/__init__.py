"""The field: people, floods and crowds before a node with the repository's own configuration, on loopback."""
