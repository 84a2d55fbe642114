"""From reads to fragments: which reads concern a candidate, and one observation per fragment.

Overlapping mates count once: where they agree the stronger speaks, because they are copies of one molecule; where they
disagree their evidence adds up, and cancels. Insert size is combined with the reads (Varlociraptor eqs. 19 to 22).
"""

import numpy as np

from varproof.evidence.arrays import NEITHER, OTHER, FragmentArrays, Observations
from varproof.evidence.decisions import DECISIONS
from varproof.evidence.realignment_numba_fns import (
    INFORMATIVE,
    realigned_log_ratios,
    seen_by_realigning,
    segments_near,
    unmapped_log_ratio,
)
from varproof.evidence.typing_numba_fns import direct_log_ratios
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log
from varproof.reads.error_features_numba_fns import second_read_is_forward
from varproof.reads.sam import MATE_REVERSE, PAIRED, REVERSE, UNMAPPED

OUTLIER_FRAGMENTS, OUTLIER_WIDTH = DECISIONS.outlier_fragments, DECISIONS.outlier_width
LEAST_CROWD = DECISIONS.least_crowd
LEAST_THIRD, LEAST_THIRD_SHARE = DECISIONS.least_third, DECISIONS.least_third_share
SHORTEST_INSERTION_FOR_UNMAPPED = DECISIONS.shortest_insertion_for_unmapped
LEAST_UNMAPPED_LOG_RATIO = DECISIONS.least_unmapped_log_ratio
LARGEST_LOG_RATIO = DECISIONS.largest_log_ratio
LARGEST_ERROR_RATIO = DECISIONS.largest_error_ratio


@compiled
def mismatches(reads, reference, reference_start):
    """(offset (n + 1,), positions): where the aligned bases of reads without gaps differ from the reference, N included."""
    n = len(reads.start)
    offset = np.zeros(n + 1, np.int64)
    for r in range(n):
        first, last, own = _compared(reads, r, reference_start, len(reference))
        differing = 0
        for i in range(last - first):
            differing += reads.bases[own + i] != reference[first - reference_start + i]
        offset[r + 1] = offset[r] + differing
    # Filled in a second pass: an array that grows in the innermost loop makes it twelve times as slow.
    positions = np.empty(offset[n], np.int64)
    for r in range(n):
        count = offset[r]
        if offset[r + 1] == count:
            continue
        first, last, own = _compared(reads, r, reference_start, len(reference))
        for i in range(last - first):
            if reads.bases[own + i] != reference[first - reference_start + i]:
                positions[count] = first + i
                count += 1
    return offset, positions


@compiled
def _compared(reads, r, reference_start, reference_length):
    """(first, last, place of the first's base in `reads.bases`): positions at which a read is compared; none if it has gaps.

    An alignment may reach over a contig's end.
    """
    if reads.gapped[r] or (reads.flag[r] & UNMAPPED) != 0:
        return 0, 0, 0
    first, last = max(reads.start[r], reference_start), min(reads.end[r], reference_start + reference_length)
    return first, last, reads.base_offset[r] + reads.clip_left[r] + first - reads.start[r]


@compiled
def shown_by_several(reads, listed, reference_start):
    """`listed` (bases as bits, per position) without those that fewer than LEAST_CROWD reads show."""
    count = np.zeros((len(listed), 4), np.int64)
    for r in range(len(reads.start)):
        for i in range(reads.mismatch_offset[r], reads.mismatch_offset[r + 1]):
            place = reads.mismatch[i]
            base = reads.bases[reads.base_offset[r] + reads.clip_left[r] + place - reads.start[r]]
            if base < 4 and (listed[place - reference_start] >> base) & 1:
                count[place - reference_start, base] += 1
    out = np.zeros(len(listed), np.uint8)
    for place in range(len(listed)):
        for base in range(4):
            if count[place, base] >= LEAST_CROWD:
                out[place] |= 1 << base
    return out


