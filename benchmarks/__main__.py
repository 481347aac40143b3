"""Run benchmarks: `python -m benchmarks [NAME …]`; without names, all of them."""

from __future__ import annotations

import argparse
import importlib

PROGRAMS = {
    "engine": "engine",
    "mail": "mail",
    "api": "api",
    "import": "imports",
    "executions": "executions",
    "enrolment": "enrolment",
    "segments": "segments",
    "campaign": "campaign",
    "backlog": "backlog",
    "waiting": "waiting",
    "journal": "journal",
    "fairness": "fairness",
    "starting": "starting",
    "soak": "soak",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help=f"which: {', '.join(PROGRAMS)}; all of them if none is named"
    )
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds (default 3)")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="length of a round where it is free (default 3)"
    )
    given = parser.parse_args()
    for name in given.names or PROGRAMS:
        if name not in PROGRAMS:
            parser.error(f"there is no benchmark “{name}”; choose from {', '.join(PROGRAMS)}")
        importlib.import_module(f"benchmarks.{PROGRAMS[name]}").main(given.rounds, given.seconds)


if __name__ == "__main__":
    main()
