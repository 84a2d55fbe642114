"""The executable score-scenario."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.score_scenario import ScoreScenarioSettings, score_scenario


class Options(ScoreScenarioSettings, CommandOptions):
    __doc__ = ScoreScenarioSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("score-scenario", Options, score_scenario)


if __name__ == "__main__":
    main()
