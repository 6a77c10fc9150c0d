"""What is sent by somebody who is a lead already: it goes into the lead's timeline, and members are told of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from leadforms.wording import answers_in_words
from leads import alerts
from leads.intake import Submission
from leads.models import Lead, LeadEvent

# Who knows a lead's phone can send it as often as the form lets anybody: so many are kept, and so often a mail goes.
KEPT_AT_MOST = 20
QUIET = timedelta(days=1)
MAX_TEXT = 4000


def note_again(lead_id: UUID, submission: Submission, *, now: datetime) -> None:
    """Keep what was said, inside the caller's transaction. Nobody is contacted; who sent it is told what anybody is."""
    lead = Lead.objects.filter(pk=lead_id).first()
    if lead is None:
        return
    before = LeadEvent.objects.filter(lead=lead, kind=LeadEvent.Kind.SENT_AGAIN).values_list("at", flat=True)
    if len(before) >= KEPT_AT_MOST:
        return
    with translation.override(settings.LANGUAGE_CODE):
        text = "\n".join(f"{label}: {said}" for label, said in _said(submission))[:MAX_TEXT]
        LeadEvent.objects.create(lead=lead, kind=LeadEvent.Kind.SENT_AGAIN, data={"text": text}, at=now)
        # A second try of the same day is no news.
        if now - max([lead.created_at, *before]) >= QUIET:
            alerts.remember(lead.pk, reason=_("Sent the form again."), now=now)


def _said(submission: Submission) -> Iterator[tuple[str, str]]:
    yield _("Name"), submission.name
    if submission.email:
        yield _("Email"), submission.email
    if submission.goal:
        yield _("Goal"), submission.goal
    yield from answers_in_words(
        workspace_id=submission.workspace_id,
        version_id=submission.form_version_id,
        responses=submission.form_responses,
    )
