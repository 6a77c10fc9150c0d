"""Bearer keys (being written)."""


def forget() -> None:
    """Forget all remembered keys."""


class ApiKeyAuthentication:
    """Being written."""
