"""What programs stand on, whatever they compute: workers, journals, outputs, errors, compiled code."""
