"""Rate limits per key (being written)."""


def reset() -> None:
    """Forget all counts."""