@compiled
def paired_fragments(reads, fragments):
    """`FragmentArrays`: every fragment's mapping quality and orientation, and the pairs that point towards each other."""
    low_of, high_of = np.full(fragments, -1, np.int64), np.full(fragments, -1, np.int64)
    mapq_of, orientation_of = np.full(fragments, 60, np.int64), np.full(fragments, 2, np.int64)
    for r in range(len(reads.start)):
        flag = reads.flag[r]
        if flag & UNMAPPED:
            continue
        f = reads.fragment[r]
        mapq_of[f] = min(mapq_of[f], reads.mapq[r])
        orientation_of[f] = 1 if second_read_is_forward(flag) else 0
        if flag & PAIRED:
            if flag & REVERSE:
                high_of[f] = reads.high[r]
            else:
                low_of[f] = reads.low[r]
    count = 0
    chosen = np.empty(fragments, np.int64)
    for f in range(fragments):
        if low_of[f] >= 0 and high_of[f] > low_of[f]:
            chosen[count] = f
            count += 1
        else:
            low_of[f], high_of[f] = -1, -1
    chosen = chosen[:count]
    chosen = chosen[np.argsort(low_of[chosen], kind="mergesort")]
    return FragmentArrays(low_of[chosen], high_of[chosen], chosen, low_of, high_of, mapq_of, orientation_of)


@compiled
def log_insert_size(length, mean, sd):
    """Ln density of a fragment's length: Gaussian, with a few outliers of any length within OUTLIER_WIDTH sd."""
    z = (length - mean) / sd
    gaussian = (1.0 - OUTLIER_FRAGMENTS) * exp(-0.5 * z * z) / (sd * 2.5066282746310002)
    return log(gaussian + OUTLIER_FRAGMENTS / (OUTLIER_WIDTH * sd))


@compiled
def insert_log_ratio(low, high, candidate_low, candidate_high, change, tables):
    """ln f(z + change) - ln f(z) of a fragment that spans the candidate; 0 if it doesn't or is out of reach (eqs. 19, 20)."""
    mean, sd = tables.insert_size[0], tables.insert_size[1]
    if sd <= 0.0 or change == 0 or low < 0 or low >= candidate_low or high <= candidate_high:
        return 0.0
    if high - low > tables.reach + max(0, -change):
        return 0.0
    return log_insert_size(high - low + change, mean, sd) - log_insert_size(high - low, mean, sd)


@compiled
def combined_mates(first, second):
    """Log ratio of a molecule that both mates read at the candidate."""
    if first * second > 0.0:
        return first if abs(first) > abs(second) else second
    return first + second


@compiled
def combined_alleles(first, second):
    """The allele that both mates show, or that one shows and the other doesn't deny."""
    if first == NEITHER or second == NEITHER:
        return max(first, second)
    return first if first == second else NEITHER


@compiled
def bounds_of(candidates, c, cut):
    """(whether it is a substitution, bases beside that belong to it, first base, end, whether it is a long one)."""
    substitution = candidates.substitution[c]
    wide = candidates.end[c] - candidates.start[c] > 2 * cut
    return substitution, 0 if substitution else 1, candidates.low[c], candidates.high[c], wide


@compiled
def overlaps(low, high, beside, first, last, wide, cut):
    """Whether a read that spans [low, high), clips unrolled, concerns a candidate with these bounds.

    It does if it overlaps a substitution, touches the bases between which an indel lies, or a breakpoint of a long one.
    """
    if low >= last + beside or high <= first - beside:
        return False
    return not wide or low < first + cut or high > last - cut


@compiled
def overlapping_fragments(candidates, size, low, high, fragment, fragments, cut):
    """int64 (size,): fragments whose reads [low, high), of number `fragment` under `fragments`, concern each candidate."""
    depth = np.zeros(size, np.int64)
    last = np.full(fragments, -1, np.int64)
    for c in range(size):
        _, beside, first, behind, wide = bounds_of(candidates, c, cut)
        for r in range(len(low)):
            if last[fragment[r]] != c and overlaps(low[r], high[r], beside, first, behind, wide, cut):
                last[fragment[r]] = c
                depth[c] += 1
    return depth


@compiled
def reads_in_reach(candidates, c, reads, longest, reach):
    """Index range of the reads whose alignment starts near enough to candidate c to concern it."""
    margin = longest + 2
    if candidates.alt_offset[c + 1] - candidates.alt_offset[c] >= SHORTEST_INSERTION_FOR_UNMAPPED:
        margin = max(margin, reach)
    first = np.searchsorted(reads.start, candidates.low[c] - margin)
    return first, np.searchsorted(reads.start, candidates.high[c] + margin + 1)


