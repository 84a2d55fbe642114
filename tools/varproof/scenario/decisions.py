"""Constants of scenarios that are decisions of the model, in one place."""

from pydantic import Field

from varproof.machinery.decisions import Decisions, decided


class ScenarioDecisions(Decisions):
    """Constants of scenarios."""

    default_resolution: int = Field(100, description="points in [0, 1] where a sample says nothing of its resolution")
    least_resolution: int = Field(64, description="fewer points than these are not taken, whatever a file says")
    most_resolution: int = Field(512, description="more points than these tell nothing more: tables have 257")
    panel_nodes: int = Field(4, description="nodes of Gauss and Legendre in each part of an interval")
    most_boxes: int = Field(20_000, description="disjoint parts that the events of a scenario may have")
    most_values: int = Field(1_000_000, description="values of a table over samples that have to be summed together")
    most_ordered: int = Field(12, description="variables of which all orders of summation are tried, where one is too wide")
    values_in_memory: int = Field(6_000_000, description="values of tables of a block of candidates, 8 bytes each")
    artifact_rate: float = Field(1e-5, description="artefacts per allele, beside species rates; 1 beside flat ones")
    lost_by_subclone: float = Field(0.5, description="probability that a subclone of several cells lacks a subclonal variant")
    indel_fraction: float = Field(0.0125, description="indels over SNVs, as Varlociraptor has them")
    mnv_fraction: float = Field(0.001, description="MNVs over SNVs, as Varlociraptor has them")
    sv_fraction: float = Field(0.01, description="other variants over SNVs, as Varlociraptor has them")
    kind_strength: float = Field(36.0, description="candidates that what all kinds have weighs as, for each kind")
    contamination_candidates: int = Field(1000, description="candidates from which a contamination is learnt")
    spectrum_pseudo_count: float = Field(5.0, description="candidates that are added to the spectrum of each event and sample")
    group_pseudo_count: float = Field(0.5, description="candidates that are added to each group of an event's boxes")
    untold_sd: float = Field(2.0, description="standard deviations of a frequency within which it isn't told from a point")
    artifact_pseudo_count: float = Field(10.0, description="artefacts that are added to substitutions, and to others")
    most_taught: int = Field(20_000, description="candidates of which spectra are learnt; of more, every second, third ...")
    spectra_tolerance: float = Field(0.01, description="growth of the log-evidence under which rounds of spectra end")
    least_told_share: float = Field(1e-3, description="share of a class of frequencies that the header tells")
    rounds: int = Field(200, description="rounds of expectation and maximisation of event rates, at most")
    settled: float = Field(1e-6, description="change of a rate, relative, under which rounds end")


DECISIONS = decided(ScenarioDecisions, "scenario")
