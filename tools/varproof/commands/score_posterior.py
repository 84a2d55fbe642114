"""The executable score-posterior."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior


class ScorePosteriorOptions(ScorePosteriorSettings, CommandOptions):
    __doc__ = ScorePosteriorSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("score-posterior", ScorePosteriorOptions, score_posterior)


if __name__ == "__main__":
    main()
