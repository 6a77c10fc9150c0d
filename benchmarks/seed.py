"""Fill the product's database: `python -m benchmarks.seed` prints the keys, `… leads <workspace id> <n>` adds leads."""

import json
import sys

import django
from django.core.management import call_command

LIMIT = 10_000_000
# Every column is given a value that the product itself would write. Ids follow from numbers, so that the load
# generator and pgbench can name any of them; one lead every 13 s reaches back five months at a million.
INSERT_LEADS = """
INSERT INTO leads_lead (id, workspace_id, channel, is_test, source, name, phone, email, goal, metadata, form_responses,
                        status, qualification_notes, booking_uid, booking_start, created_at, updated_at)
SELECT md5(workspace.id || ':' || n)::uuid, workspace.id, workspace.channel, false, 'api', 'Seeded Lead ' || n,
       '+4479' || lpad(n::text, 8, '0'), 'lead' || n || '@example.com', 'Lose five kilos by summer',
       '{"companyName":"Acme Corp","utm_source":"ads"}', '{}',
       (ARRAY['new', 'in_conversation', 'booked', 'unqualified', 'needs_human'])[1 + n %% 5],
       NULL, NULL, NULL, moment, moment
FROM workspaces_workspace workspace, generate_series(1, %(count)s) n,
     LATERAL (SELECT now() - n * interval '13 seconds' AS moment) AS times
WHERE workspace.id = %(workspace)s
"""


def make_workspaces() -> dict[str, str]:
    """Migrate and make the workspaces. Returns their ids and keys by name."""
    from apikeys.models import ApiKey
    from workspaces.models import Integration, Workspace

    call_command("migrate", interactive=False, verbosity=0)
    credentials = {
        "api_key": "vapi-private-0123456789",
        "assistant_id": "7d9b6c1e-3a52-4f0e-9c44-0a8f6a2b1c10",
        "phone_number_id": "b1f0c7aa-8f7d-4a0f-9a3c-52f6c1d2e3f4",
    }
    made: dict[str, str] = {}
    for name, channel in {
        "accept": "whatsapp",
        "limit": "whatsapp",
        "voice": "voice",
        "small": "voice",
        "big": "voice",
    }.items():
        workspace = Workspace.objects.create(name=name.title(), slug=f"bench-{name}", channel=channel)
        issued = ApiKey.objects.issue(workspace=workspace, name="bench", limit_per_minute=LIMIT, limit_per_hour=LIMIT)
        made |= {name: str(workspace.pk), f"{name}_key": issued.plaintext}
        if channel == "voice":
            Integration.objects.create(workspace=workspace, provider="vapi", credentials=json.dumps(credentials))
    return made


def add_leads(*, workspace_id: str, count: int) -> dict[str, str]:
    """Give a workspace many leads by one statement of PostgreSQL's."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(INSERT_LEADS, {"workspace": workspace_id, "count": count})
    return {}


def main(arguments: list[str]) -> None:
    """Run the command."""
    django.setup()
    if arguments:
        print(json.dumps(add_leads(workspace_id=arguments[1], count=int(arguments[2]))))
    else:
        print(json.dumps(make_workspaces()))


if __name__ == "__main__":
    main(sys.argv[1:])
