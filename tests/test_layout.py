"""The layout is law: tests mirror the tree, things are small, and names say what they hold."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "shieldproxy"
NOT_MODULES = {"__init__.py", "__main__.py"}

# Modules without a test file of their own, each with the reason. An entry that is no longer needed fails a test, so
# this table only shrinks.
UNTESTED: dict[str, str] = {}

# Test files that name no module, each with the reason. An entry that is no longer needed fails a test.
ABOUT_NO_MODULE: dict[str, str] = {
    "tests/test_layout.py": "it is about the tree itself",
    "tests/test_docs.py": "it is about what people read",
    "tests/deploy/test_fronts.py": "deploy/ is no code of ours, but other programs' configuration",
    "tests/deploy/test_shipped_files.py": "deploy/ is no code of ours, but other programs' configuration",
    "tests/e2e/test_activation.py": "it is about the whole, as a service of systemd",
    "tests/e2e/test_challenge.py": "it is about the whole, as a browser meets it",
    "tests/e2e/test_new_user.py": "it is about the whole, as somebody meets it on the first day",
    "tests/e2e/test_programs.py": "it is about the whole, as programs meet it that are no browsers",
    "tests/e2e/test_reload.py": "it is about the whole, while its configuration changes",
    "tests/e2e/test_serving.py": "it is about the whole, before a real web server",
    "tests/e2e/test_slow_clients.py": "it is about the whole, as a tool for slow attacks meets it",
    "tests/e2e/test_uploads.py": "it is about the whole, as a browser sends it a form with a file",
    "tests/e2e/test_tls.py": "it is about the whole, as programs that speak TLS meet it",
    "tests/e2e/test_waiting.py": "it is about the whole, as more people meet it than there is room for",
    "tests/e2e/test_two_nodes.py": "it is about the whole, as two of it",
    "tests/e2e/test_when_parts_fail.py": "it is about the whole, when something outside of it breaks",
    "tests/e2e/test_workers.py": "it is about the whole, as several processes",
    "tests/guard/test_pages_in_chromium.py": "the pages are files, and a browser is who reads them",
    "tests/guard/test_pages_in_firefox.py": "the pages are files, and a browser is who reads them",
}

# Names under which things without a home gather.
HOMELESS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "tools", "base"}

# What stands at the top, so that a newcomer finds the two commands and nothing to trip over.
REQUIRED = {"pyproject.toml", "shieldproxy", "tests", "deploy", "config.toml", "README.md"}
ALLOWED = REQUIRED | {"CHANGELOG.md", "LICENSE", "Makefile", "docs", "benchmarks"}

# A function that does not fit a screen, or a file that cannot be read in one sitting, holds two things.
LONGEST_FUNCTION = 60
LONGEST_FUNCTION_OF_19_IN_20 = 40
LONGEST_FILE = 300


def named(path: Path) -> str:
    """Return ``path`` as the tables write it."""
    return path.relative_to(ROOT).as_posix()


def mirrored(source: Path, tests: Path) -> dict[str, str]:
    """Return the test file that each module and package of ``source`` has or would have below ``tests``."""
    places = [path for path in source.rglob("*") if path.suffix == ".py" or (path / "__init__.py").exists()]
    return {
        named(path): named(tests / path.relative_to(source).parent / f"test_{path.stem}.py")
        for path in places
        if path.name not in NOT_MODULES
    }


def modules() -> dict[str, str]:
    """Return the test file that each module of the product must have, by module."""
    return {path: test for path, test in mirrored(SOURCE, ROOT / "tests").items() if path.endswith(".py")}


def subjects() -> set[str]:
    """Return the names that test files may have: those of modules and packages, here and in benchmarks/."""
    ours = mirrored(SOURCE, ROOT / "tests").values()
    return {*ours, *mirrored(ROOT / "benchmarks", ROOT / "tests" / "benchmarks").values()}


def files_of_tests() -> list[Path]:
    """Return every test file."""
    return sorted((ROOT / "tests").rglob("test_*.py"))


def speaks_of_a_module(test: str, named_after: set[str]) -> bool:
    """Tell whether ``test`` is test_thing.py of a thing that exists, or test_thing_aspect.py beside one."""
    folder, _, name = test.rpartition("/")
    words = name.removesuffix(".py").split("_")
    return any(f"{folder}/{'_'.join(words[:count])}.py" in named_after for count in range(2, len(words) + 1))


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a module, methods and inner ones too."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of ``function`` from its name to its end, without decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def test_every_module_has_its_test_file() -> None:
    """shieldproxy/room/thing.py has tests/room/test_thing.py, unless the table says why not."""
    missing = {
        module: test for module, test in modules().items() if not (ROOT / test).exists() and module not in UNTESTED
    }
    assert not missing, "\n".join(f"{module} must have {test}" for module, test in sorted(missing.items()))


def test_every_test_file_speaks_of_a_module() -> None:
    """A test file is found where its subject is; one that is about no module says why in the table."""
    subject_names = subjects()
    lost = [
        named(test)
        for test in files_of_tests()
        if named(test) not in ABOUT_NO_MODULE and not speaks_of_a_module(named(test), subject_names)
    ]
    assert not lost, f"these name no module: {', '.join(lost)}"


def test_an_exempt_module_still_needs_it() -> None:
    """An exemption ends when the module has its tests, or is gone."""
    every = modules()
    for module in UNTESTED:
        assert module in every, f"{module} does not exist any more"
        assert not (ROOT / every[module]).exists(), f"{every[module]} exists: take {module} out of the table"


def test_an_exempt_test_still_needs_it() -> None:
    """An exemption ends when the test file names a module after all, or is gone."""
    for test in ABOUT_NO_MODULE:
        assert (ROOT / test).exists(), f"{test} does not exist any more"
        assert not speaks_of_a_module(test, subjects()), f"{test} names a module: take it out of the table"


def test_every_test_says_what_it_promises() -> None:
    """A test carries its promise as a sentence, so that a failure reads as a broken one."""
    silent = [
        f"{named(path)}:{function.lineno}: {function.name}"
        for path in files_of_tests()
        for function in functions(parsed(path))
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not silent, "\n".join(silent)


def test_files_can_be_read_in_one_sitting() -> None:
    """No file of the product is longer than three hundred lines."""
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    long = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LONGEST_FILE]
    assert not long, "\n".join(long)


def test_functions_fit_a_screen() -> None:
    """No function is longer than sixty lines, and nineteen in twenty are not longer than forty."""
    lengths = {
        f"{named(path)}:{function.name}": length(function)
        for path in SOURCE.rglob("*.py")
        for function in functions(parsed(path))
    }
    long = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LONGEST_FUNCTION]
    assert not long, "\n".join(long)
    assert sorted(lengths.values())[len(lengths) * 19 // 20] <= LONGEST_FUNCTION_OF_19_IN_20


def test_every_module_is_named_for_what_it_holds() -> None:
    """Nothing is called helpers: what has a subject has a name."""
    homeless = [path for path in mirrored(SOURCE, ROOT / "tests") if Path(path).stem in HOMELESS]
    assert not homeless, f"what are these about? {', '.join(homeless)}"


def test_every_module_says_what_it_is_about() -> None:
    """The first lines of a file are a sentence about it."""
    silent = [named(path) for path in SOURCE.rglob("*.py") if not ast.get_docstring(parsed(path))]
    assert not silent, f"these say nothing of themselves: {', '.join(silent)}"


def test_the_core_waits_for_nothing() -> None:
    """Nothing in core is asynchronous: it is handed what it needs and answers at once."""
    waiting = [
        f"{named(path)}:{node.lineno}"
        for path in (SOURCE / "core").rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert not waiting, f"these wait: {', '.join(waiting)}"


def test_the_top_holds_what_a_newcomer_needs_and_nothing_else() -> None:
    """What is kept under version control stands at its place at the top, or below something that does."""
    missing = {name for name in REQUIRED if not (ROOT / name).exists()}
    assert not missing, f"missing at the top: {', '.join(sorted(missing))}"
    if not (ROOT / ".git").exists():  # a copy without its history
        return
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    top = {line.partition("/")[0] for line in listed.splitlines()}
    stray = {name for name in top - ALLOWED if not name.startswith(".")}
    assert not stray, f"does not belong at the top: {', '.join(sorted(stray))}"
