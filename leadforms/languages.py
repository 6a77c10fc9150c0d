"""The languages that the hosted form speaks."""

LANGUAGES = (
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("pt", "Português"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("ar", "العربية"),
)
CODES = tuple(code for code, _ in LANGUAGES)
RIGHT_TO_LEFT = frozenset({"ar"})
