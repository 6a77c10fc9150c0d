"""What an operator can set about the agent: what it knows, whom it calls when, and where it stops."""

import re
from collections.abc import Sequence
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workspaces.models import Channel, CostlyKind, Workspace

MAX_FIELDS = 20
MAX_LABEL = 80
# What the agent's tool has words for already.
TAKEN = frozenset({"goal", "budget", "schedulePref", "notes"})
_name = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}").fullmatch
KNOWLEDGE = ("agent_name", "persona", "offer", "pricing", "qualification_criteria", "fields_text")
CALLS = ("calling_from", "calling_until", "no_answer_retries", "no_answer_wait_min", "callers_become_leads")
MESSAGES = ("reply_after_s", "unknown_senders", "writing_takes_over")
NUMBERS = ("called_countries", "allowed_kinds")
LIMITS = ("turns_a_day_per_lead", "turns_a_day", "cost_a_day_per_lead_usd", "cost_a_day_usd")


class ChoiceOfTwo(forms.BooleanField):
    """A yes or no that is chosen from a list, so that there always is one of them."""

    def validate(self, value: bool) -> None:
        """Take a no as well."""


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]
    """What can be set about the agent. Fields of the other channel are left out."""

    fields_text = forms.CharField(
        label=gettext_lazy("What else to find out"),
        required=False,
        max_length=4000,
        help_text=gettext_lazy(
            "One a line, as name: question. For example team_size: How many people are in your team?"
        ),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    called_countries = forms.CharField(
        label=gettext_lazy("Countries you call"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy("Two-letter codes such as GB, IE. Leads from elsewhere wait for a person. Blank: all."),
    )
    allowed_kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Also contact automatically"),
        required=False,
        choices=CostlyKind.choices,
        help_text=gettext_lazy("These numbers cost extra to call. Leads with one wait for a person."),
        widget=forms.CheckboxSelectMultiple,
    )
    writing_takes_over = ChoiceOfTwo(
        label=gettext_lazy("When a colleague writes"),
        help_text=gettext_lazy("Whether writing from a lead's page takes the conversation over."),
        widget=forms.Select(
            choices=[
                ("True", gettext_lazy("The agent is silent until handed back")),
                ("False", gettext_lazy("The agent goes on")),
            ]
        ),
    )
    callers_become_leads = ChoiceOfTwo(
        label=gettext_lazy("Calls from unknown phones"),
        help_text=gettext_lazy("Calls from a lead's own phone always join their timeline."),
        widget=forms.Select(choices=[("False", gettext_lazy("Ignore")), ("True", gettext_lazy("Make a lead"))]),
    )

    class Meta:
        model = Workspace
        fields = ("agent_enabled", *KNOWLEDGE[:-1], *CALLS, *MESSAGES, *NUMBERS, *LIMITS)
        labels = {
            "agent_enabled": gettext_lazy("Agent is on"),
            "agent_name": gettext_lazy("The agent's name"),
            "persona": gettext_lazy("Persona"),
            "offer": gettext_lazy("Offer"),
            "pricing": gettext_lazy("Pricing"),
            "qualification_criteria": gettext_lazy("Who qualifies"),
            "calling_from": gettext_lazy("Call from"),
            "calling_until": gettext_lazy("Call until"),
            "no_answer_retries": gettext_lazy("Calls after no answer"),
            "no_answer_wait_min": gettext_lazy("Minutes between calls"),
            "reply_after_s": gettext_lazy("Seconds to wait for more"),
            "unknown_senders": gettext_lazy("Messages from unknown phones"),
            "turns_a_day_per_lead": gettext_lazy("Replies a day to one lead"),
            "turns_a_day": gettext_lazy("Replies a day to all leads"),
            "cost_a_day_per_lead_usd": gettext_lazy("US dollars a day for one lead"),
            "cost_a_day_usd": gettext_lazy("US dollars a day for all leads"),
        }
        help_texts = {
            "persona": gettext_lazy("How it speaks and what it never does."),
            "offer": gettext_lazy("What you sell, in your words. The agent says nothing that isn't here."),
            "qualification_criteria": gettext_lazy("Who is a good fit, and who is not."),
            "calling_from": gettext_lazy("In the lead's own time zone. Both empty: at any hour."),
            "calling_until": gettext_lazy("Who comes in outside of these hours is called when they begin."),
            "no_answer_wait_min": gettext_lazy("From 5 minutes to a week."),
            "turns_a_day_per_lead": gettext_lazy("Beyond it a human is needed. 0: no limit."),
            "cost_a_day_per_lead_usd": gettext_lazy("What the model's answers cost, estimated. 0: no limit."),
        }
        widgets = {
            "calling_from": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            "calling_until": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def __init__(self, *args: Any, suggested_countries: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.suggested_countries = suggested_countries
        for name in self.other_channels(self.instance.channel):
            del self.fields[name]
        for name, field in self.fields.items():
            if name == "agent_enabled":
                continue
            if isinstance(field.widget, forms.CheckboxSelectMultiple):
                continue
            short = name in (*CALLS, *MESSAGES, *LIMITS)
            field.widget.attrs["class"] = "input input-short" if short else "input"
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs["rows"] = 5
        self.fields["called_countries"].help_text = self._countries_help()
        if not self.is_bound:
            self.initial["allowed_kinds"] = self.instance.allowed_kinds.split(",")
            self.initial["called_countries"] = self.instance.called_countries.replace(",", ", ")
            self.initial["fields_text"] = "\n".join(
                f"{each['name']}: {each['label']}" for each in self.instance.qualification_fields
            )

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields in groups, but for the switch, as (title, fields)."""
        groups = (
            (_("What the agent knows"), KNOWLEDGE),
            (_("Calls"), CALLS),
            (_("Messages"), MESSAGES),
            (_("Phone numbers"), NUMBERS),
            (_("A day's limits"), LIMITS),
        )
        found = [(title, [self[name] for name in names if name in self.fields]) for title, names in groups]
        return [(title, fields) for title, fields in found if fields]

    def _countries_help(self) -> str:
        """Suggest the countries that the workspace is in and its leads come from."""
        text = str(self.fields["called_countries"].help_text)
        found = self.suggested_countries
        return f"{text} {_('Suggested: %(codes)s.') % {'codes': ', '.join(found)}}" if found else text

    def clean_called_countries(self) -> str:
        """Read the codes, however they are separated, into "GB,IE"."""
        codes = re.split(r"[\s,;]+", self.cleaned_data["called_countries"].strip().upper())
        codes = list(dict.fromkeys(code for code in codes if code))
        if unknown := [code for code in codes if code not in phonenumbers.SUPPORTED_REGIONS]:
            raise ValidationError(
                _("“%(code)s” is no country's code. Write GB, for example."), params={"code": unknown[0]}
            )
        return ",".join(codes)

    def clean_allowed_kinds(self) -> str:
        """Store them separated by commas."""
        return ",".join(self.cleaned_data["allowed_kinds"])

    @staticmethod
    def other_channels(channel: str) -> tuple[str, ...]:
        """Name what means nothing on a channel."""
        return (*MESSAGES, *LIMITS) if channel == Channel.VOICE else CALLS

    def clean_fields_text(self) -> list[dict[str, str]]:
        """Read the lines into [{"name", "label"}]."""
        found: list[dict[str, str]] = []
        for line in filter(None, map(str.strip, self.cleaned_data["fields_text"].splitlines())):
            name, _colon, label = (part.strip() for part in line.partition(":"))
            if not _name(name) or not label or len(label) > MAX_LABEL:
                raise ValidationError(
                    _("“%(line)s” is not like team_size: How many people are in your team?"), params={"line": line[:60]}
                )
            if name in TAKEN or name in {each["name"] for each in found}:
                raise ValidationError(_("“%(name)s” is there already."), params={"name": name})
            found.append({"name": name, "label": label})
        if len(found) > MAX_FIELDS:
            raise ValidationError(_("At most %(most)d lines."), params={"most": MAX_FIELDS})
        return found

    def clean(self) -> dict[str, Any]:
        """Want both ends of the calling hours, or none, and time between them."""
        data = super().clean() or {}
        if "calling_from" not in self.fields:
            return data
        start, end = data.get("calling_from"), data.get("calling_until")
        if (start is None) != (end is None) and not {"calling_from", "calling_until"} & self.errors.keys():
            self.add_error("calling_until" if end is None else "calling_from", _("Fill in both times, or neither."))
        elif start is not None and start == end:
            self.add_error("calling_until", _("Choose a later time: between these two nobody could ever be called."))
        return data

    def save(self, commit: bool = True) -> Workspace:
        """Write what is on the page and nothing else: other pages change the same row."""
        workspace: Workspace = self.instance
        workspace.qualification_fields = self.cleaned_data["fields_text"]
        named = [name for name in self.fields if name != "fields_text"]
        workspace.save(update_fields=[*named, "qualification_fields", "updated_at"])
        return workspace
