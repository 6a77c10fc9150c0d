"""The two forms that ask for a password, with the brake on guessing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from coachbot import login_brake
from coachbot.login_brake import Attempt, TooManyTries
from coachbot.passwords import PasswordsBusy

BUSY_RETRY_S = 5
ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)


class Braked:
    """A form that may refuse to compare a password at all: `refused` is (status, seconds to wait) then."""

    refused: tuple[int, int] | None = None

    def refuse(self, error: TooManyTries) -> ValidationError:
        """Note the refusal and put it into words."""
        self.refused = (429, error.retry_s)
        words = ngettext(
            "Too many tries. Try again in %(seconds)s second.",
            "Too many tries. Try again in %(seconds)s seconds.",
            error.retry_s,
        )
        return ValidationError(words % {"seconds": error.retry_s}, code="too_many_tries")

    @contextmanager
    def comparing(self, attempt: Attempt) -> Iterator[None]:
        """Count the try in the block by how it ends: a ValidationError is a failure."""
        try:
            yield
        except PasswordsBusy:
            attempt.not_made()
            self.refused = (503, BUSY_RETRY_S)
            raise ValidationError(_("Too many people are signing in. Try again in a few seconds.")) from None
        attempt.succeeded()


class LoginForm(Braked, AuthenticationForm):
    """Whoever is active may sign in; each page asks for itself what the user may see."""

    request: HttpRequest

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Compare the password, unless it is too soon after failures."""
        username = self.cleaned_data.get("username")
        if username is None or not self.cleaned_data.get("password"):
            return super().clean()
        try:
            attempt = login_brake.begin(self.request, username)
        except TooManyTries as error:
            raise self.refuse(error) from None
        with self.comparing(attempt):
            return super().clean()

    def get_invalid_login_error(self) -> ValidationError:
        """Log the failure."""
        login_brake.log_failure(self.request, self.cleaned_data["username"])
        return super().get_invalid_login_error()


class PasswordForm(Braked, AdminPasswordChangeForm):
    """Changes one's own password."""

    @sensitive_variables()
    def clean_old_password(self) -> str:
        """Compare the old password, unless it is too soon after failures."""
        try:
            attempt = login_brake.begin_change(self.user.pk)
        except TooManyTries as error:
            raise self.refuse(error) from None
        with self.comparing(attempt):
            return super().clean_old_password()


def tell_refusal(response: ResponseT) -> ResponseT:
    """Give the page of a form that refused to compare its status and Retry-After."""
    form = (getattr(response, "context_data", None) or {}).get("form")
    if isinstance(form, Braked) and form.refused:
        response.status_code = form.refused[0]
        response.headers["Retry-After"] = str(form.refused[1])
    return response
