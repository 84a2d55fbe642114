"""The executable fdr-filter."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.fdr_filter import FdrFilterSettings, fdr_filter


class FdrFilterOptions(FdrFilterSettings, CommandOptions):
    __doc__ = FdrFilterSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("fdr-filter", FdrFilterOptions, fdr_filter)


if __name__ == "__main__":
    main()