@compiled
def pairs_in_reach(candidates, c, paired, tables):
    """Index range of the pairs whose insert size can speak about candidate c; empty for small changes."""
    change = candidates.change[c]
    if tables.insert_size[1] <= 0.0 or abs(change) < tables.insert_size[1]:
        return 0, 0
    first = np.searchsorted(paired.low, candidates.low[c] - tables.reach - max(0, -change))
    return first, np.searchsorted(paired.low, candidates.low[c])


@compiled
def lies_beside(candidates, c, reads, r, longest, reach):
    """Whether an unmapped read's mapped mate points towards candidate c from within a fragment's length."""
    if (reads.flag[r] & MATE_REVERSE) == 0:
        return candidates.low[c] - reach < reads.start[r] <= candidates.low[c]
    return candidates.low[c] - longest < reads.start[r] < candidates.high[c] + reach


@compiled
def _concerned(candidates, c, reads, first, last, longest, tables):
    """Indices, of the reads first..last - 1, of those that concern candidate c."""
    long_insertion = candidates.alt_offset[c + 1] - candidates.alt_offset[c] >= SHORTEST_INSERTION_FOR_UNMAPPED
    _, beside, low, high, wide = bounds_of(candidates, c, tables.cut)
    chosen, count = np.empty(last - first, np.int64), 0
    for r in range(first, last):
        if reads.flag[r] & UNMAPPED:
            concerned = long_insertion and lies_beside(candidates, c, reads, r, longest, tables.reach)
        else:
            concerned = overlaps(reads.low[r], reads.high[r], beside, low, high, wide, tables.cut)
        if concerned:
            chosen[count] = r
            count += 1
    return chosen[:count]


@compiled
def _count_third_alleles(out, realigned, first, last, tables):
    """Let fragments that lack a substitution's place, or show a third base by realignment, speak against it.

    Those of rows first..last - 1: they come of other copies, which have a deletion there. Under the alternative so would only a
    read that has opened a gap by error. A few say as little as errors, and are left alone.
    """
    count = 0
    for row in range(first, last):
        count += realigned[row] and out.allele[row] == OTHER and abs(out.log_ratio[row]) < INFORMATIVE
    if count < max(LEAST_THIRD, LEAST_THIRD_SHARE * (last - first)):
        return
    against = log(max(tables.gap[1], 1e-6))
    for row in range(first, last):
        if realigned[row] and out.allele[row] == OTHER and abs(out.log_ratio[row]) < INFORMATIVE:
            out.log_ratio[row] = against


