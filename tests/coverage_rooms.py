"""What `make test` has covered: lines by room, the files that are least covered, and all lines that are not.

    .venv/bin/python tests/coverage_rooms.py [--least PERCENT]

Joins what the processes of both parts left in build/coverage, prints the tables, and leaves them in build/coverage/rooms.txt
and each file's uncovered lines in build/coverage/lines.txt. With `--least`, exit status 1 where less is covered.

Compiled kernels are left out: a tracer sees none of their lines. Each has an oracle, and `make bounds` checks their indices.
Executables that tests start as processes of their own are left alone, so that they run as they do for users (some may write
no file of more than a few kB, or are killed); what only they run counts as not covered.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import coverage

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tools" / "varproof"
LEAST_COVERED = 12


class Covered(NamedTuple):
    """Lines of a file that can be run, how many of them were not, and which (ranges, as text)."""

    lines: int
    missing: int
    where: str


def covered_files(folder: Path) -> dict[str, Covered]:
    """Of each file of the package, by its name within it; joins what is in the folder."""
    measured = coverage.Coverage(config_file=ROOT / "pyproject.toml")
    measured.combine([str(folder)], strict=True)
    measured.save()
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if not path.name.endswith("_numba_fns.py"):
            _, lines, _, missing, where = measured.analysis2(str(path))
            found[path.relative_to(PACKAGE).as_posix()] = Covered(len(lines), len(missing), where)
    return found


def percent(files: list[Covered]) -> float:
    """Of the lines of all."""
    lines = sum(item.lines for item in files)
    return 100 * (1 - sum(item.missing for item in files) / lines) if lines else 100.0


def summary(files: dict[str, Covered]) -> list[str]:
    """The tables."""
    rooms = defaultdict(list)
    for name, item in files.items():
        rooms[name.rpartition("/")[0] or "."].append(item)
    rows = [("room", "lines", "not run", "covered")]
    for name, items in [*sorted(rooms.items(), key=lambda room: percent(room[1])), ("all", list(files.values()))]:
        lines, missing = (str(sum(getattr(item, key) for item in items)) for key in ("lines", "missing"))
        rows.append((name, lines, missing, f"{percent(items):.1f} %"))
    shown = [f"{name:<14} {lines:>7} {missing:>8} {share:>8}" for name, lines, missing, share in rows]
    shown += ["", "least covered:"]
    least = sorted(files.items(), key=lambda file: percent([file[1]]))[:LEAST_COVERED]
    return [*shown, *(f"  {percent([item]):5.1f} %  {name}: {item.where}" for name, item in least if item.missing)]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="What the tests have covered.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "coverage", help="what the tests left")
    parser.add_argument("--least", type=float, default=0.0, help="per cent of all lines that are to be covered")
    options = parser.parse_args()
    files = covered_files(options.folder)
    lines = summary(files)
    (options.folder / "rooms.txt").write_text("\n".join(lines) + "\n")
    missing = [f"{name}: {item.where}" for name, item in files.items() if item.missing]
    (options.folder / "lines.txt").write_text("\n".join(missing) + "\n")
    print("\n".join(["", *lines]))
    if (share := percent(list(files.values()))) < options.least:
        sys.exit(f"{share:.1f} % of the lines are covered, and {options.least:g} % are asked for: see build/coverage/lines.txt")


if __name__ == "__main__":
    main()
