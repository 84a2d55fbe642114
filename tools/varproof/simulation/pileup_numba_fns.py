"""Kernel of the pileup: walks CIGARs and lists what each read has that the reference has not."""

from varproof.accelerate import compiled

MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, EQUAL, DIFFERENT = 0, 1, 2, 3, 4, 7, 8
MAX_MNV_BP = 5


@compiled
def _code(base):
    if base == 65:
        return 1
    if base == 67:
        return 2
    if base == 71:
        return 3
    if base == 84:
        return 4
    return 0


@compiled
def read_differences(
    reference, read_start, base_offset, cigar_offset, bases, qualities, operations, lengths, min_quality,
    substitution_position, substitution_code, indel_position, indel_length, indel_base,
):  # fmt: skip
    """Differences of all reads; returns (substitutions, indels) filled into the outputs.

    Read i begins at reference position `read_start[i]`, its bases at `base_offset[i]`, its CIGAR is
    `cigar_offset[i]:cigar_offset[i+1]`. A run of 2 to 5 adjacent mismatches is one substitution, each base of a longer run
    one of its own. `substitution_code` has 3 bits per base (1..4 for ACGT, first base lowest). An insertion has a positive
    `indel_length` and its first base's index in `bases`; a deletion a negative length.
    """
    substitutions, indels = 0, 0
    for i in range(len(read_start)):
        at, b = read_start[i], base_offset[i]
        for c in range(cigar_offset[i], cigar_offset[i + 1]):
            operation, length = operations[c], lengths[c]
            if operation in (MATCH, EQUAL, DIFFERENT):
                k = 0
                while k < length:
                    run = 0
                    while k + run < length:
                        base, original = _code(bases[b + k + run]), _code(reference[at + k + run])
                        if base == 0 or original == 0 or base == original or qualities[b + k + run] < min_quality:
                            break
                        run += 1
                    if 0 < run <= MAX_MNV_BP:
                        code = 0
                        for r in range(run):
                            code |= _code(bases[b + k + r]) << (3 * r)
                        substitution_position[substitutions], substitution_code[substitutions] = at + k, code
                        substitutions += 1
                    elif run > MAX_MNV_BP:
                        for r in range(run):
                            substitution_position[substitutions] = at + k + r
                            substitution_code[substitutions] = _code(bases[b + k + r])
                            substitutions += 1
                    k += run + 1
                at += length
                b += length
            elif operation == INSERTION:
                indel_position[indels], indel_length[indels], indel_base[indels] = at, length, b
                indels += 1
                b += length
            elif operation == DELETION:
                indel_position[indels], indel_length[indels], indel_base[indels] = at, -length, b
                indels += 1
                at += length
            elif operation == SKIP:
                at += length
            elif operation == SOFT_CLIP:
                b += length
    return substitutions, indels
