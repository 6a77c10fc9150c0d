"""Submissions that were kept back: as spam, or because the day's cap was reached. Staff release or discard them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from leadforms.models import HeldSubmission
from leads.intake import Submission

_REST = ("email", "goal", "metadata", "form_responses")


def hold(submission: Submission, *, reason: HeldSubmission.Reason, now: datetime) -> HeldSubmission:
    """Keep a submission back, whole, with the consent that was given with it."""
    if submission.consent is None or submission.form_version_id is None:
        raise ValueError("Only what came through a form is held.")
    rest: Any = {name: getattr(submission, name) for name in _REST}
    consent: Any = asdict(submission.consent) | {"given_at": submission.consent.given_at.isoformat()}
    return HeldSubmission.objects.create(
        workspace_id=submission.workspace_id,
        form_version_id=submission.form_version_id,
        reason=reason,
        name=submission.name,
        phone=submission.phone,
        submission=rest,
        consent=consent,
        ip=submission.consent.ip,
        created_at=now,
    )
