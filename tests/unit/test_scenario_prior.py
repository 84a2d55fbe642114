"""Priors of scenarios against enumerations of chromosomes, and posteriors against integrals by scipy."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from scenario_examples import Counts, log_likelihood, planned, posteriors, prior
from varproof.scenario.file import parse_scenario

H, NU, MU = 0.01, 0.003, 0.002


def founders(ploidies: tuple[int, ...], h: float = H) -> dict[tuple[int, ...], float]:
    """Probability of the copies of unrelated samples: which chromosomes of all have the allele, one set after the other."""
    total = sum(ploidies)
    found: Counter[tuple[int, ...]] = Counter()
    for having in itertools.product((0, 1), repeat=total):
        m = sum(having)
        chance = h / m / math.comb(total, m) if m else 1.0 - sum(h / k for k in range(1, total + 1))
        starts = np.cumsum([0, *ploidies])
        found[tuple(sum(having[a:b]) for a, b in itertools.pairwise(starts.tolist()))] += chance
    return found


def children(mother: int, father: int, ploidies: tuple[int, int], taken: tuple[int, int], nu: float = NU) -> dict[int, float]:
    """Copies of a child: every choice of the parents' chromosomes, every set of those that mutate."""
    found: Counter[int] = Counter()
    sides = []
    for copies, ploidy, number in zip((mother, father), ploidies, taken, strict=True):
        chromosomes = [1] * copies + [0] * (ploidy - copies)
        sides.append(list(itertools.combinations(chromosomes, number)))
    pairs = list(itertools.product(*sides))
    for one, other in pairs:
        handed = one + other
        for changed in itertools.product((0, 1), repeat=len(handed)):
            chance = math.prod(nu if item else 1 - nu for item in changed) / len(pairs)
            found[sum(a ^ b for a, b in zip(handed, changed, strict=True))] += chance
    return found


@pytest.mark.parametrize("ploidies", [(2,), (1,), (2, 2), (2, 1), (1, 2, 3), (4, 2)])
def test_unrelated_samples_share_the_alleles_of_a_neutral_population(ploidies: tuple[int, ...]) -> None:
    names = [f"s{number}" for number in range(len(ploidies))]
    samples = "".join(f"  {name}: {{ploidy: {ploidy}}}\n" for name, ploidy in zip(names, ploidies, strict=True))
    for copies, chance in founders(ploidies).items():
        if any(copies):
            formula = " & ".join(
                f"{name}:{one / ploidy!r}" for name, one, ploidy in zip(names, copies, ploidies, strict=True)
            )  # fmt: skip
            text = f"species: {{heterozygosity: {H}}}\nsamples:\n{samples}events: {{x: '{formula}'}}\n"
            assert prior(text)["X"] == pytest.approx(chance, rel=1e-9)
    text = f"species: {{heterozygosity: {H}}}\nsamples:\n{samples}events: {{x: 'false'}}\n"
    assert prior(text)["ABSENT"] == pytest.approx(founders(ploidies)[(0,) * len(ploidies)], rel=1e-9)


@pytest.mark.parametrize(
    ("contig", "sex", "ploidies", "taken"),
    [
        ("1", "male", (2, 2), (1, 1)),
        ("1", "female", (2, 2), (1, 1)),
        ("chrX", "male", (2, 1), (1, 0)),
        ("X", "female", (2, 1), (1, 1)),
        ("Y", "male", (0, 1), (0, 1)),
    ],
)
def test_children_by_every_choice_of_chromosomes(
    contig: str, sex: str, ploidies: tuple[int, int], taken: tuple[int, int]
) -> None:
    own = sum(taken)
    for (mother, father), before in founders(ploidies).items():
        for child, chance in children(mother, father, ploidies, taken).items():
            wanted = {"mother": (mother, ploidies[0]), "father": (father, ploidies[1]), "child": (child, own)}
            if not mother and not father and not child:
                continue
            formula = " & ".join(f"{name}:{copies / max(1, p)!r}" for name, (copies, p) in wanted.items())
            text = f"""species:
  heterozygosity: {H}
  germline-mutation-rate: {NU}
  ploidy: {{male: {{all: 2, X: 1, Y: 1}}, female: {{all: 2, X: 2, Y: 0}}}}
samples:
  child: {{sex: {sex}, inheritance: {{mendelian: {{from: [mother, father]}}}}}}
  mother: {{sex: female}}
  father: {{sex: male}}
events: {{x: "{formula}"}}
"""
            assert prior(text, contig=contig)["X"] == pytest.approx(before * chance, rel=1e-9), (wanted, contig)


