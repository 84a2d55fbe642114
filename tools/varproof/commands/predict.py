"""The executable predict."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.predict import PredictSettings, predict


class PredictOptions(PredictSettings, CommandOptions):
    __doc__ = PredictSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("predict", PredictOptions, predict)


if __name__ == "__main__":
    main()
