"""The executable estimate-alignment."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.estimate_alignment import EstimateAlignmentSettings, estimate_alignment


class Options(EstimateAlignmentSettings, CommandOptions):
    __doc__ = EstimateAlignmentSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("estimate-alignment", Options, estimate_alignment)


if __name__ == "__main__":
    main()
