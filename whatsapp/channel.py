"""WhatsApp: a promise that the engine keeps."""


class WhatsAppChannel:
    """Filled in by its author."""
