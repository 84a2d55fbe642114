"""What lies in the reviewer's page of a candidate: mates found again, and no more than it may take."""

from pathlib import Path

import numpy as np
import pysam

from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import FLAGS, MATE_ABOVE
from varproof.pileup.pipeline import Samples, TensorJob, packed_chunks
from varproof.report.desk_data import CandidateFacts, fragments, packed_text

DATA = Path(__file__).resolve().parents[2] / "test-data"


def test_mates_are_found_again() -> None:
    """As read names have them, where both reads of a fragment are rows: nearly all, though names are not stored."""
    samples = Samples(DATA / "tumor.bam")
    job = TensorJob(
        DATA / "scored.vcf.gz",
        DATA / "reference.fa",
        samples,
        settings=TensorSettings(window=501, depth=1000, tracks=samples.tracks(), rows="window"),
    )
    right = wrong = 0
    contigs = ["chr1", "chr2"]
    with pysam.AlignmentFile(str(DATA / "tumor.bam")) as reads:
        for part in packed_chunks(job, 1):
            for i in range(0, part.size, 13):
                rows = slice(*part.row_offset[i : i + 2].tolist())
                start = int(part.centre[i]) - 250
                found = fragments(part.base[rows], part.rows[rows])
                names = [
                    read.query_name
                    for read in reads.fetch(contigs[part.contig[i]], max(start, 0), start + 501)
                    if not (read.is_secondary or read.is_supplementary or read.is_duplicate or read.is_qcfail)
                ]
                if len(names) != len(found):
                    continue
                for row in np.flatnonzero(part.rows[rows][:, FLAGS] & MATE_ABOVE):
                    mates = [other for other in range(row) if found[other] == found[row]]
                    good = len(mates) == 1 and names[mates[0]] == names[row]
                    right, wrong = right + good, wrong + (not good)
    assert right > 200 and wrong < 0.02 * right, (right, wrong)


def test_what_would_take_too_much_has_coarser_qualities() -> None:
    samples = Samples(DATA / "tumor.bam", DATA / "normal.bam")
    job = TensorJob(
        DATA / "scored.vcf.gz",
        DATA / "reference.fa",
        samples,
        settings=TensorSettings(window=1001, depth=1000, tracks=samples.tracks(), rows="window"),
    )
    part = next(packed_chunks(job, 1))
    facts = CandidateFacts([], [], [], [])
    quality = np.random.default_rng(0).integers(0, 42, part.quality.shape).astype(np.uint8)
    noisy = type(part)(**{**vars(part), "quality": quality})
    whole = type(part)(**{**vars(part), "quality": quality - quality % 5})
    assert packed_text(noisy, 0, None, facts) == packed_text(whole, 0, None, facts)
