"""How hard varproof is to break: the suite of tests/robustness with as many inputs and faults as a night allows.

    make robust
    python tests/benchmarks/robustness.py [--inputs 20000] [--faults 30]

Runs the suite and the properties of the model, adds up what was tried, and writes robustness.json and its section of
RESULTS.md. Half an hour.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tables import write_page

HERE = Path(__file__).resolve().parent
SUITE = (HERE.parent / "robustness", HERE.parent / "unit" / "test_model_properties.py")
CONTIGS = 1_000_000


def tried(inputs: int, faults: int) -> tuple[Counter[str], Counter[str], bool]:
    """(how often each thing was tried, how often it went wrong, whether all tests passed)."""
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder) / "tally"
        profile = {
            "VARPROOF_HOSTILE_INPUTS": str(inputs), "VARPROOF_FAULTS": str(faults), "VARPROOF_CONTIGS": str(CONTIGS),
            "HYPOTHESIS_PROFILE": "searching", "VARPROOF_TALLY": str(tally),
        }  # fmt: skip
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", *map(str, SUITE)]
        done = subprocess.run(command, env=os.environ | profile, cwd=HERE.parents[1])
        times, wrong = Counter[str](), Counter[str]()
        for line in tally.read_text().splitlines():
            item = json.loads(line)
            times[item["what"]] += item["tried"]
            wrong[item["what"]] += item["wrong"]
    return times, wrong, done.returncode == 0


def robustness_lines(times: Counter[str], wrong: Counter[str], passed: bool) -> list[str]:
    """The section of RESULTS.md."""
    lines = [
        "# Hard to break", "",
        "`tests/benchmarks/robustness.py`: runs of the executables on spoilt files of every kind (reads, references,",
        "candidates, calls, tables, JSON, HDF5), and under faults. Right is the complete result; or one line that says what",
        "is wrong, exit status 2 for input (130 interrupted, 137 killed), no output and nothing temporary. Wrong is anything",
        "else: a traceback, a crash, a hang, half an output, a record that is lost without a word.", "",
        "| what | tried | went wrong |", "|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {what} | {times[what]:,} | {wrong[what] or 'none'} |" for what in sorted(times, key=lambda w: -times[w])]
    if not passed:
        lines += ["", "Not all tests of the suite passed."]
    return lines


def main() -> None:
    """Run the suite and write the section."""
    parser = argparse.ArgumentParser(description="How hard varproof is to break.")
    parser.add_argument("--inputs", type=int, default=20_000, help="spoilt files")
    parser.add_argument("--faults", type=int, default=30, help="faults of each kind, for each executable")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of robustness.json and RESULTS.md")
    options = parser.parse_args()
    times, wrong, passed = tried(options.inputs, options.faults)
    page = robustness_lines(times, wrong, passed)
    (options.output / "robustness.json").write_text(json.dumps({"tried": times, "wrong": wrong, "page": page}, indent=1) + "\n")
    write_page(options.output)
    print("\n".join(page))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
