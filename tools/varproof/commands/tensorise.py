"""The executable tensorise."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.tensorise import TensoriseSettings, tensorise


class TensoriseOptions(TensoriseSettings, CommandOptions):
    __doc__ = TensoriseSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("tensorise", TensoriseOptions, tensorise)


if __name__ == "__main__":
    main()
