"""The project: settings, entrances, and what belongs to no single app."""

from coachbot.zones import use_pinned

# Web, worker, manage.py and tests all begin with an import from here, so no zone is read before this.
use_pinned()
