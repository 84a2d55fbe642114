"""The executable scatter-candidates."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.scatter_candidates import ScatterCandidatesSettings, scatter_candidates


class ScatterCandidatesOptions(ScatterCandidatesSettings, CommandOptions):
    __doc__ = ScatterCandidatesSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("scatter-candidates", ScatterCandidatesOptions, scatter_candidates)


if __name__ == "__main__":
    main()
