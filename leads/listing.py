"""The operator's list of leads: filters out of the address, and pages by key, as fast at the end as at the start."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.http import QueryDict
from django.utils.dateparse import parse_date

from leads.models import Lead, LeadQuerySet
from leads.read import decode_cursor, encode_cursor
from leads.search import MAX_CHARS, matching
from leads.unreached import NO_ANSWER, unreached
from workspaces.models import Workspace

PAGE_SIZE = 50
KINDS = ("live", "test")
SORTS = ("newest", "oldest")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFilter:
    """What a list was narrowed to. Values that mean nothing were dropped. Days are the workspace's own."""

    q: str = ""
    statuses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    kind: str = ""
    since: date | None = None
    until: date | None = None
    sort: str = "newest"

    @property
    def is_set(self) -> bool:
        """Whether anything is left out."""
        return bool(self.q or self.statuses or self.sources or self.kind or self.since or self.until)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but a search leaves something out, or the order is another."""
        return self != LeadFilter(q=self.q)

    def query(self, **more: str) -> str:
        """Write it as the query of an address, with a `?` where there is one."""
        pairs = [("q", self.q), *(("status", each) for each in self.statuses)]
        pairs += [*(("source", each) for each in self.sources), ("kind", self.kind)]
        pairs += [("since", str(self.since or "")), ("until", str(self.until or ""))]
        pairs += [("sort", self.sort if self.sort != SORTS[0] else ""), *more.items()]
        text = urlencode([(name, value) for name, value in pairs if value])
        return f"?{text}" if text else ""

    def apply(self, leads: LeadQuerySet, *, workspace: Workspace) -> LeadQuerySet:
        """Keep what it names."""
        zone = ZoneInfo(workspace.timezone)
        found = Q()
        if self.q:
            found &= matching(self.q, region=workspace.default_region)
        if self.statuses:
            found &= self._of_status(workspace)
        if self.sources:
            found &= Q(source__in=self.sources)
        if self.kind:
            found &= Q(is_test=self.kind == "test")
        if self.since:
            found &= Q(created_at__gte=_midnight(self.since, zone))
        if self.until:
            found &= Q(created_at__lt=_midnight(self.until + timedelta(days=1), zone))
        return leads.filter(found)

    def _of_status(self, workspace: Workspace) -> Q:
        of_status = Q(status__in=[each for each in self.statuses if each != NO_ANSWER])
        if NO_ANSWER not in self.statuses:
            return of_status
        rows = unreached(Lead.objects.filter(workspace=workspace), channel=workspace.channel)
        return of_status | Q(pk__in=rows.values("pk"))


@dataclass(frozen=True, slots=True)
class Page:
    """Some leads of a list, and the words by which those before and after are reached ("" where there are none)."""

    leads: list[Lead] = field(default_factory=list)
    before: str = ""
    after: str = ""


def read_filter(given: QueryDict) -> LeadFilter:
    """Read what an address asks for."""
    return LeadFilter(
        q=given.get("q", "").replace("\x00", "").strip()[:MAX_CHARS],
        statuses=_known(given.getlist("status"), [*Lead.Status.values, NO_ANSWER]),
        sources=_known(given.getlist("source"), Lead.Source.values),
        kind=_one(given.get("kind", ""), KINDS, ""),
        since=_day(given.get("since", "")),
        until=_day(given.get("until", "")),
        sort=_one(given.get("sort", ""), SORTS, SORTS[0]),
    )


def read_page(leads: LeadQuerySet, *, sort: str, after: str = "", before: str = "") -> Page:
    """Read the page after a lead, before one, or the first."""
    newest_first = sort == SORTS[0]
    place = _place(before or after)
    # Before a place is after it in the other direction, turned around.
    backwards = bool(before and place)
    descending = newest_first is not backwards
    rows = _beyond(leads, place, descending=descending) if place else leads
    order = ("-created_at", "-id") if descending else ("created_at", "id")
    found = list(rows.order_by(*order)[: PAGE_SIZE + 1])
    more, shown = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if not shown:
        # Those that were there are gone, moved or deleted.
        return read_page(leads, sort=sort) if place else Page()
    if backwards:
        shown.reverse()
    has_before = more if backwards else place is not None
    has_after = True if backwards else more
    return Page(shown, encode_cursor(shown[0]) if has_before else "", encode_cursor(shown[-1]) if has_after else "")


def _place(cursor: str) -> tuple[datetime, Any] | None:
    try:
        return decode_cursor(cursor) if cursor else None
    except ValueError:
        return None


def _beyond(leads: LeadQuerySet, place: tuple[datetime, Any], *, descending: bool) -> LeadQuerySet:
    """Keep what comes after a place. The first half of the comparison alone is what an index can use."""
    at, pk = place
    if descending:
        return leads.filter(created_at__lte=at).exclude(created_at=at, id__gte=pk)
    return leads.filter(created_at__gte=at).exclude(created_at=at, id__lte=pk)


def _known(values: list[str], known: list[str]) -> tuple[str, ...]:
    return tuple(value for value in known if value in values)


def _one(value: str, known: tuple[str, ...], default: str) -> str:
    return value if value in known else default


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # Others can't be moved into another zone.
    return day if day and date(1970, 1, 2) <= day <= date(9000, 1, 1) else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
