"""The executable call-candidates."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.call_candidates import CallCandidatesSettings, call_candidates


class CallCandidatesOptions(CallCandidatesSettings, CommandOptions):
    __doc__ = CallCandidatesSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("call-candidates", CallCandidatesOptions, call_candidates)


if __name__ == "__main__":
    main()
