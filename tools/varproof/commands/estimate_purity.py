"""The executable estimate-purity."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.estimate_purity import EstimatePuritySettings, estimate_purity


class Options(EstimatePuritySettings, CommandOptions):
    __doc__ = EstimatePuritySettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("estimate-purity", Options, estimate_purity)


if __name__ == "__main__":
    main()
