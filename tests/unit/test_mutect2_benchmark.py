"""The benchmark on Mutect2's list: which called alleles make a true variant, and what its table says of it."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # the modules import their neighbours by bare name
try:
    from haplotypes import class_of, compared
    from mutect2_table import mutect2_lines
finally:
    sys.path.remove(str(BENCHMARKS))

#           0123456789
SEQUENCE = "ACGTTGCAAC" + 40 * "G"


def counts(called: list[tuple[int, int, str]], truth: list[tuple[int, int, str]]) -> dict[str, dict[str, int]]:
    return compared([("c", *allele) for allele in called], [("c", *allele) for allele in truth], {"c": SEQUENCE})


@pytest.mark.parametrize(
    ("start", "end", "alt", "expected"),
    [
        (3, 4, "A", "SNV"), (3, 5, "AA", "MNV"), (3, 3, "A", "insertion"), (3, 5, "", "deletion"), (3, 5, "A", "replacement"),
    ],
)  # fmt: skip
def test_classes(start: int, end: int, alt: str, expected: str) -> None:
    assert class_of(("c", start, end, alt)) == expected


def test_an_mnv_is_found_however_it_is_written() -> None:
    """TT of 3 and 4 to CA: as one allele, as two SNVs, or as an inserted CA before the deleted TT."""
    truth = [(3, 5, "CA")]
    for called in ([(3, 5, "CA")], [(3, 4, "C"), (4, 5, "A")], [(3, 3, "CA"), (3, 5, "")]):
        found = counts(called, truth)
        assert found["found"] == {"MNV": 1} and found["false"] == {} and sum(found["true"].values()) == len(called)


def test_part_of_an_mnv_is_partial_and_what_is_elsewhere_is_false() -> None:
    found = counts([(3, 4, "C"), (40, 41, "T"), (4, 5, "G")], [(3, 5, "CA")])
    assert found == {"found": {"MNV": 0}, "true": {}, "partial": {"SNV": 1}, "false": {"SNV": 2}}


def test_table() -> None:
    judged = {"found": {"SNV": 9}, "true": {"SNV": 9}, "partial": {"SNV": 1}, "false": {"SNV": 1}}
    result = {
        "set": "default", "seed": 1, "cpu_seconds": {"Mutect2": 50.4}, "truth": {"SNV": 10}, "alleles": {"listed": 20},
        "listed": judged, "Mutect2": judged, "varproof": judged | {"false": {}},
    }  # fmt: skip
    lines = mutect2_lines([result, result | {"seed": 2}])
    assert "| SNV | 20 | 18 | 18 | 18 | 2 | 18 | 18 | 0 |" in lines
    assert "| all | 20 | 18 | 18 | 18 | 2 (0.100) | 18, 1.000 of the listed (≥ 0.98) | 18 | 0 (0.000) |" in lines
    assert "| 1 | 20 | 50 |" in lines
    assert not any(line.startswith("| MNV") for line in lines)
