"""What a visitor sends becomes a lead, once; or it is shown again with what is wrong with it."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from leadforms import held, spam, tokens
from leadforms.answers import Read, read_answers
from leadforms.content import Content, QuestionType, read_content
from leadforms.known import note_again
from leadforms.models import FormVersion, HeldSubmission, LeadForm
from leadforms.tokens import BadToken, Spent, Token, TooOld
from leadforms.tracking import read_tracking
from leads.costly import why_costly
from leads.dispatch import deliver
from leads.intake import Accepted, ConsentGiven, DuplicatePhone, Submission, accept_lead
from leads.models import Lead

# A field that people don't see. Browsers and password managers know no value for this name.
HONEYPOT = "cb_remark"
# Questions whose answers are the visitor's own words.
_OWN_WORDS = (QuestionType.SHORT_TEXT, QuestionType.LONG_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The sender, as far as the request shows it. `page_url` is the page of ours that the form stood on."""

    ip: str | None
    user_agent: str
    page_url: str


@dataclass(frozen=True, slots=True)
class Thanked:
    """It is a lead, or it was before, or it is kept back: whoever sent it is told the same."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The form is open no longer, nor was it when this page was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """It must be sent once more: some answers are wrong, or the page was too old to be believed (`notice`)."""

    version: FormVersion
    token: str
    issues: dict[str, str] = field(default_factory=dict)
    notice: str = ""


class _CapReached(Exception):
    """As many leads as the workspace wants a day are contacted already."""


def receive(form: LeadForm, post: QueryDict, *, sender: Sender, now: datetime) -> Thanked | Again | Closed:
    """Take a submission in: checked against the version that it was given to, kept, and set going."""
    offered = str(post.get("token", ""))
    try:
        token = tokens.read(offered, form=form, now=now)
        version = form.versions.select_related("consent_text").get(pk=token.version_id)
    except TooOld as old:
        return _ask_again(form, issued_at=_long_enough_before(now), embedded_by=old.embedded_by)
    except (BadToken, FormVersion.DoesNotExist):
        return _ask_again(form, issued_at=now)
    content = read_content(version.content)
    read = read_answers(content, post, region=form.workspace.default_region)
    if read.issues:
        return Again(version=version, token=offered, issues=read.issues)
    consent = _consent(version, token, sender, now=now)
    submission = _submission(form, version, read, post, consent=consent)
    # A second click is told what came of the first, and counts toward no limit.
    texts = _own_words(content, read)
    reason = None if tokens.is_spent(token) else _find_reason(form, token, submission, post, texts=texts, now=now)
    spent, accepted = _keep(form, token, submission, reason=reason, now=now)
    if spent is Spent.OTHER:
        return _again(version, issued_at=_long_enough_before(now), embedded_by=token.embedded_by)
    if accepted is not None:
        deliver(accepted, undo_refused=False)
    return Thanked()


def _find_reason(
    form: LeadForm, token: Token, submission: Submission, post: QueryDict, *, texts: list[str], now: datetime
) -> HeldSubmission.Reason | None:
    ip = submission.consent.ip if submission.consent else None
    trap = post.get(HONEYPOT, "")
    reason = spam.find_reason(form=form, token=token, honeypot=trap, name=submission.name, texts=texts, ip=ip, now=now)
    if reason is None and why_costly(form.workspace, submission.phone):
        return HeldSubmission.Reason.COSTLY_NUMBER
    return reason


def _own_words(content: Content, read: Read) -> list[str]:
    answers = (read.answers.get(question.id) for question in content.questions() if question.type in _OWN_WORDS)
    return [text for text in (read.contact.goal, *answers) if text]


def _keep(
    form: LeadForm, token: Token, submission: Submission, *, reason: HeldSubmission.Reason | None, now: datetime
) -> tuple[Spent, Accepted | None]:
    """Spend the token and keep what was sent under it, both or neither."""
    with transaction.atomic(durable=True):
        spent = tokens.spend(token, body_sha256=_digest(submission), now=now)
        if spent is not Spent.FIRST:
            return spent, None
        if reason is None:
            try:
                return spent, _accept(form, submission, now=now)
            except DuplicatePhone as known:
                if known.lead_id:
                    note_again(known.lead_id, submission, now=now)
                return spent, None
            except _CapReached:
                reason = HeldSubmission.Reason.DAILY_CAP
        held.hold(submission, reason=reason, now=now)
        return spent, None


def _accept(form: LeadForm, submission: Submission, *, now: datetime) -> Accepted:
    # A savepoint: the cap counts who is contacted, so it is asked last, and takes the lead back where it is reached.
    with transaction.atomic():
        accepted = accept_lead(submission, now=now)
        if not accepted.skipped and not spam.take_contact(form, now=now):
            raise _CapReached
        return accepted


def _consent(version: FormVersion, token: Token, sender: Sender, *, now: datetime) -> ConsentGiven:
    """Write the evidence down: what we served and saw. What the visitor says of it goes into the metadata."""
    return ConsentGiven(
        text=version.consent_text.text,
        version=version.consent_text.number,
        given_at=now,
        ip=sender.ip,
        user_agent=sender.user_agent,
        page_url=sender.page_url,
        embedded_by=token.embedded_by,
    )


def _submission(
    form: LeadForm, version: FormVersion, read: Read, post: QueryDict, *, consent: ConsentGiven
) -> Submission:
    tracking = read_tracking(post.get("tracking", ""))
    return Submission(
        workspace_id=form.workspace_id,
        channel=form.workspace.channel,
        name=read.contact.name,
        phone=read.contact.phone,
        email=read.contact.email or None,
        goal=read.contact.goal or None,
        metadata=dict(tracking) or None,
        form_responses=read.answers,
        source=Lead.Source.FORM,
        form_version_id=version.pk,
        consent=consent,
        later=True,
    )


def _digest(submission: Submission) -> str:
    """Tell two submissions apart by what a person put into them."""
    names = ("name", "phone", "email", "goal", "form_responses")
    said = {name: getattr(submission, name) for name in names}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _ask_again(form: LeadForm, *, issued_at: datetime, embedded_by: str = "") -> Again | Closed:
    if form.published is None:
        return Closed()
    return _again(form.published, issued_at=issued_at, embedded_by=embedded_by)


def _long_enough_before(now: datetime) -> datetime:
    """Return when the page was made for somebody who has been at it before, and may send it again at once."""
    return now - timedelta(seconds=settings.FORM_MIN_SECONDS)


def _again(version: FormVersion, *, issued_at: datetime, embedded_by: str) -> Again:
    token = tokens.issue(version, now=issued_at, embedded_by=embedded_by)
    return Again(version=version, token=token, notice=_("Please send it again."))
