"""The executable build-panel."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.build_panel import BuildPanelSettings, build_panel


class BuildPanelOptions(BuildPanelSettings, CommandOptions):
    __doc__ = BuildPanelSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("build-panel", BuildPanelOptions, build_panel)


if __name__ == "__main__":
    main()