def tumor_of(inheritance: str, more: str = "") -> str:
    return f"""species: {{heterozygosity: {H}, ploidy: 2}}
samples:
  normal: {{somatic-effective-mutation-rate: {MU}{more}}}
  tumor: {{somatic-effective-mutation-rate: {2 * MU}, inheritance: {{{inheritance}}}}}
events:
"""


def test_clonal_inheritance_without_somatic_variants() -> None:
    text = (
        tumor_of("clonal: {from: normal, somatic: false}")
        + """
  both: "normal:]0.0,0.5[ & tumor:]0.0,0.5["
  tumor_alone: "normal:0.0 & tumor:]0.0,0.5["
  same: "normal:0.5 & tumor:0.5"
  changed: "normal:0.5 & tumor:1.0"
"""
    )
    found = prior(text)
    none, one = 1 - 1.5 * H, H
    assert found["TUMOR_ALONE"] == pytest.approx(none * (1 - MU) * 2 * MU * 0.5, rel=1e-9)
    assert found["BOTH"] == pytest.approx(MU * 0.5 * 2 * MU * 0.5, rel=1e-9)  # Whatever the copies are.
    assert found["SAME"] == pytest.approx(one * (1 - MU) * (1 - 2 * MU), rel=1e-9)
    assert found["CHANGED"] == pytest.approx(0.0, abs=1e-15)


def test_clonal_inheritance_with_somatic_variants() -> None:
    text = (
        tumor_of("clonal: {from: normal, somatic: true}")
        + """
  kept: "normal:]0.0,0.5[ & tumor:]0.0,0.5["
  new: "normal:0.0 & tumor:]0.0,1.0["
  same: "normal:0.5 & tumor:0.5"
"""
    )
    found = prior(text)
    # Half of the parent's somatic variants are lost, half are anywhere; what is new may be, too.
    assert found["KEPT"] == pytest.approx(MU * 0.5 * ((1 - 2 * MU) * 0.5 * 0.5 + 2 * MU * 0.5), rel=1e-9)
    assert found["NEW"] == pytest.approx((1 - 1.5 * H) * (1 - MU) * 2 * MU, rel=1e-9)
    assert found["SAME"] == pytest.approx(H * (1 - MU) * (1 - 2 * MU), rel=1e-9)


def test_clonal_inheritance_of_a_sample_without_a_rate() -> None:
    """What is inherited stays as it is: no other frequency is possible."""
    text = f"""species: {{heterozygosity: {H}, ploidy: 2}}
samples:
  normal: {{somatic-effective-mutation-rate: {MU}}}
  tumor: {{inheritance: {{clonal: {{from: normal, somatic: true}}}}}}
events:
  kept: "normal:]0.0,0.5[ & tumor:]0.0,0.5["
  lost: "normal:]0.0,0.5[ & tumor:0.0"
  grown: "normal:]0.0,0.25[ & tumor:]0.25,0.5["
"""
    found = prior(text)
    assert found["KEPT"] == pytest.approx(MU * 0.5, rel=1e-9) and found["LOST"] == found["GROWN"] == 0.0


