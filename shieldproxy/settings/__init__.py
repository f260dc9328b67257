"""What we are told: config.toml becomes Settings, or every problem at once."""
