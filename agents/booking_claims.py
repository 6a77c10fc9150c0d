"""Whether a text tells somebody that an appointment is booked: nothing of the kind may leave without a booking."""

import re
import unicodedata

# fmt: off
_CLAIMS = (
    # English
    r"\byou(?:'re| are)(?: now| all| officially)* (?:booked|set|scheduled|confirmed)\b(?! up| to (?:find|get))",
    r"\b(?:appointment|consultation|session|meeting|call|slot|booking|reservation)\b[^.?!\n]{0,40}\b(?:is|has been|was|are)(?: now| all| officially)* (?:booked|confirmed|scheduled|reserved|made|set)\b",
    r"\b(?:i(?:'ve| have)?|we(?:'ve| have)?)(?: just| now| already| gone ahead and)* (?:booked|scheduled|reserved|secured|locked in)\b",
    r"\bbooking (?:confirmed|complete)\b", r"\ball booked\b", r"\byour (?:appointment|booking) is all set\b",
    # German
    r"\b(?:termin|gesprach|beratung|buchung)\b[^.?!\n]{0,40}\b(?:ist|wurde|steht)(?: jetzt| nun| hiermit)* (?:fest )?(?:gebucht|bestatigt|eingetragen|reserviert|vereinbart|vorgemerkt)\b",
    r"\bich habe?\b[^.?!\n]{0,60}\b(?:gebucht|eingetragen|reserviert)\b", r"\bsie sind(?: jetzt| nun)? (?:gebucht|eingetragen)\b",
    # French
    r"\b(?:rendez vous|reservation|consultation|creneau)\b[^.?!\n]{0,40}\b(?:est|a ete)(?: bien| maintenant)* (?:confirme|confirmee|reserve|reservee|pris|prise|enregistre|enregistree|fixe)\b",
    r"\bj ai(?: bien)? (?:reserve|pris|fixe|confirme|bloque)\b",
    # Spanish, Portuguese, Italian
    r"\b(?:cita|reunion|llamada|consulta|reserva|sesion)\b[^.?!\n]{0,40}\b(?:esta|queda|ha quedado|ha sido)(?: ya)? (?:confirmada|reservada|agendada|programada|hecha)\b",
    r"\bhe (?:reservado|agendado|programado|confirmado)\b", r"\bya (?:esta|tienes|tiene)\b[^.?!\n]{0,20}\b(?:reservad[ao]|agendad[ao])\b",
    r"\b(?:consulta|reuniao|sessao|marcacao|reserva|agendamento)\b[^.?!\n]{0,40}\b(?:esta|ficou|foi)(?: ja)? (?:confirmad[ao]|marcad[ao]|agendad[ao]|reservad[ao])\b",
    r"\b(?:agendei|marquei|reservei)\b",
    r"\b(?:appuntamento|consulenza|prenotazione|incontro)\b[^.?!\n]{0,40}\be(?: stat[ao])? (?:confermat[ao]|prenotat[ao]|fissat[ao])\b",
    r"\bho (?:prenotato|fissato|confermato)\b",
    # Dutch, Polish, Turkish, Indonesian
    r"\bafspraak\b[^.?!\n]{0,40}\b(?:is|staat)(?: nu)? (?:geboekt|bevestigd|ingepland|vastgelegd)\b", r"\bik heb\b[^.?!\n]{0,60}\b(?:geboekt|ingepland)\b",
    r"\b(?:spotkanie|wizyta|termin|konsultacja)\b[^.?!\n]{0,40}\b(?:zostal[ao]?|jest) (?:zarezerwowan[aey]|potwierdzon[aey]|umowion[aey])\b", r"\b(?:zarezerwowalem|zarezerwowalam|umowilem|umowilam)\b",
    r"\brandevunuz\b[^.?!\n]{0,40}\b(?:olusturuldu|onaylandi|alindi|ayarlandi)\b", r"\b(?:janji temu|jadwal|konsultasi)\b[^.?!\n]{0,40}\b(?:sudah|telah) (?:dipesan|dikonfirmasi|dijadwalkan)\b",
    # Russian, Arabic, Hebrew, Hindi, Chinese
    r"\b(?:встреча|консультация|запись|бронь)\b[^.?!\n]{0,40}\b(?:подтвержден[ао]?|забронирован[ао]?|назначен[ао]?)\b", r"\bя (?:записал|записала|забронировал|забронировала) вас\b", r"\bвы записаны\b",
    r"تم (?:حجز|تأكيد|تاكيد)", r"موعدك (?:مؤكد|محجوز)", r"(?:הפגישה|התור) (?:נקבע|נקבעה|אושר|אושרה)", r"קבעתי לך",
    r"(?:अपॉइंटमेंट|मीटिंग)[^.?!\n]{0,30}(?:बुक|पक्की|कन्फर्म) (?:हो गई|हो गया|कर दी|कर दिया)",
    r"(?:预约|預約|预定)(?:已)?(?:成功|确认|確認)", r"已(?:经)?(?:为您|為您|帮您|幫您)?(?:预约|預約|预定|安排)",
)
# fmt: on
_claims = re.compile("|".join(_CLAIMS))
# A question, a condition or a no in the same sentence makes no claim.
_open = re.compile(
    r"\?|\b(?:not|n't|no|once|if|when|as soon as|before|until|unless|shall|should|would|can|could|may|nicht|kein|keinen"
    r"|sobald|wenn|soll|pas|des que|si|quand|cuando|aun no|quando|se|assim que|appena|niet|zodra|nie|jesli|если|не)\b"
)
_sentence = re.compile(r"[^.!?\n。！？]+[.!?。！？]*")


def claims_booking(text: str) -> bool:
    """Tell whether a text says, in one of fifteen languages, that an appointment has been made."""
    return any(_is_claim(sentence) for sentence in _sentence.findall(_plain(text)))


def _is_claim(sentence: str) -> bool:
    found = _claims.search(sentence)
    return found is not None and not _open.search(sentence[: found.start()]) and "?" not in sentence


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold().replace("’", "'").replace("ı", "i").replace("ł", "l"))
    plain = "".join(mark for mark in folded if unicodedata.category(mark) != "Mn" or mark > "\u0900")
    # Apostrophes and hyphens inside of French and English words; n't and 're stay.
    return re.sub(r"(?<=\bj)'|(?<=rendez)-", " ", plain)
