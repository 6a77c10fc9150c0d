"""Voice: one synchronous call to Vapi."""


class VoiceChannel:
    """Filled in by its author."""
