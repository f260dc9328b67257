"""A disk that is full, without filling one."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """Within it no file of this process can grow beyond ``size`` bytes: the kernel writes what fits, then refuses.

    The limit is the process's own (setrlimit(2), RLIMIT_FSIZE), so it needs no rights and no file system; Python
    ignores SIGXFSZ, so write(2) fails with EFBIG where a full disk says ENOSPC, at the same moment and as late.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
