"""The executable spike-variants."""

from varproof.commands.base import CommandOptions, run_command
from varproof.steps.spike_variants import SpikeVariantsSettings, spike_variants


class SpikeVariantsOptions(SpikeVariantsSettings, CommandOptions):
    __doc__ = SpikeVariantsSettings.__doc__


def main() -> None:
    """Entry point."""
    run_command("spike-variants", SpikeVariantsOptions, spike_variants)


if __name__ == "__main__":
    main()
