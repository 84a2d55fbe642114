"""Neutral evolution and its test, for estimate-vaf: a spectrum comes in, what is written and said of it goes out."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from varproof.formats.metrics import NeutralEvolution, NeutralityTest
    from varproof.posterior.detection import DetectionLimit
    from varproof.posterior.neutrality import Neutrality

logger = logging.getLogger(__name__)


class FitOptions(Protocol):
    """The options of estimate-vaf that are read here."""

    fmin: float | None
    fmax: float | None

    @property
    def fit_range(self) -> tuple[float, float]:
        """(fmin, fmax), defaults filled in."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Of n calls: most probable frequencies in the tumour cells, fragments (0: not known), groups of types; the purity."""

    vafs: Sequence[float]
    depths: Sequence[int]
    groups: Sequence[str]
    purity: float


def neutral_evolution(spectrum: Spectrum, limit: "DetectionLimit | None", options: FitOptions) -> "NeutralEvolution | None":
    """The fit in the chosen range, and its test; in the observed range, untested, if the default holds too few; or None."""
    import numpy as np

    from varproof.formats.metrics import NeutralEvolution
    from varproof.posterior.vaf import MIN_VARIANTS, neutral_fit

    values = np.asarray(spectrum.vafs, dtype=float)
    values = values[values > 0]
    low, high = options.fit_range
    interval: Literal["given", "observed range"] = "given"
    fit = neutral_fit(values, low, high)
    if fit is None and options.fmin is None and options.fmax is None and np.unique(values).size > MIN_VARIANTS:
        logger.warning(
            "fewer than %d variants with a VAF in [%g, %g): the neutral line is fitted over all that were observed",
            MIN_VARIANTS,
            low,
            high,
        )
        fit, interval = neutral_fit(values, float(values.min()), float(values.max())), "observed range"
    if fit is None:
        logger.warning("fewer than %d variants with a VAF in [%g, %g): no neutral-evolution fit", MIN_VARIANTS, low, high)
        return None
    logger.info(
        "neutral evolution over VAFs in [%g, %g): mu/beta = %.4g (95 %% interval %.4g to %.4g), R2 = %s, %d variants",
        fit.fmin,
        fit.fmax,
        fit.mutation_rate,
        fit.mutation_rate_low,
        fit.mutation_rate_high,
        "NA" if math.isnan(fit.r_squared) else f"{fit.r_squared:.3f}",
        fit.variants,
    )
    test = neutrality_of(spectrum, limit, options.fmin, high) if interval == "given" else None
    if test is None:
        logger.info("neutral evolution is not tested: too few variants in the range, or not enough fragments to see it")
    else:
        logger.log(logging.WARNING if test.p_value < 0.05 else logging.INFO, "%s", test.conclusion)
    return NeutralEvolution(
        fmin=fit.fmin,
        fmax=fit.fmax,
        interval=interval,
        variants=fit.variants,
        mutation_rate=fit.mutation_rate,
        mutation_rate_low=fit.mutation_rate_low,
        mutation_rate_high=fit.mutation_rate_high,
        r_squared=None if math.isnan(fit.r_squared) else fit.r_squared,
        r_squared_uncentred=fit.r_squared_uncentred,
        test=test,
    )


def neutrality_of(
    spectrum: Spectrum, limit: "DetectionLimit | None", low: float | None, high: float
) -> "NeutralityTest | None":
    """The test on [low, high), or from where on no variant is missed; None where that holds too few variants."""
    import numpy as np

    from varproof.formats.metrics import NeutralityTest, SubclonePower
    from varproof.posterior.neutrality import neutrality, range_without_loss

    vafs, depths = np.asarray(spectrum.vafs, dtype=float), np.asarray(spectrum.depths, dtype=int)
    known = (depths > 0) & (vafs > 0)
    vafs, depths = vafs[known], depths[known]
    if not len(vafs):
        return None
    range_ = range_without_loss(depths, spectrum.purity, _surely_kept(vafs, depths, spectrum, known, limit), high, low)
    found = neutrality(vafs, depths, spectrum.purity, *range_)
    if found is None:
        return None
    return NeutralityTest(
        low=found.low,
        high=found.high,
        variants=found.variants,
        effective_variants=found.effective_variants,
        kolmogorov_distance=found.kolmogorov_distance,
        excess_frequency=found.excess_frequency,
        excess_variants=found.excess_variants,
        p_value=found.p_value,
        power=[SubclonePower(frequency=one.frequency, power=one.power, found_share=one.found_share) for one in found.power],
        expected=[round(value, 3) for value in found.expected.tolist()],
        conclusion=conclusion(found),
    )


def _surely_kept(vafs: Any, depths: Any, spectrum: Spectrum, known: Any, limit: "DetectionLimit | None") -> Any:
    """(n,) alternative fragments from which on a variant of each depth is kept; of lists whose limit is not known one more
    than the fewest that are there.
    """
    import numpy as np

    if limit is None:
        return np.full(len(vafs), float(np.rint(vafs * depths * spectrum.purity).min()) + 1)
    groups = [group for group, there in zip(spectrum.groups, known.tolist(), strict=True) if there]
    sure = {key: limit.surely_kept(*key) for key in set(zip(depths.tolist(), groups, strict=True))}
    return np.array([sure[key] for key in zip(depths.tolist(), groups, strict=True)])


def conclusion(found: "Neutrality") -> str:
    """What follows from the test, in words."""
    from varproof.posterior.neutrality import SHARE, WANTED_POWER

    p = f"p = {found.p_value:.2g}, {found.variants} variants with a VAF in [{found.low:.3g}, {found.high:.3g})"
    if found.rejected:
        return (
            f"neutral evolution is rejected ({p}): about {found.excess_variants:.0f} more variants around a VAF of "
            f"{found.excess_frequency:.2g} than it has, as a subclone makes them; mu/beta is then no mutation rate"
        )
    best = found.best_power
    power = f"would be found in {best.power:.0%} of such samples"
    subclone = f"a subclone at a VAF of {best.frequency:.2g} with {SHARE:.0%} of them {power}"
    if best.power >= WANTED_POWER:
        return f"neutral evolution is not rejected ({p}): {subclone}"
    enough = (
        "none would be found reliably"
        if best.found_share is None
        else f"it takes {best.found_share:.0%} to be found in {WANTED_POWER:.0%}"
    )
    return f"neutral evolution is not rejected ({p}), which says little: {subclone}; {enough}"