@pytest.mark.parametrize("counts", [(6, 20), (28, 0), (0, 9), (5, 33)])
def test_inherited_somatic_variants_change_by_a_fine_grid(counts: tuple[int, int]) -> None:
    """Two samples of 40 reads: all copies, and frequencies by 4,000 midpoints."""
    text = (
        tumor_of("clonal: {from: normal, somatic: true}")
        + '  both: "!normal:0.0 & !tumor:0.0"\n  new: "normal:0.0 & !tumor:0.0"\n'
    )
    step, given = 1 / 4000, [(one, 40) for one in counts]
    grid = (np.arange(4000) + 0.5) * step
    first, second = (np.exp(log_likelihood(grid, one)) for one in given)
    at = [[float(np.exp(log_likelihood(copies / 2, one))) for copies in range(3)] for one in given]
    expected = Counter[str]()
    shares, rate = {0: 1 - 1.5 * H, 1: H, 2: H / 2}, 2 * MU
    for copies, share in shares.items():
        anywhere = float(second.sum() * step)
        new = (1 - rate) * at[1][copies] * (copies > 0), rate * anywhere
        expected["BOTH" if copies else "NEW"] += share * (1 - MU) * at[0][copies] * sum(new)
        mutated = share * MU * float(first.sum() * step)
        expected["BOTH"] += mutated * ((1 - rate) * (0.5 * at[1][copies] * (copies > 0) + 0.5 * anywhere) + rate * anywhere)
        if copies == 0:
            expected["ABSENT"] += share * (1 - MU) * at[0][0] * (1 - rate) * at[1][0]
            expected["OTHER"] += mutated * (1 - rate) * 0.5 * at[1][0]
    found = posteriors(text, dict(zip(("normal", "tumor"), given, strict=True)))
    total = sum(expected.values())
    for name, value in expected.items():
        assert found[name] == pytest.approx(value / total, rel=1e-3, abs=1e-9), name


def test_inherited_somatic_variants_of_a_parent_with_a_universe() -> None:
    text = f"""samples:
  tumor: {{universe: "0.0 | ]0.0,1.0]"}}
  relapse: {{ploidy: 2, somatic-effective-mutation-rate: {MU}, inheritance: {{clonal: {{from: tumor, somatic: true}}}}}}
events:
  kept: "!tumor:0.0 & !relapse:0.0"
  lost: "!tumor:0.0 & relapse:0.0"
  new: "tumor:0.0 & !relapse:0.0"
"""
    found = prior(text)
    # The universe has mass 1 at 0, and 1 in the interval.
    assert found["NEW"] == pytest.approx(0.5 * MU, rel=1e-9)
    assert found["LOST"] == pytest.approx(0.5 * (1 - MU) * 0.5, rel=1e-9)
    assert found["KEPT"] == pytest.approx(0.5 * (1 - 0.5 * (1 - MU)), rel=1e-9)


def test_subclones_of_one_cell() -> None:
    """A parent's variant at s (and at copies 0) is in one copy of 2 s of the cells, as far as there are so many."""
    text = f"""species: {{heterozygosity: {H}, ploidy: 2}}
samples:
  tumor: {{somatic-effective-mutation-rate: {MU}}}
  relapse: {{inheritance: {{subclonal: {{from: tumor, origin: single-cell}}}}}}
events:
  lost: "tumor:]0.0,0.25[ & relapse:0.0"
  het: "tumor:]0.0,0.25[ & relapse:0.5"
  hom: "tumor:]0.0,0.25[ & relapse:1.0"
  germline: "tumor:0.5 & relapse:0.5"
"""
    found = prior(text)
    shares = {0: 1 - 1.5 * H, 1: H, 2: H / 2}

    def chance(copies: int) -> float:
        def at(fraction: float, before: int) -> float:
            carries = min(1.0, 2 * abs(fraction - before / 2))
            return 1 - carries if copies == before else carries / 2

        return sum(
            share * MU * integrate.quad(at, 0, 0.25, args=(before,))[0] for before, share in shares.items()
        )  # fmt: skip

    assert [found[name] for name in ("LOST", "HET", "HOM")] == pytest.approx([chance(k) for k in range(3)], rel=1e-6)
    assert found["GERMLINE"] == pytest.approx(H * (1 - MU), rel=1e-9)


def test_subclones_of_several_cells() -> None:
    text = f"""species: {{heterozygosity: {H}, ploidy: 2}}
samples:
  tumor: {{somatic-effective-mutation-rate: {MU}}}
  relapse: {{inheritance: {{subclonal: {{from: tumor}}}}}}
events:
  lost: "tumor:]0.0,0.25[ & relapse:0.0"
  grown: "tumor:]0.0,0.25[ & relapse:]0.25,1.0["
  germline: "tumor:0.5 & relapse:0.5"
  new: "tumor:0.0 & relapse:]0.0,1.0]"
"""
    found = prior(text)
    assert found["LOST"] == pytest.approx((1 - 1.5 * H) * MU * 0.25 * 0.5, rel=1e-9)
    # Lost where one copy is inherited: it is at one half then, which is in this interval, too.
    assert found["GROWN"] == pytest.approx(MU * 0.25 * (0.5 * 0.75 + 0.5 * H), rel=1e-9)
    assert found["GERMLINE"] == pytest.approx(H * (1 - MU), rel=1e-9)
    assert found["NEW"] == 0.0


