"""The executable combine-calls."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.combine_calls import CombineCallsSettings, combine_calls


class CombineCallsOptions(CombineCallsSettings, CommandOptions):
    __doc__ = CombineCallsSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("combine-calls", CombineCallsOptions, combine_calls)


if __name__ == "__main__":
    main()
