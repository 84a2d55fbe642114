"""The executable combine-calls."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.combine_calls import CombineCallsSettings, combine_calls


class CombineCallsOptions(CombineCallsSettings, CommandOptions):
    """combine-calls's options; what they are for is said where they are defined."""

    __doc__ = CombineCallsSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("combine-calls", CombineCallsOptions, combine_calls)


if __name__ == "__main__":
    main()
