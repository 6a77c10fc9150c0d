"""Where a visitor came from goes into the lead's metadata by itself."""

import json
import re
from html import unescape
from typing import Any

from django.test import TestCase

from conftest import make_workspace
from leadforms.tests.factories import make_published
from leadforms.tests.test_submissions import ADA, PAGE, token_for
from leads.models import Lead


class TrackingTests(TestCase):
    def setUp(self) -> None:
        self.version = make_published(make_workspace(slug="northlight", default_region="GB"))

    def carried(self, query: str, **headers: str) -> Any:
        page = self.client.get(f"{PAGE}?{query}", headers=headers).content.decode()
        found = re.search(r'name="tracking" value="([^"]*)"', page)
        assert found is not None
        return json.loads(unescape(found[1]))

    def test_campaigns_and_clicks_of_the_address_reach_the_lead(self) -> None:
        query = "utm_source=ad&utm_medium=cpc&utm_campaign=may&utm_term=t&utm_content=c&utm_id=9&gclid=g&fbclid=f"
        carried = self.carried(f"{query}&msclkid=m&ttclid=t&plan=Gold&name=Ada", Referer="https://search.example/?q=x")

        self.client.post(PAGE, ADA | {"token": token_for(self.version), "tracking": json.dumps(carried)})

        assert Lead.objects.get().metadata == {
            **{"utm_source": "ad", "utm_medium": "cpc", "utm_campaign": "may", "utm_term": "t", "utm_content": "c"},
            **{"utm_id": "9", "gclid": "g", "fbclid": "f", "msclkid": "m", "ttclid": "t"},
            "referrer": "https://search.example/?q=x",
            "landing_page": "http://testserver/forms/northlight?plan=Gold",
        }

    def test_an_embedding_page_is_where_the_visitor_landed(self) -> None:
        query = "embed=1&cb_page=https%3A%2F%2Facme.example%2Foffer%3Fp%3D1%26utm_source%3Dad%23top"
        carried = self.carried(f"{query}&cb_referrer=https%3A%2F%2Fsearch.example%2F", Referer="https://acme.example/")

        assert carried == {"referrer": "https://search.example/", "landing_page": "https://acme.example/offer?p=1"}

    def test_a_plain_frame_knows_the_site_around_it(self) -> None:
        assert self.carried("embed=1", Referer="https://acme.example/") == {"landing_page": "https://acme.example/"}

    def test_our_own_pages_are_nobodys_referrer(self) -> None:
        carried = self.carried("", Referer="http://testserver/forms/northlight")

        assert carried == {"landing_page": "http://testserver/forms/northlight"}

    def test_values_are_cut_and_cleaned(self) -> None:
        carried = self.carried(
            f"utm_source={'x' * 600}&utm_medium=a%00%0Ab&utm_term=%20&gclid[]=1&cb_page=javascript:1"
        )

        assert carried["utm_source"] == "x" * 500
        assert carried["utm_medium"] == "ab"
        assert set(carried) == {"utm_source", "utm_medium"}
