"""What is said where there is no form to fill in, or where what was sent can't be read."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from leadforms.policy import set_policy
from leadforms.visit import Visit, frame_of
from leadforms.visitor import language_of


def show_closed(visit: Visit) -> HttpResponse:
    """Say that the form is not published."""
    text = _("It may open again. If you were sent here, please tell whoever sent you.")
    return _say(visit, _("This form is not open"), text, status=404)


def show_paused(visit: Visit) -> HttpResponse:
    """Say that the workspace contacts nobody at present."""
    text = _("%(name)s is not taking enquiries at the moment. Please come back later.")
    return _say(visit, _("Not taking enquiries right now"), text % {"name": visit.workspace.name})


def _say(visit: Visit, title: str, text: str, *, status: int = 200) -> HttpResponse:
    context = visit.frame() | {"title": title, "text": text}
    return visit.finish(HttpResponse(render_to_string("forms/message.html", context), status=status))


def show_unknown(request: HttpRequest) -> HttpResponse:
    """Say that there is no such form."""
    with translation.override(language_of(request)):
        text = _("The address may be mistyped, or the form was removed.")
        return _say_plainly(request, _("There is no form here"), text, status=404)


def show_unreadable(request: HttpRequest) -> HttpResponse:
    """Say that a request is not well-formed."""
    with translation.override(language_of(request)):
        text = _("Something about it is not as it should be. Please go back and try again.")
        return _say_plainly(request, _("That could not be read"), text, status=400)


def show_too_long(request: HttpRequest) -> HttpResponse:
    """Say that a request is too large."""
    with translation.override(language_of(request)):
        text = _("Nothing was sent. Please go back, write less, and send it again.")
        return _say_plainly(request, _("That was too much text"), text, status=413)


def show_away(request: HttpRequest) -> HttpResponse:
    """Say that the database is away."""
    with translation.override(language_of(request)):
        text = _("Nothing was sent yet. Please go back and send it again in a minute.")
        response = _say_plainly(request, _("We could not take this right now"), text, status=503)
        response.headers["Retry-After"] = "30"
        return response


def _say_plainly(request: HttpRequest, title: str, text: str, *, status: int) -> HttpResponse:
    """Say something where no form's looks are known."""
    context = frame_of(language_of(request)) | {"title": title, "text": text}
    response = HttpResponse(render_to_string("forms/message.html", context), status=status)
    response.headers["Cache-Control"] = "no-store"
    # Nothing can be clicked here, and a frame that stays empty tells its visitor nothing.
    return set_policy(response, framed_by=["*"])
