"""The executable evaluate-calls."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.evaluate_calls import EvaluateCallsSettings, evaluate_calls


class EvaluateCallsOptions(EvaluateCallsSettings, CommandOptions):
    __doc__ = EvaluateCallsSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("evaluate-calls", EvaluateCallsOptions, evaluate_calls)


if __name__ == "__main__":
    main()
