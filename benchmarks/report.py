"""What was measured, as a table in the terminal and as RESULTS.md."""

import os
import platform
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.targets import TARGETS, Target

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
HOW = """\
How these were got: `make bench`. A PostgreSQL cluster of its own (`fsync`, `synchronous_commit` and
`full_page_writes` asserted on) and an empty Redis; Coachbot under granian as in production, rate limits counted in
Redis, request ids and logging on; load generator, servers and database share the machine. Product, baseline and
pgbench take turns within each round; a ratio is made of figures of the same round; medians with [lowest – highest]
round. Every lead answered with 201 was found in the database with its dispatch, and nothing but 201 was answered.
See `benchmarks/README.md` for what is compared with what.
"""


@dataclass(slots=True)
class Findings:
    """Figures by name, one value a round, and what went wrong."""

    figures: dict[str, list[float]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str) -> None:
        """Note one round's figure."""
        self.figures.setdefault(name, []).append(value)
        self.units[name] = unit

    def blame(self, fault: str) -> None:
        """Note that a measurement can't be trusted, or that the product did wrong."""
        self.faults.append(fault)
        print(f"  FAULT: {fault}", flush=True)

    def judged(self) -> list[tuple[Target, float, str]]:
        """Return each measured target with its median and verdict."""
        found = [(target, self.figures[target.figure]) for target in TARGETS if target.figure in self.figures]
        return [(target, median(values), target.verdict(median(values))) for target, values in found]

    def passes(self) -> bool:
        """Say whether every floor that was measured is reached and nothing went wrong."""
        return not self.faults and all(verdict != "MISSED" for _, _, verdict in self.judged())


def shown(value: float) -> str:
    """Write a figure with as many digits as mean something."""
    if value != value:  # NaN
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _spread(values: list[float]) -> str:
    return f"[{shown(min(values))} – {shown(max(values))}]" if len(values) > 1 else ""


def target_rows(findings: Findings) -> list[tuple[str, ...]]:
    """Return the table of targets: what, median, range, floor, goal, verdict."""
    rows: list[tuple[str, ...]] = [("target", "median", "range", "floor", "goal", "verdict")]
    for target, value, verdict in findings.judged():
        sign = "≥" if target.more_is_better else "≤"
        unit = f" {target.unit}" if target.unit else ""
        spread = _spread(findings.figures[target.figure])
        bounds = (f"{sign} {shown(target.floor)}{unit}", f"{sign} {shown(target.goal)}{unit}")
        rows.append((target.title, f"{shown(value)}{unit}", spread, *bounds, verdict))
    return rows


def figure_rows(findings: Findings) -> list[tuple[str, ...]]:
    """Return the table of all figures."""
    rows: list[tuple[str, ...]] = [("figure", "median", "range")]
    for name, values in findings.figures.items():
        rows.append((name, f"{shown(median(values))} {findings.units[name]}".strip(), _spread(values)))
    return rows


def as_text(rows: list[tuple[str, ...]]) -> str:
    """Lay a table out for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def as_markdown(rows: list[tuple[str, ...]]) -> str:
    """Lay a table out for a page."""
    head, *rest = rows
    lines = [head, tuple("---" for _ in head), *rest]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def machine(*, postgres: str) -> str:
    """Describe what it ran on, in a line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{model}, {os.cpu_count()} cores, {memory_gb:.0f} GB, {platform.system()} {platform.release()}, "
        f"PostgreSQL {postgres}, Python {platform.python_version()}"
    )


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def write_results(findings: Findings, *, postgres: str, rounds: int, settings: str) -> None:
    """Write RESULTS.md."""
    faults = "".join(f"- {fault}\n" for fault in findings.faults) or "- none\n"
    text = (
        "# What a run of `make bench` found\n\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, {rounds} rounds. {machine(postgres=postgres)}. "
        f"{settings}\n\n{HOW}\n## Targets\n\n{as_markdown(target_rows(findings))}\n\nFaults:\n\n{faults}\n"
        f"## All figures\n\n{as_markdown(figure_rows(findings))}\n"
    )
    RESULTS.write_text(text)
