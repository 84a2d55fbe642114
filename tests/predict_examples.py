"""What tests of predict start from: untrained networks, and the candidates of a pair among records of all kinds.

Importing it starts TensorFlow, on one thread.
"""

from pathlib import Path
from typing import Any

from network_examples import SETTINGS, network
from pair_examples import Pair, write_records
from varproof.commands.predict import PredictOptions, predict
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.formats.model import Architecture
from varproof.formats.training import Calibration, ClassCalibrations
from varproof.network.training import save_model

CALIBRATION = ClassCalibrations(
    substitution=Calibration(temperature=1.5, bias=0.5, positive_fraction=0.3),
    indel=Calibration(temperature=1.2, bias=-0.25, positive_fraction=0.15),
)


def write_model(path: Path, architecture: Architecture = "read-set", **card: Any) -> Path:
    """A calibrated network, untrained: what it says is arbitrary but differs between candidates."""
    model, _ = network(architecture, **{"calibration": CALIBRATION, "calibrated_on": 100} | card)
    save_model(model, path)
    return path


def write_candidates(pair: Pair) -> Path:
    """The pair's eight sites among records of all kinds."""
    lines: list[tuple[int, str]] = []
    for number, (position, ref, alt) in enumerate(pair.records()):
        filters = ("PASS", ".", "LowQual")[number % 3]
        lines.append((position, f"chr1\t{position + 1}\tsite{number}\t{ref}\t{alt}\t{10 + number}\t{filters}\tNOTE=n{number}"))
    base = pair.sequence[299]
    others = [alt for alt in "ACGT" if alt != base]
    lines += [
        (299, f"chr1\t300\ttwo\t{base}\t{others[0]},{others[1]}\t.\t.\tSCORE=1,2"),
        (300, f"chr1\t301\tpartly\t{pair.sequence[300]}\t{'G' if pair.sequence[300] != 'G' else 'A'},*\t.\tPASS\tDB"),
        (310, f"chr1\t311\tnone\t{pair.sequence[310]}\t.\t.\tPASS\t."),
        (320, f"chr1\t321\tbreakend\t{pair.sequence[320]}\t{pair.sequence[320]}[chr2:500[\t.\tPASS\t."),
        (330, f"chr1\t331\tduplication\t{pair.sequence[330]}\t<DUP>\t.\tPASS\tEND=400"),
    ]
    text = [line for _, line in sorted(lines)]
    text.append("chr2\t2030\tunknown\tN\tA\t.\tPASS\t.")
    return write_records(pair.folder / "all.vcf", [f"{line}\tGT\t0/1" for line in text], pair, samples=("tumor",))


def reads_of(pair: Pair, candidates: Path) -> dict[str, Any]:
    return {"candidates": candidates, "reference": pair.reference, "tumor": pair.tumor, "normal": pair.normal}


def write_packed(pair: Pair, candidates: Path) -> Path:
    """Tensors of the candidates, as the networks here take them."""
    path = pair.folder / "tensors.h5"
    tensorise(TensoriseOptions(**reads_of(pair, candidates), output=path, window=SETTINGS.window, depth=SETTINGS.depth))
    return path


def run(output: Path, model: Path, **options: Any) -> Path:
    predict(PredictOptions(**{"model": model, "output": output} | options))
    return output
