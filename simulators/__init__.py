"""Stand-ins for Vapi, Twilio, OpenAI, Cal.com and Inngest's event API: one asyncio process, state in memory."""
