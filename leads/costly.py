"""Numbers that are never dialled or written to automatically, because a stranger could earn by it or run up a bill.

Kinds that cost the caller extra, and, once a workspace has named the countries it calls, numbers of all others. A
person may contact such a lead all the same, and a workspace may allow a kind. The kinds are those of libphonenumber.
"""

from collections import Counter
from functools import lru_cache

import phonenumbers
from django.utils.translation import gettext_lazy as _
from phonenumbers import PhoneNumberType

from leads.models import Dispatch, Lead
from workspaces.models import CostlyKind, Workspace

WORDS = _("This number may cost extra, or is of a country that this workspace doesn't call.")
LOOKED_AT = 1000
SUGGESTED = 8
# What libphonenumber calls the region of numbers that belong to no country: satellites, +979 and the like.
_NO_COUNTRY = "001"
_KINDS = {
    PhoneNumberType.PREMIUM_RATE: CostlyKind.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: CostlyKind.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: CostlyKind.PERSONAL,
    PhoneNumberType.PAGER: CostlyKind.PAGER,
    PhoneNumberType.UAN: CostlyKind.COMPANY_WIDE,
    PhoneNumberType.VOICEMAIL: CostlyKind.VOICEMAIL,
}


@lru_cache(maxsize=4096)
def kind_and_country(phone: str) -> tuple[str, str]:
    """Return the costly kind of a phone (E.164), "" if it is none, and its country (ISO 3166), "" if it has none."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return "", ""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(number.country_code or 0, ())
    if regions == (_NO_COUNTRY,):
        return CostlyKind.NO_COUNTRY.value, ""
    # One that may exist but isn't assigned counts to the country that its code is best known for.
    country = str(phonenumbers.region_code_for_number(number) or (regions[0] if regions else ""))
    kind = _KINDS.get(phonenumbers.number_type(number))
    return (kind.value if kind else ""), country


def why_costly(workspace: Workspace, phone: str) -> str:
    """Say in an operator's words why a phone isn't contacted automatically, "" where it is."""
    kind, country = kind_and_country(phone)
    if kind and kind not in workspace.allowed_kinds.split(","):
        label = str(CostlyKind(kind).label)
        return f"Not contacted automatically: {label}. Call it yourself, or allow such numbers in the agent's settings."
    if country and workspace.called_countries and country not in workspace.called_countries.split(","):
        return (
            f"Not contacted automatically: the number is of a country that this workspace doesn't call ({country}). "
            "Contact the lead yourself, or add the country in the agent's settings."
        )
    return ""


def why_not_dialled(dispatch: Dispatch) -> str:
    """Say why a dispatch that was read with its lead and workspace is left to a person, "" where it is sent."""
    lead: Lead = dispatch.lead
    return "" if lead.is_test or dispatch.by_hand else why_costly(lead.workspace, lead.phone)


def countries_of_leads(workspace: Workspace) -> list[str]:
    """List the workspace's own country and those that its latest leads come from, the most frequent first."""
    phones = (
        Lead.objects.filter(workspace=workspace, is_test=False).order_by("-created_at").values_list("phone", flat=True)
    )
    counted = Counter(country for phone in phones[:LOOKED_AT] if (country := kind_and_country(phone)[1]))
    found = [workspace.default_region] if workspace.default_region else []
    return list(dict.fromkeys([*found, *(country for country, _ in counted.most_common(SUGGESTED))]))
