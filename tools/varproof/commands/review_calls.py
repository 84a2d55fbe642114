"""The executable review-calls."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.review_calls import ReviewCallsSettings, review_calls


class ReviewCallsOptions(ReviewCallsSettings, CommandOptions):
    __doc__ = ReviewCallsSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("review-calls", ReviewCallsOptions, review_calls)


if __name__ == "__main__":
    main()
