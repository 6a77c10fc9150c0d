"""What is asked for a new key and for a roll."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from apikeys.models import MAX_GRACE, Mode
from workspaces.models import Workspace

MAX_GRACE_HOURS = int(MAX_GRACE / timedelta(hours=1))
MAX_LIMIT = 1_000_000


class NewKeyForm(forms.Form):
    """Name, mode, expiry and limits of a new key."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("So that you recognise it later: the system that will use it, for example."),
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    mode = forms.ChoiceField(label=_("Mode"), choices=Mode.choices, initial=Mode.LIVE, widget=forms.RadioSelect)
    expires_on = forms.DateField(
        label=_("Expires on"),
        required=False,
        help_text=_("The last day on which it works. Empty: it never expires."),
        widget=forms.DateInput(attrs={"type": "date", "class": "input input-short"}),
    )
    limit_per_minute = forms.IntegerField(
        label=_("Requests a minute"),
        required=False,
        min_value=0,
        max_value=MAX_LIMIT,
        help_text=format_lazy(
            _("Empty: the default of {number}. 0: no limit."), number=settings.API_RATE_LIMIT_PER_MINUTE
        ),
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )
    limit_per_hour = forms.IntegerField(
        label=_("Requests an hour"),
        required=False,
        min_value=0,
        max_value=MAX_LIMIT,
        help_text=format_lazy(
            _("Empty: the default of {number}. 0: no limit."), number=settings.API_RATE_LIMIT_PER_HOUR
        ),
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )
    nonce = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, workspace: Workspace, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.now = ZoneInfo(workspace.timezone), now
        self.fields["expires_on"].widget.attrs["min"] = now.astimezone(self.zone).date().isoformat()

    def clean_expires_on(self) -> datetime | None:
        """Turn the last day into the moment at which it is over in the workspace's time zone."""
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        try:
            over = datetime.combine(day + timedelta(days=1), time.min, tzinfo=self.zone)
        except OverflowError as error:
            raise forms.ValidationError(_("That day is too far away.")) from error
        if over <= self.now:
            raise forms.ValidationError(_("That day is over already."))
        return over

    def terms(self) -> dict[str, Any]:
        """Return what ApiKey.objects.issue wants to know."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "mode": data["mode"],
            "expires_at": data["expires_on"],
            "limit_per_minute": data["limit_per_minute"],
            "limit_per_hour": data["limit_per_hour"],
        }


class RollForm(forms.Form):
    """How long the old key goes on working."""

    grace_hours = forms.IntegerField(
        label=_("Hours that the old key still works"),
        initial=24,
        min_value=0,
        validators=[MaxValueValidator(MAX_GRACE_HOURS)],
        help_text=_("0 to 72. With 0 it ends at once."),
        widget=forms.NumberInput(attrs={"class": "input input-short", "max": MAX_GRACE_HOURS, "inputmode": "numeric"}),
    )
    nonce = forms.CharField(required=False, widget=forms.HiddenInput)

    def grace(self) -> timedelta:
        """Return the grace as a duration."""
        return timedelta(hours=self.cleaned_data["grace_hours"])
