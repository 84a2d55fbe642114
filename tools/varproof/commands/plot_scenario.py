"""The executable plot-scenario."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.plot_scenario import PlotScenarioSettings, plot_scenario


class Options(PlotScenarioSettings, CommandOptions):
    __doc__ = PlotScenarioSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("plot-scenario", Options, plot_scenario)


if __name__ == "__main__":
    main()
