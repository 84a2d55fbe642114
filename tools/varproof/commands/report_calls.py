"""The executable report-calls."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.report_calls import ReportCallsSettings, report_calls


class ReportCallsOptions(ReportCallsSettings, CommandOptions):
    __doc__ = ReportCallsSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("report-calls", ReportCallsOptions, report_calls)


if __name__ == "__main__":
    main()
