"""What Twilio and Inngest post to us."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from providers.twilio import is_signed
from webapi.errors import error_body
from whatsapp.delivery import OURS, record_delivery
from whatsapp.models import Message
from workspaces.integrations import NotConnected, account
from workspaces.journal import Crossing, record
from workspaces.models import LogEntry
from workspaces.secrets import SecretUnreadable


@csrf_exempt
def engine(request: HttpRequest) -> HttpResponse:
    """Let Inngest run our functions. Imported here: the SDK costs half a second that others need not pay."""
    if not settings.INNGEST_CONFIGURED:
        return JsonResponse(error_body("not_found"), status=404)
    from whatsapp.functions import endpoint

    return endpoint()(request)


@csrf_exempt
def status(request: HttpRequest) -> HttpResponse:
    """Take a status callback of Twilio: where one of our messages is. Signed with its workspace's auth token."""
    if request.method != "POST":
        return JsonResponse(error_body("method_not_allowed"), status=405, headers={"Allow": "POST"})
    message = _find_message(request)
    if message is None or not _signed_by_twilio(request, message):
        return JsonResponse(error_body("forbidden"), status=403)
    now = timezone.now()
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


def _signed_by_twilio(request: HttpRequest, message: Message) -> bool:
    try:
        token = account(workspace_id=message.lead.workspace_id, provider="twilio").credentials.get("auth_token")
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
    record(crossing, workspace_id=message.lead.workspace_id, lead_id=message.lead_id, now=timezone.now())
