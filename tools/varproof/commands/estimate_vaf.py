"""The executable estimate-vaf."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.estimate_vaf import EstimateVafSettings, estimate_vaf


class EstimateVafOptions(EstimateVafSettings, CommandOptions):
    __doc__ = EstimateVafSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("estimate-vaf", EstimateVafOptions, estimate_vaf)


if __name__ == "__main__":
    main()
