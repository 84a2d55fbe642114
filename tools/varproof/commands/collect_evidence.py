"""The executable collect-evidence."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.collect_evidence import CollectEvidenceSettings, collect_evidence


class CollectEvidenceOptions(CollectEvidenceSettings, CommandOptions):
    __doc__ = CollectEvidenceSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("collect-evidence", CollectEvidenceOptions, collect_evidence)


if __name__ == "__main__":
    main()
