"""Words that end a conversation for good, and those that take it up again.

A whole message has to be such a word, or a few to that effect: "cancel" alone is one, "can I cancel on Friday?" is a
question for the agent.
"""

import re
import unicodedata
from enum import Enum
from functools import lru_cache

import phonenumbers

from leads.models import Lead


class Wish(Enum):
    """What a lead wants."""

    STOP = "stop"
    START = "start"


# By the language in which the answer is given.
# fmt: off
STOP_WORDS: dict[str, frozenset[str]] = {
    "en": frozenset({
        "stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "opt out", "opt-out", "revoke",
        "stop promotions", "stop messages", "stop messaging me", "stop texting me",
        "stop it", "remove me", "unsubscribe me", "stop contacting me", "stop writing to me", "don't contact me",
        "don't contact me again", "do not contact me", "do not contact me again", "don't text me", "leave me alone",
        "no more messages",
    }),
    "de": frozenset({
        "stopp", "abmelden", "abbestellen", "widerruf", "widerrufen", "austragen", "aufhören", "aufhoeren",
        "keine nachrichten mehr", "keine weiteren nachrichten", "lassen sie mich in ruhe",
    }),
    "fr": frozenset({
        "arrêt", "arret", "arrêter", "arreter", "arrêtez", "arretez", "désabonner", "desabonner", "désinscrire",
        "desinscrire", "désinscription", "désabonnez-moi", "ne m'écrivez plus",
    }),
    "es": frozenset({
        "baja", "darme de baja", "dar de baja", "parar", "detener", "cancelar", "no más mensajes",
        "no mas mensajes", "no me escriban más", "no me escriba más",
    }),
    "pt": frozenset({"parar", "pare", "sair", "cancelar", "descadastrar", "remover", "não quero mais mensagens"}),
    "it": frozenset({
        "cancella", "cancellami", "disiscrivi", "disiscrivimi", "annulla", "ferma", "basta messaggi",
        "non scrivetemi più",
    }),
    "nl": frozenset({"afmelden", "uitschrijven", "stoppen", "stop ermee", "geen berichten meer"}),
    "ar": frozenset({
        "إيقاف", "ايقاف", "أوقف", "اوقف", "توقف", "قف", "إلغاء", "الغاء", "إلغاء الاشتراك", "الغاء الاشتراك",
    }),
}
START_WORDS: dict[str, frozenset[str]] = {
    "en": frozenset({"start", "unstop", "subscribe", "resume"}),
    "de": frozenset({"anmelden", "weiter"}),
    "fr": frozenset({"reprendre", "démarrer", "demarrer"}),
    "es": frozenset({"alta", "empezar", "iniciar", "reanudar"}),
    "pt": frozenset({"iniciar", "começar", "comecar", "retomar"}),
    "it": frozenset({"inizia", "iniziare", "riprendi"}),
    "nl": frozenset({"aanmelden", "hervatten"}),
    "ar": frozenset({"ابدأ", "ابدا", "بدء", "استئناف"}),
}
# fmt: on
STOPPED: dict[str, str] = {
    "en": "You won't get any more messages from {business}. Reply START if you change your mind.",
    "de": "Sie erhalten keine Nachrichten von {business} mehr. Mit START können Sie es sich anders überlegen.",
    "fr": "Vous ne recevrez plus de messages de {business}. Répondez START si vous changez d'avis.",
    "es": "No recibirá más mensajes de {business}. Responda START si cambia de opinión.",
    "pt": "Não vai receber mais mensagens de {business}. Responda START se mudar de ideias.",
    "it": "Non riceverà altri messaggi da {business}. Risponda START se cambia idea.",
    "nl": "U krijgt geen berichten meer van {business}. Antwoord START als u van gedachten verandert.",
    "ar": "لن تصلك رسائل أخرى من {business}. أرسل START إذا غيّرت رأيك.",
}
STARTED: dict[str, str] = {
    "en": "You will get messages from {business} again. Reply STOP to end them.",
    "de": "Sie erhalten wieder Nachrichten von {business}. Mit STOP beenden Sie das.",
    "fr": "Vous recevrez à nouveau les messages de {business}. Répondez STOP pour y mettre fin.",
    "es": "Volverá a recibir mensajes de {business}. Responda STOP para terminar.",
    "pt": "Vai voltar a receber mensagens de {business}. Responda STOP para terminar.",
    "it": "Riceverà di nuovo messaggi da {business}. Risponda STOP per interromperli.",
    "nl": "U krijgt weer berichten van {business}. Antwoord STOP om ze te beëindigen.",
    "ar": "ستصلك رسائل {business} من جديد. أرسل STOP لإيقافها.",
}
FALLBACK: dict[str, str] = {
    "en": "Thanks, a colleague will get back to you shortly.",
    "de": "Danke, eine Kollegin oder ein Kollege meldet sich in Kürze bei Ihnen.",
    "fr": "Merci, un collègue reviendra vers vous très bientôt.",
    "es": "Gracias, un compañero se pondrá en contacto con usted en breve.",
    "pt": "Obrigado, um colega entrará em contacto consigo em breve.",
    "it": "Grazie, un collega la ricontatterà a breve.",
    "nl": "Bedankt, een collega neemt binnenkort contact met u op.",
    "ar": "شكرًا لك، سيتواصل معك أحد زملائنا قريبًا.",
}
# Where most people write in another of our languages than English.
_REGIONS = {
    "de": "DE AT LI",
    "fr": "FR MC",
    "es": "ES MX AR CO CL PE EC GT BO DO HN PY SV NI CR PA UY VE CU",
    "pt": "PT BR AO MZ CV",
    "it": "IT SM VA",
    "nl": "NL SR",
    "ar": "SA AE EG JO KW QA BH OM IQ LB SY YE LY SD DZ MA TN PS MR",
}
_LANGUAGE_OF = {region: language for language, regions in _REGIONS.items() for region in regions.split()}
_between_words = re.compile(r"[\W_]+")
# What people add to be polite; "please stop" is "stop".
_polite = re.compile(
    r"\b(?:please|pls|plz|bitte|svp|s il (?:vous|te) pla[iî]t|por favor|per favore|per piacere|alstublieft|"
    r"alsjeblieft|من فضلك)\b"
)
# With a please they may well be the answer to "shall I cancel it?".
_OF_AN_APPOINTMENT = frozenset({"cancel", "end", "cancelar", "cancella", "annulla", "remover", "إلغاء", "الغاء"})
_repeated = re.compile(r"\b(\w+)(?: \1\b)+")
MAX_CHARS = 60


