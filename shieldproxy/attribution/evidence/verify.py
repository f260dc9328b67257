"""Check a bundle of evidence: python3 verify.py [DIRECTORY] [--key FINGERPRINT]...

Needs Python 3.8 or later and openssl 3, nothing else, no network. Ends with 0 when all is intact, 1 when something was
tampered with, 2 when something is missing. The fingerprint of the key should come to you by another way than the
bundle did (telephone, letter, an earlier bundle); with --key only that key is believed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence  # noqa: UP035 - Python 3.8 is still met with

Signed = Callable[[Path, bytes, bytes], bool]
MANIFESTS, RECORDS = ("manifests.jsonl", "manifest-proofs.jsonl"), ("records.jsonl", "record-proofs.jsonl")
LOG_FILES = ("checkpoint", "public.pem", *MANIFESTS, *RECORDS)
TOP_FILES = ("README.txt", "SHA256SUMS", "SHA256SUMS.sig", "bundle.json", "signer.pem", "verify.py")


class Findings:
    """What was found: ``tampered`` and ``missing`` name the place first, ``told`` is what is good to know."""

    def __init__(self) -> None:
        self.tampered: list[str] = []
        self.missing: list[str] = []
        self.told: list[str] = []

    @property
    def code(self) -> int:
        """0 intact, 1 tampered, 2 incomplete."""
        return 1 if self.tampered else 2 if self.missing else 0


def by_openssl(pem: Path, data: bytes, signature: bytes) -> bool:
    """Tell whether ``signature`` (bytes) over ``data`` (bytes) is by the Ed25519 key in the file ``pem``."""
    with tempfile.TemporaryDirectory() as place:
        Path(place, "data").write_bytes(data)
        Path(place, "sig").write_bytes(signature)
        command = f"openssl pkeyutl -verify -pubin -rawin -in {place}/data -sigfile {place}/sig -inkey".split()
        return subprocess.run([*command, str(pem)], capture_output=True, check=False).returncode == 0  # noqa: S603


def check(bundle: Path, keys: Sequence[str] = (), signed: Signed = by_openssl) -> Findings:
    """Return the findings about the directory ``bundle``; with ``keys`` (fingerprints) only those are believed."""
    found = Findings()
    logs = sorted(path for path in (bundle / "logs").glob("*") if path.is_dir())
    wanted = [bundle / name for name in TOP_FILES]
    wanted += [log / name for log in logs or [bundle / "logs"] for name in LOG_FILES]
    found.missing += [f"{path}: is missing" for path in wanted if not path.is_file()]
    try:
        known = [fingerprint(log / "public.pem") for log in logs]
        found.told += [f"{log}: key {key}" for log, key in zip(logs, known)]  # noqa: B905 - Python 3.8
        if keys and not set(known) <= set(keys):
            found.tampered.append(f"{bundle / 'logs'}: signed with another key than the one given")
        if known and fingerprint(bundle / "signer.pem") not in (keys or known):
            found.tampered.append(f"{bundle / 'signer.pem'}: is the key of none of the logs")
        check_sums(bundle, found, signed)
        for log in logs:
            check_log(log, found, signed)
    except FileNotFoundError:
        pass  # named above
    except (ValueError, KeyError, TypeError, IndexError) as error:
        found.tampered.append(f"{bundle}: cannot be read: {error!r}")
    return found


def fingerprint(pem: Path) -> str:
    """Return the SHA-256 of the key's 32 bytes: the last of its PEM (RFC 8410)."""
    body = "".join(line for line in pem.read_text("ascii", "replace").splitlines() if not line.startswith("-"))
    return hashlib.sha256(base64.b64decode(body)[-32:]).hexdigest()


