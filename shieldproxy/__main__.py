"""``python -m shieldproxy``: the same as the command ``shieldproxy``."""

from __future__ import annotations

from shieldproxy.cli import main

if __name__ == "__main__":
    main()
