"""Stand-ins for Vapi, Twilio, OpenAI, Cal.com and Inngest's event API: one asyncio process, state in memory."""

import zoneinfo

# The product's own zone tables: a slot must not be an hour off on an old machine.
zoneinfo.reset_tzpath(())
