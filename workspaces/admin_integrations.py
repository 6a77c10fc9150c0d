"""What Django admin asks for to connect a provider. Credentials go in and never come out again."""

import json
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from workspaces.models import Channel, Integration
from workspaces.secrets import SecretUnreadable

Provider = Integration.Provider
# By provider: the names in `credentials`. All of them are needed.
CREDENTIALS: dict[str, tuple[str, ...]] = {
    Provider.VAPI: ("api_key", "assistant_id", "phone_number_id"),
    Provider.TWILIO: ("account_sid", "auth_token", "from_number"),
    Provider.OPENAI: ("api_key",),
    Provider.CALCOM: ("api_key", "event_type_id"),
}
_CHANNEL_OF = {Provider.VAPI: Channel.VOICE, Provider.TWILIO: Channel.WHATSAPP}
_no_space = RegexValidator(r"^[!-~]+\Z", _("Only letters, digits and signs, without spaces."))
_e164 = RegexValidator(r"^\+[1-9]\d{6,14}\Z", _("Write it as +15551234567."))


def _secret(label: Any) -> forms.CharField:
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"})
    return forms.CharField(label=label, required=False, max_length=512, widget=widget, validators=[_no_space])


def _once(label: Any, *validators: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "vTextField"})
    checks = validators or (_no_space,)
    return forms.CharField(label=label, required=False, max_length=512, widget=widget, validators=checks)


def field_names(provider: str) -> tuple[str, ...]:
    """Name the form's fields for a provider's credentials."""
    return tuple(f"{provider}_{name}" for name in CREDENTIALS[provider])


class IntegrationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Ask for one provider's credentials; an empty field keeps what is stored."""

    vapi_api_key = _secret(_("Private API key"))
    vapi_assistant_id = _once(_("Assistant id"))
    vapi_phone_number_id = _once(_("Phone number id"))
    twilio_account_sid = _once(_("Account SID"))
    twilio_auth_token = _secret(_("Auth token"))
    twilio_from_number = _once(_("WhatsApp sender, as +14155238886"), _e164)
    openai_api_key = _secret(_("API key"))
    calcom_api_key = _secret(_("API key"))
    calcom_event_type_id = _once(_("Event type id"), RegexValidator(r"^\d+\Z", _("Digits only.")))

    class Meta:
        model = Integration
        fields: ClassVar = ("workspace", "provider", "options")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_new = self.instance._state.adding
        self.stored: dict[str, str] = {}
        self.is_readable = True
        if not self.is_new:
            self._prepare_change()

    def _prepare_change(self) -> None:
        try:
            self.stored = self.instance.read_credentials()
        except SecretUnreadable:
            self.is_readable = False
        own = field_names(self.instance.provider)
        for name in {name for provider in CREDENTIALS for name in field_names(provider)} - set(own):
            self.fields.pop(name, None)
        for name in set(own) & set(self.fields):
            field = self.fields[name]
            if self.stored.get(name.partition("_")[2]):
                field.widget.attrs["placeholder"] = _("stored")
                field.help_text = _("Stored. Empty keeps it.")
            elif not self.is_readable:
                field.help_text = _("What is stored can't be read: its encryption key is missing. Enter it anew.")

    def clean_options(self) -> dict[str, Any]:
        """Refuse what is not an object, and what the provider's own check refuses."""
        options = self.cleaned_data["options"] or {}
        if not isinstance(options, dict):
            raise forms.ValidationError(_("Write a JSON object."))
        provider = self.cleaned_data.get("provider") if self.is_new else self.instance.provider
        if path := settings.OPTION_CHECKS.get(provider or ""):
            try:
                import_string(path)(options)
            except ValueError as error:
                raise forms.ValidationError(str(error)) from error
        return options

    def clean(self) -> dict[str, Any]:
        """Refuse to store half of what a provider needs, or a provider that the channel has no use for."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        provider = data.get("provider") if self.is_new else self.instance.provider
        if not provider:
            return data
        workspace = data.get("workspace") if self.is_new else None
        if workspace is not None and _CHANNEL_OF.get(provider, workspace.channel) != workspace.channel:
            self.add_error("provider", _("This workspace is on another channel."))
        self.stored = {name: self._given(provider, name) for name in CREDENTIALS[provider]}
        return data

    def _given(self, provider: str, name: str) -> str:
        field = f"{provider}_{name}"
        value = str(self.cleaned_data.get(field) or self.stored.get(name, ""))
        if not value and field in self.fields and field not in self.errors:
            self.add_error(field, _("This is needed."))
        return value

    def save(self, commit: bool = True) -> Any:
        """Store the credentials, encrypted as a whole."""
        self.instance.credentials = json.dumps(self.stored)
        return super().save(commit=commit)
