"""Where time zones are read from: the pinned tzdata package, never the machine's own tables.

Calling hours depend on them, and what a machine has may be years old.
"""

import zoneinfo

import tzdata  # type: ignore[import-untyped]

# The first release with the rules that the tests know: the end of clock changes in western Canada, for one.
OLDEST = "2026f"


def use_pinned() -> None:
    """Have `zoneinfo` look into the tzdata package alone, and forget the zones that were read before."""
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()


def find_fault() -> str:
    """Say what is wrong with the zone data of this process, "" if nothing is."""
    if zoneinfo.TZPATH:
        return f"zoneinfo looks into {', '.join(zoneinfo.TZPATH)} before the tzdata package."
    if tzdata.IANA_VERSION < OLDEST:
        return f"The tzdata package holds {tzdata.IANA_VERSION}; at least {OLDEST} is needed."
    return ""
