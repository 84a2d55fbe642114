"""Peak memory of one executable in a process of its own: a test process has the memory of all tests before."""

import re
import subprocess
import sys
from pathlib import Path

RUN_AND_TELL = """
import sys
from varproof.commands import umbrella
try:
    umbrella()
finally:
    print(open("/proc/self/status").read(), file=sys.stderr)
"""


def peak_mb(*command: str | Path) -> float:
    """Largest resident set, MB, of `varproof <command>` with one thread.

    Read by the process itself: what the system reports of a child counts its parent's memory before the program began.
    Of a second run: the first may compile. Raises CalledProcessError where the command fails.
    """
    arguments = [sys.executable, "-c", RUN_AND_TELL, *map(str, command), "--threads", "1", "--quiet"]
    for _ in range(2):
        done = subprocess.run(arguments, capture_output=True, text=True)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            done.check_returncode()
    (peak_kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", done.stderr, re.MULTILINE)
    return int(peak_kib) / 1024