@pytest.mark.parametrize(("kind", "share"), [("snv", 1.0), ("indel", 0.0125), ("mnv", 0.05), ("sv", 0.01)])
def test_rates_of_other_types(kind: str, share: float) -> None:
    text = f"""species: {{heterozygosity: {H}, ploidy: 2, mnv: 0.05}}
samples: {{a: {{somatic-effective-mutation-rate: {MU}}}}}
events: {{het: "a:0.5", low: "a:]0.0,0.5["}}
"""
    found = prior(text, kind=kind)
    assert found["HET"] == pytest.approx(H * share * (1 - MU * share), rel=1e-9)
    assert found["LOW"] == pytest.approx(MU * share / 2, rel=1e-9)


FLAT = """samples:
  tumor: {{universe: "[0.0,1.0]", contamination: {{by: normal, fraction: {fraction}}}}}
  normal: {{universe: "0.0 | ]0.0,0.5[ | 0.5 | 1.0"}}
events:
  somatic: "tumor:]0.0,1.0] & normal:0.0"
  somatic_normal: "normal:]0.0,0.5["
  het: "normal:0.5"
  hom: "normal:1.0"
"""


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.6])
@pytest.mark.parametrize(
    "counts", [((6, 60), (0, 40)), ((30, 60), (18, 40)), ((3, 60), (3, 40)), ((0, 30), (40, 40)), ((1, 50), (0, 30))]
)
def test_flat_posteriors_equal_scipys_integrals(fraction: float, counts: tuple[Counts, Counts]) -> None:
    found = posteriors(FLAT.format(fraction=fraction), dict(zip(("tumor", "normal"), counts, strict=True)))
    top = max(float(log_likelihood(t, counts[0])) for t in np.linspace(0, 1, 101)) + max(
        float(log_likelihood(t, counts[1])) for t in np.linspace(0, 1, 101)
    )

    def likelihood(tumor: float, normal: float) -> float:
        shown = (1 - fraction) * tumor + fraction * normal
        return float(np.exp(log_likelihood(shown, counts[0]) + log_likelihood(normal, counts[1]) - top))

    def over_tumor(normal: float) -> float:
        """The point 0 and the interval."""
        return likelihood(0.0, normal) + integrate.quad(likelihood, 0, 1, args=(normal,), points=[0.1, 0.5], epsrel=1e-9)[0]

    expected = {
        "SOMATIC": integrate.quad(likelihood, 0, 1, args=(0.0,), points=[0.1, 0.5], epsrel=1e-9)[0],
        "SOMATIC_NORMAL": integrate.quad(over_tumor, 0, 0.5, points=[0.05, 0.1, 0.2], epsrel=1e-7, epsabs=1e-12)[0],
        "HET": over_tumor(0.5),
        "HOM": over_tumor(1.0),
        "ABSENT": likelihood(0.0, 0.0),
    }
    total = sum(expected.values())
    for name, value in expected.items():
        assert found[name] == pytest.approx(value / total, rel=5e-3, abs=1e-7), name
    assert found["OTHER"] == 0.0


COUPLED = """samples:
  a: {{universe: "[0.0,1.0]", resolution: 256}}
  b: {{universe: "[0.0,1.0]", resolution: 256}}
  c: {{universe: "0.0 | ]0.0,1.0]"}}
events:
  up: "{up} & c:0.0"
  with_c: "{up} & !c:0.0"
  rest: "!({up}) & !(a:0.0 & b:0.0 & c:0.0)"
"""


