"""Candidates with what is known of them: the evidence of both samples, their class, and what others' reads say of them."""

from dataclasses import dataclass, replace

import numpy as np

from varproof.formats.evidence import Evidence
from varproof.formats.prior import LearntPrior
from varproof.posterior.components import Tables, tabulate, tabulated_artifacts
from varproof.posterior.copies import CopyNumbers
from varproof.posterior.crowding import crowd_terms
from varproof.posterior.panel import PanelEvidence, panel_terms
from varproof.posterior.spectra import NO_CONTEXT
from varproof.posterior.weights import artifact_group


@dataclass(frozen=True)
class Sampled:
    """Candidates to learn from or to score: evidence of both samples, class index, whether it is an SNV, its context.

    `context` (n,): see `spectra.context_index`; NO_CONTEXT everywhere if not given. `frequency` (n,): in the population, NaN
    where the germline resource lacks the allele; None: there is no resource. `panel`: what a panel of normals has of them, None
    without one. `copies`: what is known of copy numbers, None: two everywhere. `crowd` (n,): see `crowding`, None: not known.
    """

    tumor: Evidence
    normal: Evidence | None
    class_index: np.ndarray
    is_snv: np.ndarray
    context: np.ndarray | None = None
    frequency: np.ndarray | None = None
    panel: PanelEvidence | None = None
    copies: CopyNumbers | None = None
    crowd: np.ndarray | None = None

    @property
    def frequencies(self) -> np.ndarray:
        """float64 (n,): NaN where they are not known."""
        return np.full(len(self.class_index), np.nan) if self.frequency is None else self.frequency

    @property
    def contexts(self) -> np.ndarray:
        """int (n,)."""
        return np.full(len(self.class_index), NO_CONTEXT) if self.context is None else self.context

    def chosen(self, rows: np.ndarray) -> "Sampled":
        """The candidates `rows`."""
        normal = None if self.normal is None else self.normal.rows(rows)
        frequency = None if self.frequency is None else self.frequency[rows]
        panel = None if self.panel is None else self.panel.rows(rows)
        columns = (self.class_index[rows], self.is_snv[rows], self.contexts[rows], frequency, panel)
        copies = None if self.copies is None else self.copies.chosen(rows)
        crowd = None if self.crowd is None else self.crowd[rows]
        return Sampled(self.tumor.rows(rows), normal, *columns, copies, crowd)

    def tables(self, prior: LearntPrior) -> Tables:
        """Likelihood tables under the prior's artefact read contexts, and what it says of the panel."""
        tables = tabulate(self.tumor, self.normal, self.is_snv, context_ratios(prior, self.class_index))
        return self.with_panel(tables, prior)

    def with_panel(self, tables: Tables, prior: LearntPrior) -> Tables:
        """Tables of these candidates, with what the panel adds under the prior, or companions; unchanged without either."""
        if self.panel is None:
            if self.crowd is None or not prior.crowds:
                return tables
            return replace(tables, crowd=crowd_terms(self.crowd))
        terms = panel_terms(self.panel, prior, self.class_index, artifact_group(self.class_index), self.frequency)
        return replace(tables, panel=terms)

    def with_read_contexts(self, tables: Tables, prior: LearntPrior) -> Tables:
        """Tables of these candidates, under the read contexts of artefacts that `prior` has."""
        ratios = context_ratios(prior, self.class_index)
        artifact_tumor, artifact_normal = tabulated_artifacts(self.tumor, self.normal, self.is_snv, ratios)
        return self.with_panel(replace(tables, artifact_tumor=artifact_tumor, artifact_normal=artifact_normal), prior)


def context_ratios(prior: LearntPrior, class_index: np.ndarray) -> np.ndarray:
    """(n, READ_CONTEXTS) of the prior's groups."""
    return np.array(prior.artifact_contexts)[artifact_group(class_index)]
