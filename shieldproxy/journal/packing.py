"""Packing: sealed segments are compressed with Zstandard (RFC 8878) some time after they were closed.

What was sealed are the plain bytes; whoever opens a packed segment gets those. ``zstd -dc FILE | sha256sum`` is the
digest in the manifest.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from shieldproxy.journal.open_segment import sync_directory
from shieldproxy.journal.segments import PACKED, PSEUDONYMISED, Segment, days, files_of, shifted

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# The library's own default: a ninth of the size at nearly a gigabyte a second; higher levels gain a few percent.
LEVEL = 3
OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: LEVEL,
    zstd.CompressionParameter.checksum_flag: 1,
}
PIECE = 1 << 20
# One round reads so much, about a second of one core.
MOST_BYTES = 512 << 20
# What is larger when it is unpacked goes to a file in the directory for temporary ones instead of memory.
MOST_IN_MEMORY = 256 << 20


def open_plain(path: Path) -> int:
    """Return an open file of what stands in the segment ``path``, unpacked when it is packed; raises OSError.

    Of a damaged one it holds what could be read, as of a file that was cut off.
    """
    if path.suffix != PACKED:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    packed = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with os.fdopen(packed, "rb") as source:
            plain = _nameless(_size_of(source.read(64)))
            source.seek(0)
            try:
                with zstd.ZstdFile(source) as unpacked:
                    while piece := unpacked.read(PIECE):
                        _write_all(plain, piece)
            except (zstd.ZstdError, EOFError):
                pass  # what is missing is found by whoever checks the digest or reads the last line
            except BaseException:
                os.close(plain)
                raise
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    return plain


def forms_of(path: Path) -> list[Path]:
    """Return the files in which the sealed segment with the plain name ``path`` is kept, first the one that is read."""
    replaced = path.with_name(f"{path.stem}{PSEUDONYMISED}{path.suffix}")
    names = (name.with_name(name.name + ending) for name in (replaced, path) for ending in (PACKED, ""))
    return [form for form in names if form.exists()]


def compressed(data: bytes) -> bytes:
    """Return ``data`` as it stands in a packed segment."""
    return zstd.compress(data, options=OPTIONS)


def pack(path: Path) -> Path:
    """Write the packed form of the plain segment ``path`` beside it and return its place; raises OSError.

    It was read back and compared before it got its name. ``path`` stays, for whoever is about to open it.
    """
    packed = path.with_name(path.name + PACKED)
    handle, name = tempfile.mkstemp(prefix=".packing-", dir=path.parent)
    fresh = Path(name)
    try:
        with path.open("rb") as source, os.fdopen(handle, "wb") as target:
            status = os.fstat(source.fileno())
            compressor = zstd.ZstdCompressor(options=OPTIONS)
            compressor.set_pledged_input_size(status.st_size)
            while piece := source.read(PIECE):
                target.write(compressor.compress(piece))
            target.write(compressor.flush())
            target.flush()
            os.fchmod(target.fileno(), stat.S_IMODE(status.st_mode))
            os.utime(target.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))  # by it an imported log ages
            os.fsync(target.fileno())
        if not _same(path, fresh):
            raise OSError(5, "what was packed does not read back", str(path))
        fresh.replace(packed)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
    return packed


class Packed(NamedTuple):
    """What a round did: ``segments`` were packed, which saved so many bytes."""

    segments: int = 0
    saved: int = 0
    problems: tuple[str, ...] = ()


def pack_before(journal: Path, ts: str, is_sealed: Callable[[Segment], bool]) -> Packed:
    """Pack the segments that ended before ``ts`` and ``is_sealed`` says so, about MOST_BYTES of them.

    The plain file goes one round later: whoever found it in a listing has opened it by then. Raises OSError when the
    directory cannot be listed.
    """
    found, read = Packed(), 0
    for day in days(journal):
        if day > shifted(ts, 86_400)[:10]:
            break
        files = files_of(journal, day)
        packed = {segment.name for segment in files if segment.packed}
        for segment in sorted(files):
            if segment.packed or not segment.sealed or segment.last >= ts or not is_sealed(segment):
                continue
            try:
                if segment.name + PACKED in packed:
                    segment.path.unlink()
                    continue
                if read > MOST_BYTES:
                    return found
                size = segment.path.stat().st_size
                read += size
                saved = found.saved + size - pack(segment.path).stat().st_size
                found = found._replace(segments=found.segments + 1, saved=saved)
            except FileNotFoundError:
                continue
            except OSError as error:
                problem = f"{segment.path}: cannot be packed: {error.strerror or error}"
                found = found._replace(problems=(*found.problems, problem))
    return found


def _same(plain: Path, packed: Path) -> bool:
    with plain.open("rb") as one, zstd.open(packed) as other:
        while True:
            piece = one.read(PIECE)
            if other.read(max(1, len(piece))) != piece:
                return False
            if not piece:
                return True


def _size_of(head: bytes) -> int | None:
    try:
        return zstd.get_frame_info(head).decompressed_size
    except zstd.ZstdError:
        return 0


def _nameless(size: int | None) -> int:
    """Return a new file without a name that goes when it is closed."""
    if size is not None and size <= MOST_IN_MEMORY:
        return os.memfd_create("segment", os.MFD_CLOEXEC)
    handle, name = tempfile.mkstemp(prefix="shieldproxy-")
    Path(name).unlink()
    return handle


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
