"""What operators see: admin API, metrics, health."""