@pytest.mark.parametrize(
    ("up", "holds"),
    [("a > b", lambda a, b: a > b), ("l2fc(a,b) > 1.0", lambda a, b: a > 2 * b), ("a <= b", lambda a, b: a <= b)],
)
def test_coupled_samples_equal_a_fine_grid(up: str, holds: object) -> None:
    """Three samples: the plane of two of them by 2,000 midpoints each way, with the points 0."""
    counts = {"a": (9, 60), "b": (5, 50), "c": (1, 40)}
    found = posteriors(COUPLED.format(up=up), counts)
    step = 1 / 2000
    grid = np.concatenate([[0.0], (np.arange(2000) + 0.5) * step])
    weight = np.concatenate([[1.0], np.full(2000, step)])
    a, b, c = (np.exp(log_likelihood(grid, one)) * weight for one in counts.values())
    above = np.array(holds(grid[:, None], grid[None, :]), bool)  # type: ignore[operator]
    together = a[:, None] * b[None, :]
    up_sum = float((together * above).sum() - (0.5 * np.diag(together)[1:].sum() if up == "a <= b" else 0.0))
    down_sum = float(together.sum()) - up_sum - (float(together[0, 0]) if not above[0, 0] else 0.0)
    absent = float(together[0, 0] * c[0])
    with_point = up_sum - (float(together[0, 0]) if above[0, 0] else 0.0)
    up_alone, up_c = with_point * c[0], up_sum * c[1:].sum()
    rest = down_sum * c.sum() + (0.0 if above[0, 0] else float(together[0, 0]) * c[1:].sum())
    total = up_alone + up_c + rest + absent
    assert found["UP"] == pytest.approx(up_alone / total, rel=1e-2, abs=1e-6)
    assert found["WITH_C"] == pytest.approx(up_c / total, rel=1e-2, abs=1e-6)
    assert found["REST"] == pytest.approx(rest / total, rel=1e-2, abs=1e-6)


TRIO = f"""species: {{heterozygosity: {H}, germline-mutation-rate: {NU}, ploidy: 2}}
samples:
  mother: {{}}
  father: {{}}
  child: {{inheritance: {{mendelian: {{from: [mother, father]}}}}}}
events:
  denovo: "!child:0.0 & mother:0.0 & father:0.0"
  inherited: "!child:0.0 & !(mother:0.0 & father:0.0)"
  lost: "child:0.0 & !(mother:0.0 & father:0.0)"
"""
READS = st.integers(0, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(mother=READS, father=READS, child=READS)
def test_families_equal_the_sum_over_all_genotypes(mother: Counts, father: Counts, child: Counts) -> None:
    found = posteriors(TRIO, {"mother": mother, "father": father, "child": child})
    expected: Counter[str] = Counter()
    for (m, f), before in founders((2, 2)).items():
        for c, chance in children(m, f, (2, 2), (1, 1)).items():
            reads = sum(float(log_likelihood(n / 2, one)) for n, one in zip((m, f, c), (mother, father, child), strict=True))
            name = ("LOST" if m or f else "ABSENT") if c == 0 else ("INHERITED" if m or f else "DENOVO")
            expected[name] += before * chance * math.exp(reads + 200)
    total = sum(expected.values())
    for name, value in expected.items():
        assert found[name] == pytest.approx(value / total, rel=1e-6, abs=1e-12)


def test_deep_contradictions_have_an_answer() -> None:
    """Parents without the allele and a child that has all of it, thousands of reads deep: likelihoods far below any double."""
    found = posteriors(TRIO, {"mother": (0, 9000), "father": (0, 9000), "child": (9000, 9000)})
    assert sum(value for name, value in found.items() if name != "OTHER") == pytest.approx(1.0)
    assert all(math.isfinite(value) for value in found.values())


def test_the_heterozygosity_of_an_allele() -> None:
    """The prior is linear in it, from none to the largest that there can be."""
    text = "species: {heterozygosity: 0.001, ploidy: 2}\nsamples: {a: {}, b: {}}\nevents: {x: '!a:0.0 | !b:0.0'}\n"
    scenario = parse_scenario(text, "s")
    largest = planned(scenario, heterozygosity=1.0).network.heterozygosity
    assert 0.2 < largest < 1.0 / (1 + 1 / 2 + 1 / 3 + 1 / 4)
    for share in (0.1, 0.5):
        made = prior(text, heterozygosity=share * largest)["X"]
        assert made == pytest.approx(share * prior(text, heterozygosity=1.0)["X"], rel=1e-6)
