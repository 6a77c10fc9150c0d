"""What `manage.py demo` fills an empty installation with: one coaching business on both channels."""

from typing import Any

BUSINESS: dict[str, Any] = {
    "agent_name": "Maya",
    "persona": (
        "You are Maya, assistant to the coaches of Northlight Coaching. Warm, calm and brief: one question at a time, "
        "no jargon, no pressure. Use the lead's first name once or twice, not in every sentence. You are no therapist: "
        "when someone sounds unsafe or asks for medical help, say so kindly and hand over to a human."
    ),
    "offer": (
        "One-to-one life coaching with a certified coach, by video or in our rooms in Leeds.\n"
        "- Clarity Session: a free 30-minute consultation to see whether coaching fits. This is what you book.\n"
        "- Reset: 6 weekly sessions of 50 minutes for one change, such as a new job or better boundaries.\n"
        "- Compass: 12 sessions in 4 months, with messages in between, for a larger turn in life or career.\n"
        "Sessions are Monday to Friday from 8 to 18 o'clock. They can be moved free of charge until 24 hours before."
    ),
    "pricing": (
        "Clarity Session: free.\nReset: £540, or 3 monthly payments of £185.\n"
        "Compass: £1,140, or 4 monthly payments of £295.\n"
        "Money back for sessions not yet held. No discounts beyond these; don't negotiate."
    ),
    "qualification_criteria": (
        "A good fit: is 18 or older, names one thing they want to change, can give it an hour a week within the next "
        "month, and can pay at least the price of Reset. Not a fit: looks for therapy, crisis help or a psychiatrist, "
        "wants coaching for somebody else, or sells something."
    ),
    "default_region": "GB",
    "timezone": "Europe/London",
}

# Made up, in the shape of real ones: the simulators take them, the real providers would not.
CALCOM = {"api_key": "cal_live_demo_5d1f0c2b9a7e4863", "event_type_id": "2041"}
WORKSPACES: tuple[dict[str, Any], ...] = (
    {
        "slug": "demo-voice",
        "channel": "voice",
        "name": "Northlight Coaching",
        "integrations": {
            "vapi": {
                "api_key": "2f6c1a54-0b8e-4d37-9a61-6f3f5f0e8c21",
                "assistant_id": "7d9b6c1e-3a52-4f0e-9c44-0a8f6a2b1c10",
                "phone_number_id": "b1f0c7aa-8f7d-4a0f-9a3c-52f6c1d2e3f4",
            },
            "calcom": CALCOM,
        },
    },
    {
        "slug": "demo-whatsapp",
        "channel": "whatsapp",
        "name": "Northlight Coaching (WhatsApp)",
        "integrations": {
            "twilio": {
                "account_sid": "AC4b1f9d07c2e85a63901d7e4fb26c8a35",
                "auth_token": "e07a3c95d1b84f62a9c05e7d38f1b246",
                "from_number": "+14155238886",
            },
            "openai": {"api_key": "sk-demo-7Qm2Zr8Tn4Vx6Lk1Wp9Y"},
            "calcom": CALCOM,
        },
        # A template such as WhatsApp approves: Hi {{1}}, this is {{2}} of {{3}}. {{4}}
        "options": {
            "twilio": {
                "content_sid": "HX6d1f3b08c94e27a5f0b86c2d9e417a53",
                "content_variables": {"1": "first_name", "2": "agent", "3": "business", "4": "sentence"},
            },
        },
    },
)
