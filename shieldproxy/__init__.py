"""shieldproxy: a reverse proxy that keeps a public-service website reachable under botnet floods."""

__version__ = "0.1.0"
