"""What has to be in order before TensorFlow is loaded."""

import subprocess
import sys

READS_BEHIND_AN_ADDRESS = """
from varproof.network.runtime import start_tensorflow
from varproof.reads.files import open_reads
from varproof.machinery.remote import Remote

start_tensorflow(1, "this test")
open_reads(Remote("http://127.0.0.1:9/t.bam"), None)
"""


def test_reads_behind_an_address_can_be_opened_beside_tensorflow() -> None:
    run = subprocess.run([sys.executable, "-c", READS_BEHIND_AN_ADDRESS], capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    assert "varproof.machinery.errors.UserError: http://127.0.0.1:9/t.bam: can't be read" in run.stderr