def read_wish(text: str) -> tuple[Wish, str] | None:
    """Tell what a message wants and in which language, None where it is no such word.

    Case, punctuation, emoji, a please and saying it twice don't matter. START ends an opt-out and nothing else: who
    has not opted out means something by it that the agent should read.
    """
    said = _plain(text)
    if found := _wishes().get(said):
        return found
    short = _repeated.sub(r"\1", " ".join(_polite.sub(" ", said).split()))
    return None if short in _OF_AN_APPOINTMENT else _wishes().get(short)


@lru_cache(maxsize=1)
def _wishes() -> dict[str, tuple[Wish, str]]:
    """Of a word that is one in several languages the first counts."""
    found: dict[str, tuple[Wish, str]] = {}
    for wish, languages in ((Wish.STOP, STOP_WORDS), (Wish.START, START_WORDS)):
        for language, words in languages.items():
            found = dict.fromkeys(map(_plain, words), (wish, language)) | found
    return found


def language_of(lead: Lead) -> str:
    """Guess the language of a lead we have to write to without the model: by what came with it, or by its phone."""
    said = (lead.metadata or {}).get("language") or (lead.metadata or {}).get("locale")
    if isinstance(said, str) and said[:2].lower() in FALLBACK:
        return said[:2].lower()
    return language_of_phone(lead.phone)


def language_of_phone(phone: str) -> str:
    """Guess the language of whoever has a phone number (E.164); English where nothing speaks for another."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(phone, None))
    except phonenumbers.NumberParseException:
        return "en"
    return _LANGUAGE_OF.get(region or "", "en")


def _plain(text: str) -> str:
    """Bring a message to what is compared: composed letters, no case, no marks, single spaces."""
    if len(text) > MAX_CHARS:
        return ""
    # Direction marks and the selectors of emoji are neither letters nor spaces, and may stand inside a word.
    kept = "".join(
        mark for mark in unicodedata.normalize("NFKC", text) if unicodedata.category(mark) not in {"Cf", "Mn"}
    )
    return _between_words.sub(" ", kept.casefold()).strip()
