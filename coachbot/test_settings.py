"""The settings of every test: those of coachbot.settings in the `test` environment, whatever `.env` says.

A plain `pytest path/to/test_x.py` needs no variable. scripts/test.sh names the database by DATABASE_URL.
"""

import os
from pathlib import Path

os.environ.setdefault("COACHBOT_ENV", "test")
os.environ.setdefault("COACHBOT_DATA_DIR", str(Path(__file__).resolve().parent.parent / "var" / "test"))

from coachbot.settings import *  # noqa: E402, F403 - the environment has to be there first

# A slow hash is what keeps real passwords safe, and half of what a test with a login takes.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Most tests' rows are of one fixed day. Those of lateness set what they need.
LATE_AFTER_S = CONTACT_MAX_AGE_S = 100 * 365 * 86_400