@compiled
def observations(candidates, wanted, reads, paired, reference, listed, reference_start, tables):
    """`Observations` of the candidates `wanted`, and the number of fragments whose reads overlap each (len(wanted),).

    listed: as in `direct_log_ratios`.
    """
    longest = 0
    for r in range(len(reads.start)):
        longest = max(longest, reads.high[r] - reads.low[r])
    capacity = 0
    for c in wanted:
        first, last = reads_in_reach(candidates, c, reads, longest, tables.reach)
        first_pair, last_pair = pairs_in_reach(candidates, c, paired, tables)
        capacity += last - first + last_pair - first_pair
    out = Observations(np.zeros(capacity, np.int32), np.zeros(capacity, np.int32), np.full(capacity, -1, np.int32),
                       np.zeros(capacity, np.uint8),
                       np.zeros(capacity, np.float32), np.zeros(capacity, np.float32), np.zeros(capacity, np.uint8),
                       np.zeros(capacity, np.uint8), np.zeros(capacity, np.uint8), np.zeros(capacity, np.float32),
                       np.zeros(capacity, np.uint8))  # fmt: skip
    row_of = np.full(len(paired.low_of), -1, np.int64)
    realigned = np.zeros(capacity, np.bool_)
    depth = np.zeros(len(wanted), np.int64)
    rows = 0
    for w in range(len(wanted)):
        c = wanted[w]
        first_row = rows
        first, last = reads_in_reach(candidates, c, reads, longest, tables.reach)
        substitution = candidates.substitution[c]
        direct = direct_log_ratios(
            candidates, c, reads, first, last if substitution else first, reference, listed, reference_start, tables
        )
        concerned = _concerned(candidates, c, reads, first, last, longest, tables)
        anew = concerned[~direct.usable[concerned - first]] if substitution else concerned
        segments = segments_near(candidates, c, reads, anew, tables)
        found = realigned_log_ratios(candidates, c, segments, tables)
        at = -1
        for r in concerned:
            unmapped = (reads.flag[r] & UNMAPPED) != 0
            error_ratio, read_context, allele = 0.0, 0, NEITHER
            if substitution and direct.usable[r - first]:
                ratio, error_ratio = direct.log_ratio[r - first], direct.log_error_ratio[r - first]
                read_context, allele = np.int64(direct.read_context[r - first]), np.int64(direct.allele[r - first])
            else:
                at += 1
                ratio, length = found.log_ratio[at], segments.offset[at + 1] - segments.offset[at]
                if unmapped:
                    ratio = unmapped_log_ratio(ratio, length, found.reference_edits[at], found.alternative_edits[at])
                    if ratio <= LEAST_UNMAPPED_LOG_RATIO:
                        continue
                elif length > 0:
                    error_ratio, read_context, allele = seen_by_realigning(
                        candidates, c, reads, r, reference, reference_start, tables, ratio, found.alternative_edits[at]
                    )
            f = reads.fragment[r]
            row = row_of[f]
            if row < first_row:
                row = rows
                row_of[f] = row
                rows += 1
                out.candidate[row], out.log_ratio[row], out.log_error_ratio[row] = w, ratio, error_ratio
                out.read_context[row], out.allele[row], out.fragment[row] = read_context, allele, f
                out.read[row] = r
                realigned[row] = not direct.usable[r - first] if substitution and not unmapped else False
                out.mapq[row] = paired.mapq_of[f] if unmapped else reads.mapq[r]
                out.orientation[row] = paired.orientation_of[f]
            else:
                if abs(ratio) > abs(out.log_ratio[row]):
                    out.log_error_ratio[row], out.read_context[row], out.read[row] = error_ratio, read_context, r
                out.log_ratio[row] = combined_mates(out.log_ratio[row], ratio)
                out.allele[row] = combined_alleles(out.allele[row], allele)
                if not unmapped:
                    out.mapq[row] = min(out.mapq[row], reads.mapq[r])
            if not unmapped:
                out.strand[row] |= 2 if reads.flag[r] & REVERSE else 1
        depth[w] = rows - first_row
        if substitution:
            _count_third_alleles(out, realigned, first_row, rows, tables)
        for f in reads.fragment[first:last]:
            row = row_of[f]
            if row >= first_row:
                out.log_ratio[row] += insert_log_ratio(
                    paired.low_of[f], paired.high_of[f], candidates.low[c], candidates.high[c], candidates.change[c], tables
                )
                row_of[f] = -2 - w
        first_pair, last_pair = pairs_in_reach(candidates, c, paired, tables)
        for k in range(first_pair, last_pair):
            f = paired.fragment[k]
            ratio = insert_log_ratio(
                paired.low[k], paired.high[k], candidates.low[c], candidates.high[c], candidates.change[c], tables
            )
            if ratio != 0.0 and row_of[f] != -2 - w:
                out.candidate[rows], out.log_ratio[rows] = w, ratio
                out.mapq[rows], out.orientation[rows] = paired.mapq_of[f], paired.orientation_of[f]
                out.fragment[rows] = f
                rows += 1
        for row in range(first_row, rows):
            out.claim[row] = out.log_ratio[row]
            out.log_ratio[row] = min(LARGEST_LOG_RATIO, max(-LARGEST_LOG_RATIO, out.log_ratio[row]))
            out.log_error_ratio[row] = min(LARGEST_ERROR_RATIO, max(-LARGEST_ERROR_RATIO, out.log_error_ratio[row]))
            if out.log_ratio[row] <= 0.0:
                out.log_error_ratio[row], out.read_context[row] = 0.0, 0
    return Observations(out.candidate[:rows], out.fragment[:rows], out.read[:rows], out.allele[:rows], out.claim[:rows],
                        out.log_ratio[:rows], out.mapq[:rows], out.strand[:rows], out.orientation[:rows],
                        out.log_error_ratio[:rows], out.read_context[:rows]), depth  # fmt: skip
