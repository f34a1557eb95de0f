"""What `import llmroute` costs against importing its dependencies alone.

    python benchmarks/imports.py [--rounds 15] [--detail]

Each figure is the CPU time of the import in a process of its own; both sides take turns, and the ratio
of each pair counts. `--detail` lists the modules that take longest by themselves. Exit status 1 when
the ratio is above its bound.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from statistics import median

BOUND = 1.15
DEPENDENCIES = "aiohttp, attrs, cattrs, tenacity, orjson, regex"
SHOWN = 25
#: Byte code is written and used, as in every installed program.
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python process of its own."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)


def cost(modules: str) -> float:
    """CPU milliseconds of importing `modules` in a fresh interpreter."""
    program = f"from time import process_time as now; start = now(); import {modules}; print(now() - start)"
    return float(run("-c", program).stdout) * 1000


def slowest() -> list[tuple[int, str]]:
    """Microseconds that modules take by themselves, and their names."""
    report = run("-X", "importtime", "-c", "import llmroute").stderr
    found = re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", report, re.M)
    return sorted(((int(time), name) for time, name in found), reverse=True)[:SHOWN]


def main() -> int:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--detail", action="store_true")
    args = parser.parse_args()
    cost("llmroute"), cost(DEPENDENCIES)  # writes the byte code
    pairs = [(cost(DEPENDENCIES), cost("llmroute")) for _ in range(args.rounds)]
    floor, ours = (median(side) for side in zip(*pairs, strict=True))
    ratio = median(own / alone for alone, own in pairs)
    print(f"{'import':24} dependencies {floor:6.1f} ms   llmroute {ours:6.1f} ms   ratio {ratio:.3f}")
    if args.detail:
        for time, name in slowest():
            print(f"    {time / 1000:6.1f} ms  {name}")
    if ratio > BOUND:
        print(f"OVER: import {ratio:.3f}, at most {BOUND:.2f}")
    return ratio > BOUND


if __name__ == "__main__":
    sys.exit(main())
