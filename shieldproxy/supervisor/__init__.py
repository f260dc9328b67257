"""One node: workers, shared memory, control, bans, signals, reload-or-keep."""
