"""Companions: variants that the same fragments carry, against sets of fragments, and what learns from them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evidence_examples import observed
from varproof.formats.events import EVENTS
from varproof.posterior.classes import CLASSES
from varproof.posterior.clustering import NEAR
from varproof.posterior.crowd_decisions import DECISIONS, CrowdDecisions
from varproof.posterior.crowding import ALONE, APART, CROWDS, crowd_terms, crowds
from varproof.posterior.imbalance import learnt_balance
from varproof.posterior.learning import learn_prior
from varproof.posterior.phase import Links
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score

SNV = CLASSES.index("snv")


def links(pairs: dict[tuple[int, int], tuple[int, int, int]]) -> Links:
    first, second = np.array(list(pairs), np.int64).reshape(-1, 2).T
    return Links(first, second, np.array(list(pairs.values()), np.int32).reshape(-1, 3))


def told(pairs: dict[tuple[int, int], tuple[int, int, int]], position: list[int], listed: tuple[int, ...] = (),
         judged_as: list[int] | None = None) -> list[str]:  # fmt: skip
    n = len(position)
    owner = np.arange(n) if judged_as is None else np.array(judged_as)
    return [
        CROWDS[i] for i in crowds(links(pairs), owner, np.zeros(n, np.int64), np.array(position), np.isin(np.arange(n), listed))
    ]


def test_variants_that_the_same_fragments_carry_are_companions() -> None:
    assert told({(0, 1): (9, 0, 0)}, [100, 200]) == ["1", "1"]
    assert told({(0, 1): (9, 0, 1)}, [100, 200]) == ["0", "0"]  # one in ten that carry both is the limit
    assert told({(0, 1): (10, 0, 1)}, [100, 200]) == ["1", "1"]
    assert told({}, [100, 200]) == ["0", "0"]


def test_a_somatic_variant_of_some_of_a_germline_ones_fragments_has_no_companion() -> None:
    assert told({(0, 1): (8, 0, 6)}, [100, 200]) == ["0", "0"]


def test_few_fragments_count_in_part() -> None:
    assert told({(0, 1): (3, 0, 0)}, [100, 200]) == ["0", "0"]
    assert told({(0, 1): (3, 0, 0), (0, 2): (2, 0, 0)}, [100, 200, 300]) == ["1", "0", "0"]
    assert told({(0, 1): (1, 0, 0), (0, 2): (1, 0, 0), (0, 3): (1, 0, 0), (0, 4): (1, 0, 0)}, [0, 50, 100, 150, 200])[0] == "0"


def test_pieces_of_one_event_are_one_companion_or_none() -> None:
    both = (9, 0, 0)
    assert told({(0, 1): both, (1, 2): both, (0, 2): both}, [100, 101, 114]) == ["0", "0", "0"]
    assert told({(0, 1): both, (0, 2): both, (1, 2): both}, [100, 200, 201]) == ["1", "1", "1"]
    # What is judged as one candidate has the companions of all its parts, each once.
    parts = {(0, 2): both, (1, 2): both, (0, 1): both}
    assert told(parts, [100, 120, 200, 100], judged_as=[3, 3, 2, 3]) == ["1", "1", "1", "1"]


def test_what_a_germline_resource_lists_is_nobodys_companion() -> None:
    assert told({(0, 1): (9, 0, 0), (0, 2): (9, 0, 0), (1, 2): (9, 0, 0)}, [0, 50, 100], listed=(1,)) == ["1", "0", "1"]


def test_what_lies_beside_a_crowd_on_other_fragments_is_apart_from_it() -> None:
    crowd = {(0, 1): (9, 0, 0), (0, 2): (9, 0, 0), (1, 2): (9, 0, 0)}
    place = [0, 50, 100, 150]
    assert told(crowd | {(1, 3): (0, 8, 5)}, place) == ["2", "2", "2", "apart"]
    assert told(crowd | {(1, 3): (0, 8, 2)}, place)[3] == "near"  # too few to tell
    assert told(crowd | {(1, 3): (1, 8, 5)}, place)[3] == "near"  # some fragment carries both
    assert told({(0, 1): (9, 0, 0), (1, 2): (0, 8, 5)}, [0, 50, 100]) == ["1", "1", "0"]  # two are no crowd


def test_companions_agree_with_sets() -> None:
    """Against sets of fragments, counted in plain Python, with every variant carried by one of three molecules."""
    rng = np.random.default_rng(5)
    for _ in range(30):
        n = int(rng.integers(2, 30))
        position = np.sort(rng.choice(1500, n, replace=False))
        molecule, listed = rng.integers(0, 3, n), rng.random(n) < 0.2
        fragments = list(zip(rng.integers(-300, 1500, 150).tolist(), rng.integers(0, 3, 150).tolist(), strict=True))
        pairs: dict[tuple[int, int], tuple[int, int, int]] = {}
        companions: dict[int, list[tuple[int, int]]] = {i: [] for i in range(n)}
        for i in range(n):
            for j in range(i + 1, n):
                reach = [kind for start, kind in fragments if start <= position[i] and position[j] < start + 300]
                seen = [(kind == molecule[i], kind == molecule[j]) for kind in reach]
                counts = seen.count((True, True)), seen.count((True, False)), seen.count((False, True))
                if sum(counts):
                    pairs[i, j] = counts
                alike = counts[0] >= DECISIONS.least_together and counts[1] + counts[2] <= DECISIONS.most_discordant * counts[0]
                if alike and position[j] - position[i] >= DECISIONS.own_event and not listed[i] and not listed[j]:
                    companions[i].append((int(position[j]), counts[0]))
                    companions[j].append((int(position[i]), counts[0]))
        number = {}
        for i, near in companions.items():
            parts: list[float] = []
            begin = -math.inf
            for place, together in sorted(near):
                share = min(together, DECISIONS.proven_together) / DECISIONS.proven_together
                if place >= begin + DECISIONS.own_event:
                    parts.append(share)
                    begin = place
                else:
                    parts[-1] = max(parts[-1], share)
            number[i] = math.floor(sum(parts) + 1e-9)
        names = ["0", "1", "2", "3-4", "3-4", "5-8", "5-8", "5-8", "5-8", "9+"]
        expected = [names[min(k, 9)] for k in number.values()]
        found = told(pairs, position.tolist(), tuple(np.flatnonzero(listed).tolist()))
        assert [name.replace("apart", "0").replace("near", "0") for name in found] == expected
        for i, name in enumerate(found):
            trans = [
                pair
                for pair, (both, one, other) in pairs.items()
                if i in pair
                and min(one, other) >= DECISIONS.least_apart
                and both <= DECISIONS.most_discordant * min(one, other)
                and number[pair[0] + pair[1] - i] >= DECISIONS.crowd
            ]
            assert (name == "apart") == (bool(trans) and number[i] == 0)
            crowd = [j for j, k in number.items() if k >= DECISIONS.crowd and j != i]
            is_near = any(abs(int(position[j] - position[i])) <= NEAR for j in crowd)
            assert (name == "near") == (is_near and not trans and number[i] == 0)


def test_terms_are_ratios_of_what_each_kind_of_variant_shows() -> None:
    terms = crowd_terms(np.array([6, ALONE, APART]))
    assert terms.copies == pytest.approx([math.log(0.3 / 0.001), math.log(0.001 / 0.94), math.log(0.002 / 0.01)])
    assert terms.germline == pytest.approx([math.log(0.008 / 0.001), math.log(0.71 / 0.94), 0.0], abs=1e-12)
    assert terms.beside.tolist() == [False, False, True]
    assert terms[np.array([1])].copies == pytest.approx([math.log(0.001 / 0.94)])


def test_decisions_are_shares() -> None:
    with pytest.raises(ValueError, match="of_germline must sum to 1"):
        CrowdDecisions(of_germline=(0.5, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1))


def sample(crowd_of_copies: int) -> tuple[Sampled, np.ndarray]:
    """60 somatic SNVs of 10 to 30 % of the reads, 120 of copies, of 30 %, and 200 germline ones, unpaired; which is which."""
    rng = np.random.default_rng(3)
    kind = np.repeat(["somatic", "copy", "germline"], [60, 120, 200])
    fraction = np.where(kind == "somatic", rng.uniform(0.1, 0.3, len(kind)), np.where(kind == "copy", 0.3, 0.5))
    tumor = observed(rng, fraction.tolist(), 60, 1e-3)
    tumor = replace(tumor, same_place=np.full(len(kind), -20.0, np.float32))
    crowd = np.where(kind == "copy", crowd_of_copies, ALONE).astype(np.int8)
    return Sampled(tumor, None, np.full(len(kind), SNV), np.ones(len(kind), bool), crowd=crowd), kind


def probabilities(sampled: Sampled) -> tuple[np.ndarray, np.ndarray, bool]:
    prior = learn_prior(sampled, 200_000.0, 0.6, None)
    found = score(sampled.tables(prior), sampled.class_index, prior, 0.6).probability
    return found[:, EVENTS.index("SOMATIC_TUMOR")], found[:, EVENTS.index("ARTIFACT")], prior.crowds


def test_a_sample_with_copies_that_the_reference_lacks_keeps_its_somatic_variants_and_no_other() -> None:
    sampled, kind = sample(crowd_of_copies=6)
    somatic, artifact, crowded = probabilities(sampled)
    assert crowded
    assert (somatic[kind == "copy"] < 0.01).all()
    assert (artifact[kind == "copy"] > 0.5).mean() > 0.9
    plain, _, _ = probabilities(replace(sampled, crowd=None).chosen(np.flatnonzero(kind != "copy")))
    own = somatic[kind == "somatic"]
    assert (own > 0.5).mean() > 0.8 * (plain[:60] > 0.5).mean() > 0.0


def test_without_crowds_all_is_as_if_nobody_had_counted_companions() -> None:
    sampled, _ = sample(crowd_of_copies=ALONE)
    assert sampled.crowd is not None
    few = sampled.crowd.copy()
    few[200:210] = 3  # germline ones of one haplotype
    prior = learn_prior(replace(sampled, crowd=few), 200_000.0, 0.6, None)
    assert not prior.crowds and "crowds" not in prior.model_dump()
    assert prior == learn_prior(replace(sampled, crowd=None), 200_000.0, 0.6, None)


def test_variants_that_crowd_tell_nothing_of_copy_numbers() -> None:
    rng = np.random.default_rng(1)
    n = 300
    kind = np.arange(n) % 3 > 0
    tumor = observed(rng, np.where(kind, 0.5, 0.25).tolist(), 60, 1e-3)
    place = (np.zeros(n, np.int64), np.arange(n) * 2000, np.ones(n, bool))
    crowd = np.where(kind, ALONE, 6)
    balance = learnt_balance("a", ["1"], *place, tumor, 0.6, None, crowd)
    assert balance is not None
    assert balance.position == place[1][kind].tolist()
