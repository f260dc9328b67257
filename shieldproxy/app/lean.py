"""Lean: what a process of ours does not load when it starts."""

from __future__ import annotations

import sys


def leave_rich_out() -> None:
    """Load structlog without rich, which it takes along, where it is installed, for tracebacks that we draw ourselves.

    That is a quarter of all the time a worker takes to load. None in ``sys.modules`` is Python's word for a module
    that is not to be had; afterwards it is to be had again. For processes of ours alone: another program that uses
    our guard may want its own tracebacks.
    """
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]
