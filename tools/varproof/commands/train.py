"""The executable train."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.train import TrainSettings, train


class TrainOptions(TrainSettings, CommandOptions):
    __doc__ = TrainSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("train", TrainOptions, train)


if __name__ == "__main__":
    main()
