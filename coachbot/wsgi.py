"""What the web server runs."""

import gc

from django.core.wsgi import get_wsgi_application

from coachbot import env  # noqa: F401 - names the settings module

_django = get_wsgi_application()

from coachbot import urls  # noqa: E402, F401 - loaded now, so that it is among what lives for ever
from coachbot.charset import AsUtf8  # noqa: E402 - like the next one
from coachbot.lane import FastLane  # noqa: E402 - needs Django to be set up

# All of it without the fast path, for the benchmark that says what that gains.
django_alone = AsUtf8(_django)
application = FastLane(django_alone)

# What is here now stays: the collector need not walk through it again and again, and notices new garbage sooner.
gc.collect()
gc.freeze()
