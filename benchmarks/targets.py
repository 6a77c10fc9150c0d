"""What the product must reach in one run on one machine: the floor, below which `make bench` fails, and the goal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A gate on the median of a figure over the rounds."""

    figure: str
    title: str
    floor: float
    goal: float
    unit: str
    more_is_better: bool = False

    def reaches(self, value: float, bound: float) -> bool:
        """Say whether a value is within a bound; no value (NaN) never is."""
        return value >= bound if self.more_is_better else value <= bound

    def verdict(self, value: float) -> str:
        """Say `goal`, `floor` or `MISSED`."""
        if self.reaches(value, self.goal):
            return "goal"
        return "floor" if self.reaches(value, self.floor) else "MISSED"


def _at_least(figure: str, title: str, floor: float, goal: float, unit: str) -> Target:
    return Target(figure=figure, title=title, floor=floor, goal=goal, unit=unit, more_is_better=True)


def _at_most(figure: str, title: str, floor: float, goal: float, unit: str) -> Target:
    return Target(figure=figure, title=title, floor=floor, goal=goal, unit=unit)


TARGETS = (
    _at_least("accept: product / baseline, 64", "accept, 64 connections, against plain DRF", 8, 25, "×"),
    _at_least("accept: product / pgbench, 64", "accept, 64 connections, against pgbench", 35, 100, "%"),
    _at_most("accept: product p99, 64", "accept, 64 connections, p99", 200, 60, "ms"),
    _at_most("accept: product CPU a lead, 64", "server CPU per accepted lead", 1200, 500, "µs"),
    _at_most("voice: p99 over the provider, 200", "voice, 200 in flight, p99 over the provider", 100, 20, "ms"),
    _at_most("voice: p99 over the provider, 500", "voice, 500 in flight, p99 over the provider", 800, 60, "ms"),
    _at_most("voice: database connections, 500", "voice, 500 in flight, database connections", 20, 20, ""),
    _at_most("voice: memory, 500", "voice, 500 in flight, memory of the web processes", 300, 200, "MB"),
    _at_least("sqlite: product / baseline, 64", "SQLite, 64 connections, against serializer and ORM", 3, 9, "×"),
    _at_least("get: product / pgbench, 64", "GET one lead against pgbench's select", 10, 25, "%"),
    _at_most("list: worst page / first page at 1 k", "list, worst page against the first at 1 k", 2, 1.2, "×"),
    _at_least("fast path: accept, 64, with / without", "accept, 64 connections, against Django alone", 1.3, 2, "×"),
    _at_least("fast path: get, 64, with / without", "GET one lead, against Django alone", 1.3, 3, "×"),
    _at_most("start: second make run", "make run, second start", 5, 3, "s"),
)
