"""The executable gather."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.gather import GatherSettings, gather_chunks


class GatherOptions(GatherSettings, CommandOptions):
    __doc__ = GatherSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("gather", GatherOptions, gather_chunks)


if __name__ == "__main__":
    main()
