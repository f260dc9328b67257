"""One worker: wires guard, door and their ports together; owns the clock and chance."""
