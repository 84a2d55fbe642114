"""The executable learn-prior."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.learn_prior import LearnPriorSettings, learn_prior


class LearnPriorOptions(LearnPriorSettings, CommandOptions):
    __doc__ = LearnPriorSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("learn-prior", LearnPriorOptions, learn_prior)


if __name__ == "__main__":
    main()
