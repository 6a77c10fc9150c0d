"""What Twilio and Inngest post to us."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from database import clock
from leads.models import Lead
from providers.twilio import is_signed
from webapi import strict_json
from webapi.errors import error_body
from webapi.json_api import NOT_JSON
from whatsapp.delivery import OURS, record_delivery
from whatsapp.inbox import is_phone, note_hidden, read_inbound, receive, with_known_phone
from whatsapp.models import Message
from whatsapp.numbers import spellings
from workspaces.integrations import NotConnected, account
from workspaces.journal import Crossing, record
from workspaces.models import Integration, LogEntry, Workspace
from workspaces.secrets import SecretUnreadable

EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
# Workspaces that may share a number (Twilio's sandbox): each costs a decryption before the signature is known.
MAX_SHARING = 20


@csrf_exempt
def engine(request: HttpRequest) -> HttpResponse:
    """Let Inngest run our functions. Imported here: the SDK costs half a second that others need not pay."""
    if not settings.INNGEST_CONFIGURED:
        return JsonResponse(error_body("not_found"), status=404)
    try:
        # The SDK calls what it can't read an error of ours.
        strict_json.read(request.body or b"{}")
    except strict_json.NotJson as error:
        return JsonResponse(error_body(NOT_JSON, message=str(error)), status=400)
    from whatsapp.functions import endpoint

    return endpoint()(request)


@csrf_exempt
def inbound(request: HttpRequest) -> HttpResponse:
    """Take a message that somebody wrote to a workspace's number; the answer to it goes out by itself, later.

    Who doesn't sign with the auth token of a workspace with that number is refused, and learns nothing about numbers.
    """
    if request.method != "POST":
        return JsonResponse(error_body("method_not_allowed"), status=405, headers={"Allow": "POST"})
    received = read_inbound({name: values[-1] for name, values in request.POST.lists() if values})
    workspace = _find_workspace(request, sender=received.sender)
    if workspace is None:
        return JsonResponse(error_body("forbidden"), status=403)
    now = clock.now()
    received = with_known_phone(workspace, received)
    if received.sid and is_phone(received.sender):
        receive(workspace, received, now=now)
    elif received.sid:
        # Taken all the same: Twilio would only send it again.
        note_hidden(workspace, received, now=now)
    return HttpResponse(EMPTY_TWIML, content_type="text/xml; charset=utf-8")


@csrf_exempt
def status(request: HttpRequest) -> HttpResponse:
    """Take a status callback of Twilio: where one of our messages is. Signed with its workspace's auth token."""
    if request.method != "POST":
        return JsonResponse(error_body("method_not_allowed"), status=405, headers={"Allow": "POST"})
    message = _find_message(request)
    if message is None or not _signed_by_twilio(request, message):
        return JsonResponse(error_body("forbidden"), status=403)
    now = clock.now()
    moved = record_delivery(
        message,
        sid=message.twilio_sid or request.POST.get("MessageSid", ""),
        twilio_status=request.POST.get("MessageStatus", ""),
        error_code=request.POST.get("ErrorCode", "")[:16],
        now=now,
    )
    if moved:
        _journal(request, message)
    return HttpResponse(status=204)


def _find_message(request: HttpRequest) -> Message | None:
    """Find the message by our own id in the address: Twilio's may not be stored yet when it calls."""
    messages = Message.objects.select_related("lead")
    # No database is asked for a NUL.
    sid = request.POST.get("MessageSid", "").replace("\x00", "")
    try:
        message = messages.filter(pk=UUID(request.GET.get("message", ""))).first()
    except ValueError:
        message = messages.filter(twilio_sid=sid).first() if sid else None
    if message is not None and message.twilio_sid not in {"", sid}:
        return None
    return message


def _find_workspace(request: HttpRequest, *, sender: str) -> Workspace | None:
    """Find whose number was written to: of several with one number those whose token signs, first the sender's own."""
    number = request.POST.get("To", "").replace("\x00", "").removeprefix("whatsapp:")[:32]
    if not number:
        return None
    integrations = Integration.objects.filter(provider="twilio", address=number).defer(*Integration.SECRETS)
    found = integrations.select_related("workspace").order_by("created_at", "pk")[:MAX_SHARING]
    workspaces = [each.workspace for each in found if _signed_for(request, each.workspace_id)]
    if len(workspaces) < 2:
        return workspaces[0] if workspaces else None
    known = Lead.objects.filter(workspace__in=workspaces, phone__in=spellings(sender), is_test=False).order_by(
        "-created_at"
    )
    workspace_id = known.values_list("workspace_id", flat=True).first() if is_phone(sender) else None
    by_choice = sorted(workspaces, key=lambda each: (each.pk != workspace_id, each.unknown_senders == "ignore"))
    return by_choice[0]


def _signed_by_twilio(request: HttpRequest, message: Message) -> bool:
    return _signed_for(request, message.lead.workspace_id)


def _signed_for(request: HttpRequest, workspace_id: UUID) -> bool:
    """Tell whether a request is signed with a workspace's auth token."""
    try:
        token = account(workspace_id=workspace_id, provider="twilio").credentials.get("auth_token")
    except (NotConnected, SecretUnreadable):
        return False
    # Never the address of the request itself: behind a proxy it is another one than Twilio called and signed.
    query = request.META.get("QUERY_STRING", "")
    url = f"{settings.PUBLIC_BASE_URL}{request.path}{'?' + query if query else ''}"
    params = [(name, value) for name, values in request.POST.lists() for value in values]
    claimed = request.headers.get("X-Twilio-Signature", "")
    return bool(token) and is_signed(url=url, params=params, auth_token=str(token), claimed=claimed)


def _journal(request: HttpRequest, message: Message) -> None:
    failed = OURS[request.POST["MessageStatus"]] == Message.Status.FAILED
    crossing = Crossing(
        provider="twilio",
        operation="message status",
        direction=LogEntry.Direction.IN,
        outcome=LogEntry.Outcome.REJECTED if failed else LogEntry.Outcome.OK,
        status_code=204,
        request=request.POST.dict(),
    )
    record(crossing, workspace_id=message.lead.workspace_id, lead_id=message.lead_id, now=clock.now())
