"""The check of timestamps: what an authority outside stamped, by openssl, so that nobody has to believe us."""

from __future__ import annotations

import subprocess
from pathlib import Path

from shieldproxy.attribution.evidence.verify import Findings
from shieldproxy.journal.manifest_log import logs_in
from shieldproxy.journal.timestamps import kept


def check_timestamps(journal: Path, authority: Path | None, found: Findings) -> None:
    """Check every timestamp in ``journal`` against the certificate ``authority``; without one they are only counted."""
    notes = [note for log in logs_in(journal) for note in kept(log)]
    if not notes:
        if authority is not None:
            found.missing.append(f"{journal}: has no timestamps")
        return
    if authority is None:
        found.told.append(f"{journal}: {len(notes)} timestamps, not checked (--tsa names their authority)")
        return
    bad = [note for note in notes if not _is_good(note, authority)]
    found.tampered += [f"{note.with_suffix('.tsr')}: is no timestamp of {note} by {authority}" for note in bad]
    found.told.append(
        f"{journal}: {len(notes) - len(bad)} timestamps by {authority}, the last over {notes[-1].stem} entries"
    )


def _is_good(note: Path, authority: Path) -> bool:
    command = ["openssl", "ts", "-verify", "-data", str(note), "-in", str(note.with_suffix(".tsr"))]
    command += ["-CAfile", str(authority)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
