"""The executable simulate-pair."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.simulate_pair import SimulatePairSettings, simulate


class Options(SimulatePairSettings, CommandOptions):
    __doc__ = SimulatePairSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("simulate-pair", Options, simulate)


if __name__ == "__main__":
    main()
