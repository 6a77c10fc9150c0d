"""What the web server runs."""

from django.core.wsgi import get_wsgi_application

from coachbot import env  # noqa: F401 - names the settings module

_django = get_wsgi_application()

from coachbot.lane import FastLane  # noqa: E402 - needs Django to be set up

application = FastLane(_django)
