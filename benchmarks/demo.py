"""How long does `make demo` take, and how much memory? Set-up apart.

python -m benchmarks.demo
"""

import json
import resource
import subprocess
import sys
import time

from benchmarks.readme import ROOT, cpu, replace_block, save


def main() -> None:
    """Run the demo project once in a fresh process; print wall time and peak memory."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "weakft", "run", "--json", "--project", str(ROOT)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    timings = json.loads(output)["timings"]
    result = {
        "seconds": round(seconds),
        "peak_gib": round(peak, 2),
        "timings": timings,
        "on": cpu(),
    }
    save("demo", result)
    line = f"`make demo` on {cpu()}, set-up apart: {seconds:.0f} s, peak memory {peak:.1f} GiB."
    print(line, timings)
    replace_block("demo", line)


if __name__ == "__main__":
    main()
