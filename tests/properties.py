"""Hypothesis as the tests use it: what others import from it, they import from here.

Files that need Hypothesis wait for its import, no others. Its examples have no deadline: how long one takes says how
busy the machine is, nothing about what is tested.
"""

from hypothesis import HealthCheck, Phase, assume, example, given, settings, strategies

settings.register_profile("coachbot", deadline=None)
settings.load_profile("coachbot")

__all__ = ["HealthCheck", "Phase", "assume", "example", "given", "settings", "strategies"]
