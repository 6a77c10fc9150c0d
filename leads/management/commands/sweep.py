"""manage.py sweep: do once what the worker does all the time."""

from typing import Any

from django.core.management.base import BaseCommand

from database import clock
from leads import erasures, sweep
from leads.intake import claim_name


class Command(BaseCommand):
    """One sweep, for cron on a small machine or for a look by hand."""

    help = "Send what is due, settle what went silent, delete what is old and what was erased; once, then end."

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until nothing is due."""
        done = 0
        # One at a time: what is claimed and waits for its turn would outlive its lease.
        while jobs := list(sweep.claim_jobs(by=claim_name(), now=clock.now(), limit=1)):
            for job in jobs:
                job()
            done += len(jobs)
        kept = sweep.keep_channels_promises(now=clock.now(), limit=1000)
        sweep.send_mail(now=clock.now(), limit=1000)
        erasures.sweep(now=clock.now(), limit=1000)
        retired = sweep.retire(now=clock.now())
        self.stdout.write(f"{done} dispatches, {kept} promises of the channels, {retired} old rows.")
