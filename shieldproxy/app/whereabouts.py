"""Whereabouts: a worker that is asked by a signal writes down where it is, even when it is stuck.

The answer is written by a handler in C (faulthandler) that needs neither the loop nor the interpreter's lock.
"""

from __future__ import annotations

import faulthandler
import re
import signal

ASK = signal.SIGUSR1
# Threads are written newest first, so the main one, in which the loop turns, is the last.
THREAD = re.compile(r"^(?:Current thread|Thread) 0x.*$", re.MULTILINE)
FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line (?P<line>\d+) in (?P<name>.*)$', re.MULTILINE)
# A line of a log, not a page of it: the innermost say what is waited for, and two more who asked for it.
MOST_FRAMES = 8


def answer_into(fd: int) -> None:
    """Answer from now on: each ASK writes the stacks of all threads into ``fd``."""
    faulthandler.register(ASK, file=fd, all_threads=True)


def whereabouts(written: str) -> str:
    """Return in one line where the main thread is, innermost call first; '' when nothing of it was written."""
    main = THREAD.split(written)[-1] if THREAD.search(written) else ""
    frames = [f"{short(found['file'])}:{found['line']} {found['name']}" for found in FRAME.finditer(main)]
    return " < ".join(frames[:MOST_FRAMES])


def short(file: str) -> str:
    """Return the last two parts of a path, which name a module for people."""
    return "/".join(file.rsplit("/", 2)[-2:])