def check_log(log: Path, found: Findings, signed: Signed) -> None:
    """Signature of the checkpoint, every manifest in its tree, every record in the tree of its manifest."""
    text, _, signature = (log / "checkpoint").read_text("utf-8").partition("\n\n")
    raw = base64.b64decode(signature.split("\n")[0].split(" ")[2])[4:]
    if not signed(log / "public.pem", (text + "\n").encode(), raw):
        found.tampered.append(f"{log / 'checkpoint'}: is not signed by {log / 'public.pem'}")
    _, size, root = text.split("\n")[:3]
    manifests = {}
    for place, line, proof in pairs(log, MANIFESTS, found):
        if root_by_path(line, proof["leaf"], int(size), proof["path"]) != base64.b64decode(root):
            found.tampered.append(f"{place}: is not what the checkpoint stands for")
        manifests[proof["leaf"]] = json.loads(line)
    seen: set[tuple[int, int]] = set()
    for place, line, proof in pairs(log, RECORDS, found):
        manifest = manifests[proof["manifest"]]
        if root_by_path(line, proof["leaf"], manifest["records"], proof["path"]).hex() != manifest["merkle_root"]:
            found.tampered.append(f"{place}: is not what was sealed in {manifest['segment']}")
        if (proof["manifest"], proof["leaf"]) in seen:
            found.tampered.append(f"{place}: stands here twice")
        seen.add((proof["manifest"], proof["leaf"]))
    found.told.append(f"{log}: {len(seen)} records, {len(manifests)} manifests")


def pairs(log: Path, names: tuple[str, str], found: Findings) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield where, line and proof of each line that has both; say when one has more lines than the other."""
    place = log / names[0]
    lines, paths = place.read_bytes().splitlines(keepends=True), (log / names[1]).read_bytes().splitlines()
    for number, (line, path) in enumerate(zip(lines, paths), 1):  # noqa: B905 - Python 3.8
        yield f"{place}:{number}", line, json.loads(path)
    if len(lines) != len(paths):
        found.tampered.append(f"{place}: has {len(lines)} lines and {len(paths)} proofs")


def root_by_path(line: bytes, index: int, size: int, path: Sequence[str]) -> bytes:
    """Return the root (RFC 6962) of a tree of ``size`` leaves in which ``line`` stands at ``index``; b'' for none."""
    node, last, rest = hashlib.sha256(b"\x00" + line).digest(), size - 1, [bytes.fromhex(text) for text in path]
    fits = 0 <= index < size
    while last:
        if index & 1 or index < last:  # else the last of an odd level, carried up as it is
            sibling = rest.pop(0) if rest else b""
            node = hashlib.sha256(b"\x01" + (sibling + node if index & 1 else node + sibling)).digest()
        index, last = index >> 1, last >> 1
    return node if fits and not rest else b""


def check_sums(bundle: Path, found: Findings, signed: Signed) -> None:
    """Every file is listed in SHA256SUMS and is what it says there; the list is signed."""
    sums, pem = bundle / "SHA256SUMS", bundle / "signer.pem"
    if not signed(pem, sums.read_bytes(), (bundle / "SHA256SUMS.sig").read_bytes()):
        found.tampered.append(f"{sums}: is not signed by {pem}")
    listed = {line[66:]: line[:64] for line in sums.read_text("utf-8").splitlines()}
    there = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()} - set(TOP_FILES[1:3])
    found.missing += [f"{bundle / name}: is missing" for name in sorted(set(listed) - there)]
    for name in sorted(there):
        if hashlib.sha256((bundle / name).read_bytes()).hexdigest() != listed.get(name):
            found.tampered.append(f"{bundle / name}: was {'changed' if name in listed else 'added'}")


def main() -> int:
    """Check the directory named on the command line, by default the one this file lies in."""
    words = sys.argv[1:]
    keys = ["".join(words[at + 1].split()).lower() for at, word in enumerate(words[:-1]) if word == "--key"]
    places = [word for at, word in enumerate(words) if not word.startswith("-") and words[at - 1 : at] != ["--key"]]
    found = check(Path(places[0]) if places else Path(__file__).parent, keys)
    for word, texts in (("", found.told), ("TAMPERED ", found.tampered), ("MISSING ", found.missing)):
        sys.stdout.writelines(f"{word}{text}\n" for text in texts)
    sys.stdout.write(("intact\n", "tampered\n", "incomplete\n")[found.code])
    return found.code


if __name__ == "__main__":
    sys.exit(main())
