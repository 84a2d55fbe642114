"""Kernels that make a fragment's bases from a copy and two reads from a fragment."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.simulation.reads_codes import (
    ALL_FRAGMENTS,
    DEAMINATION,
    END_ERROR,
    FORWARD_FRAGMENTS,
    FORWARD_READS,
    OXIDATION,
    REVERSE_FRAGMENTS,
    REVERSE_READS,
    TEMPLATE,
)

A, C, G, T, N = 65, 67, 71, 84, 78


@compiled
def _complement(base):
    if base == A:
        return T
    if base == C:
        return G
    if base == G:
        return C
    if base == T:
        return A
    return N


@compiled
def _other_base(base, rng):
    step = 1 + int(rng.random() * 3.0)
    index = 0
    if base == C:
        index = 1
    elif base == G:
        index = 2
    elif base == T:
        index = 3
    index = (index + step) % 4
    if index == 0:
        return A
    if index == 1:
        return C
    if index == 2:
        return G
    return T


@compiled
def _template_error(base, rng):
    """Three of four wrong C or G are as deamination makes them."""
    if rng.random() < 0.75:
        if base == C:
            return T
        if base == G:
            return A
    return _other_base(base, rng)


@compiled
def fragment_bases(
    reference, first, last, copy_offset, copy_variant, copy_position, start, end, alt_offset, alt_length, alt,
    copy, begin, length, tract_at, tract_end, tract_unit, tract_rate, rng, out_base, out_position, slip,
):  # fmt: skip
    """Fill `out_base` and `out_position` (reference position, -1 for inserted bases) with a fragment of a copy.

    `begin` and `length` are in the copy's coordinates. `tract_at[p]` is the tract that begins at reference position p, or -1;
    a fragment that enters a tract slips with `tract_rate`. `slip` receives (tract, units lost or gained) of the last slip.
    Returns False if the copy ends before the fragment does or the fragment holds an N.
    """
    low, high = copy_offset[copy], copy_offset[copy + 1]
    following = low + np.searchsorted(copy_position[low:high], begin, side="right")
    at = first[copy] + begin
    variant, within = -1, 0
    if following > low:
        v = copy_variant[following - 1]
        within = begin - copy_position[following - 1]
        if within < alt_length[v]:
            variant = v
        at = end[v] + max(0, within - alt_length[v])
    filled, slipped_at = 0, -1
    slip[0], slip[1] = -1, 0
    while filled < length:
        if variant >= 0:
            if within == alt_length[variant]:
                variant = -1
                continue
            out_base[filled] = alt[alt_offset[variant] + within]
            aligned = start[variant] + within
            out_position[filled] = aligned if aligned < end[variant] else -1
            within += 1
            filled += 1
            continue
        if following < high and start[copy_variant[following]] == at:
            variant, within = copy_variant[following], 0
            at = end[variant]
            following += 1
            continue
        if at >= last[copy] or reference[at] == N:
            return False
        tract = tract_at[at]
        if tract >= 0 and at != slipped_at and filled > 0 and rng.random() < tract_rate[tract]:
            slipped_at = at
            units = 2 if rng.random() < 0.1 else 1
            bases = units * tract_unit[tract]
            free = following >= high or start[copy_variant[following]] > tract_end[tract]
            if free and at + bases < tract_end[tract]:
                slip[0] = tract
                if rng.random() < 2.0 / 3.0:
                    slip[1] = -units
                    at += bases
                else:
                    slip[1] = units
                    for i in range(min(bases, length - filled)):
                        out_base[filled] = reference[at + i]
                        out_position[filled] = -1
                        filled += 1
                continue
        out_base[filled] = reference[at]
        out_position[filled] = at
        at += 1
        filled += 1
    return True


@compiled
def sequence_fragments(
    reference, contig_starts, first, last, copy_offset, copy_variant, copy_position,
    start, end, alt_offset, alt_length, alt,
    copy, begin, length, forward, times, low_quality_factor,
    tract_at, tract_end, tract_unit, tract_rate,
    damage_rate, hot_oxidation, hot_deamination, locus_rate, locus_base, locus_shown_by, locus_kind, template_error_rate,
    end_error_rate, end_error_bp, error_inflation,
    quality_values, quality_cumulative, error_of_quality, read_length, rng,
    bases, qualities, fragment_of, event_position, event_base, event_kind, slip_tract, slip_units,
):  # fmt: skip
    """Sequence each fragment `times[i]` times; returns (pairs, events, slips) filled into the outputs.

    Outputs: `bases`, `qualities` (pairs, 2, read_length; as sequenced), `fragment_of` (pairs); events are bases of reads that
    an artefact made (duplicates left out): reference position, base on the forward strand, kind; slips are fragments with a
    slipped tract.
    """
    longest = length.max()
    fragment = np.empty(longest, dtype=np.uint8)
    position = np.empty(longest, dtype=np.int64)
    made_by = np.empty(longest, dtype=np.uint8)
    slip = np.empty(2, dtype=np.int64)
    pairs, events, slips = 0, 0, 0
    with_damage = damage_rate > 0.0 or len(hot_oxidation) > 0
    with_loci = len(locus_rate) > 0
    for i in range(len(copy)):
        size = length[i]
        if not fragment_bases(
            reference, first, last, copy_offset, copy_variant, copy_position, start, end, alt_offset, alt_length, alt,
            copy[i], begin[i], size, tract_at, tract_end, tract_unit, tract_rate, rng, fragment, position, slip,
        ):  # fmt: skip
            continue
        low, high = 0, size - 1
        while low < high and position[low] < 0:
            low += 1
        while high > low and position[high] < 0:
            high -= 1
        contig = np.searchsorted(contig_starts, position[low], side="right")
        if contig != np.searchsorted(contig_starts, position[high], side="right"):
            continue
        made_by[:size] = 0
        if slip[0] >= 0:
            slip_tract[slips], slip_units[slips] = slip[0], slip[1]
            slips += 1
        if with_damage:
            guanine, cytosine = (G, C) if forward[i] else (C, G)
            thymine, adenine_from_c = (T, T) if forward[i] else (A, A)
            for b in range(size):
                base = fragment[b]
                if base == guanine:
                    rate = damage_rate
                    if position[b] >= 0:
                        rate += hot_oxidation[position[b]]
                    if rng.random() < rate:
                        fragment[b] = thymine
                        made_by[b] = OXIDATION
                elif base == cytosine:
                    rate = damage_rate
                    if position[b] >= 0:
                        rate += hot_deamination[position[b]]
                    if rng.random() < rate:
                        fragment[b] = adenine_from_c
                        made_by[b] = DEAMINATION
        if with_loci:
            way = FORWARD_FRAGMENTS if forward[i] else REVERSE_FRAGMENTS
            for b in range(size):
                at = position[b]
                if at < 0 or locus_rate[at] == 0.0 or fragment[b] != reference[at]:
                    continue
                if (locus_shown_by[at] == ALL_FRAGMENTS or locus_shown_by[at] == way) and rng.random() < locus_rate[at]:
                    fragment[b] = locus_base[at]
                    made_by[b] = locus_kind[at]
        if template_error_rate > 0.0:
            for b in range(size):
                if rng.random() < template_error_rate:
                    fragment[b] = _template_error(fragment[b], rng)
                    made_by[b] = TEMPLATE
        for time in range(times[i]):
            for mate in range(2):
                from_left = forward[i] == (mate == 0)
                strand = FORWARD_READS if from_left else REVERSE_READS
                factor = low_quality_factor[i, mate]
                for cycle in range(read_length):
                    b = cycle if from_left else size - 1 - cycle
                    base = fragment[b] if from_left else _complement(fragment[b])
                    u = rng.random()
                    level = len(quality_values) - 1
                    for q in range(quality_cumulative.shape[1]):
                        if u < factor * quality_cumulative[cycle, q]:
                            level = q
                            break
                    kind = made_by[b]
                    error = min(0.75, error_inflation * error_of_quality[level])
                    if rng.random() < error:
                        base = _other_base(base, rng)
                        kind = 0
                    elif end_error_rate > 0.0 and cycle >= read_length - end_error_bp:
                        ramp = (cycle - (read_length - end_error_bp) + 1.0) / end_error_bp
                        if rng.random() < end_error_rate * ramp:
                            base = _other_base(base, rng)
                            kind = END_ERROR
                    at = position[b]
                    shown = with_loci and at >= 0 and locus_shown_by[at] == strand and fragment[b] == reference[at]
                    if shown and rng.random() < locus_rate[at]:
                        base = locus_base[at] if from_left else _complement(locus_base[at])
                        kind = locus_kind[at]
                    bases[pairs, mate, cycle] = base
                    qualities[pairs, mate, cycle] = quality_values[level]
                    if kind > 0 and time == 0 and position[b] >= 0 and events < len(event_kind):
                        event_position[events] = position[b]
                        event_base[events] = base if from_left else _complement(base)
                        event_kind[events] = kind
                        events += 1
            fragment_of[pairs] = i
            pairs += 1
    return pairs, events, slips
