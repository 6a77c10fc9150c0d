"""Words that end a conversation for good, and those that take it up again.

A whole message has to say so and nothing else: "cancel" alone does, "can I cancel on Friday?" is a question for the
agent.
"""

import re
import unicodedata
from enum import Enum
from functools import lru_cache

import phonenumbers

from leads.models import Lead
from whatsapp import stop_words


class Wish(Enum):
    """What a lead wants."""

    STOP = "stop"
    START = "start"


STOPPED: dict[str, str] = {
    "en": "You won't get any more messages from {business}. Reply START if you change your mind.",
    "de": "Sie erhalten keine Nachrichten von {business} mehr. Mit START können Sie es sich anders überlegen.",
    "fr": "Vous ne recevrez plus de messages de {business}. Répondez START si vous changez d'avis.",
    "es": "No recibirá más mensajes de {business}. Responda START si cambia de opinión.",
    "pt": "Não vai receber mais mensagens de {business}. Responda START se mudar de ideias.",
    "it": "Non riceverà altri messaggi da {business}. Risponda START se cambia idea.",
    "nl": "U krijgt geen berichten meer van {business}. Antwoord START als u van gedachten verandert.",
    "ar": "لن تصلك رسائل أخرى من {business}. أرسل START إذا غيّرت رأيك.",
    "pl": "Nie otrzymasz więcej wiadomości od {business}. Jeśli zmienisz zdanie, odpisz START.",
    "ru": "Вы больше не будете получать сообщения от {business}. Если передумаете, ответьте START.",
    "tr": "{business} size artık mesaj göndermeyecek. Fikrinizi değiştirirseniz START yazın.",
    "hi": "अब आपको {business} से कोई संदेश नहीं मिलेगा। मन बदलने पर START लिखें।",
    "zh": "您将不再收到 {business} 的消息。如改变主意，请回复 START。",
    "he": "לא תקבלו עוד הודעות מ-{business}. אם תשנו את דעתכם, השיבו START.",
    "id": "Anda tidak akan menerima pesan lagi dari {business}. Balas START jika berubah pikiran.",
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
    "pl": "Znowu będziesz otrzymywać wiadomości od {business}. Odpisz STOP, aby je zakończyć.",
    "ru": "Вы снова будете получать сообщения от {business}. Чтобы прекратить, ответьте STOP.",
    "tr": "{business} size yeniden mesaj gönderecek. Durdurmak için STOP yazın.",
    "hi": "अब आपको {business} से फिर संदेश मिलेंगे। बंद करने के लिए STOP लिखें।",
    "zh": "您将重新收到 {business} 的消息。如需停止，请回复 STOP。",
    "he": "תקבלו שוב הודעות מ-{business}. כדי להפסיק, השיבו STOP.",
    "id": "Anda akan menerima pesan dari {business} lagi. Balas STOP untuk mengakhirinya.",
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
    "pl": "Dziękujemy, wkrótce skontaktuje się z Państwem nasz współpracownik.",
    "ru": "Спасибо, в ближайшее время с вами свяжется наш сотрудник.",
    "tr": "Teşekkürler, bir çalışma arkadaşımız kısa süre içinde size dönecek.",
    "hi": "धन्यवाद, हमारे एक सहयोगी जल्द ही आपसे संपर्क करेंगे।",
    "zh": "谢谢，我们的同事会尽快与您联系。",
    "he": "תודה, אחד מאנשי הצוות שלנו יחזור אליכם בקרוב.",
    "id": "Terima kasih, rekan kami akan segera menghubungi Anda.",
}
# Where most people write in another of our languages than English.
_REGIONS = {
    "de": "DE AT LI",
    "fr": "FR MC",
    "es": "ES MX AR CO CL PE EC GT BO DO HN PY SV NI CR PA UY VE CU",
    "pt": "PT BR AO MZ CV",
    "it": "IT SM VA",
    "nl": "NL SR",
    "pl": "PL",
    "ru": "RU BY KZ KG",
    "tr": "TR",
    "zh": "CN TW",
    "he": "IL",
    "id": "ID",
    "ar": "SA AE EG JO KW QA BH OM IQ LB SY YE LY SD DZ MA TN PS MR",
}
_LANGUAGE_OF = {region: language for language, regions in _REGIONS.items() for region in regions.split()}
_between_words = re.compile(r"[\W_]+")
_choice = re.compile(r"\{([^}]*)\}")
_east_asian = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
MAX_CHARS = 120


def read_wish(text: str) -> tuple[Wish, str] | None:
    """Tell what a message wants and in which language, None where it says no more or less than that.

    Case, accents, punctuation, emoji, courtesy and saying it twice don't matter. START ends an opt-out and nothing
    else: who has not opted out means something by it that the agent should read.
    """
    if len(text) > MAX_CHARS:
        return None
    if _is_sign(text):
        return Wish.STOP, "en"
    said = plain(text)
    if found := _alone().get(said):
        return found
    found = None
    for part in _parts(said) or ():
        wish = _phrases().get(part)
        if wish is not None and found is not None and wish[0] is not found[0]:
            return None
        found = found or wish
    return found


def is_courtesy(text: str) -> bool:
    """Tell whether a message is nothing but thanks, a greeting or a sign: nobody waits for an answer to it."""
    parts = _parts(plain(text)) if len(text) <= MAX_CHARS else None
    return parts is not None and set(parts) <= _courtesy()


def expand(template: str) -> list[str]:
    """Write out the choices of a template: "stop {it|this}" is two phrases."""
    found = _choice.search(template)
    if found is None:
        return [template]
    choices = [template[: found.start()] + choice + template[found.end() :] for choice in found[1].split("|")]
    return [phrase for choice in choices for phrase in expand(choice)]


def _is_sign(text: str) -> bool:
    signs = {mark for mark in text if unicodedata.category(mark) not in {"Cf", "Mn", "Zs", "Po"}}
    return bool(signs) and signs <= stop_words.SIGNS


def _parts(said: str) -> list[str] | None:
    """Take a message apart into phrases that we know, the longest first; None where anything else is in it."""
    separator = "" if _east_asian.search(said) else " "
    words = list(said.replace(" ", "")) if separator == "" else said.split()
    parts: list[str] = []
    while words:
        for size in range(min(len(words), _longest()), 0, -1):
            phrase = separator.join(words[:size])
            if phrase in _phrases() or phrase in _courtesy():
                parts.append(phrase)
                words = words[size:]
                break
        else:
            return None
    return parts


@lru_cache(maxsize=1)
def _phrases() -> dict[str, tuple[Wish, str]]:
    """Of a phrase that is one in several languages the first counts."""
    found: dict[str, tuple[Wish, str]] = {}
    for wish, languages in ((Wish.STOP, stop_words.STOP), (Wish.START, stop_words.START)):
        for language, templates in languages.items():
            for template in templates:
                for phrase in expand(template):
                    found.setdefault(_known(phrase), (wish, language))
    return found


@lru_cache(maxsize=1)
def _alone() -> dict[str, tuple[Wish, str]]:
    pairs = ((word, language) for language, words in stop_words.ALONE.items() for word in words)
    return {_known(word): (Wish.STOP, language) for word, language in pairs}


@lru_cache(maxsize=1)
def _courtesy() -> frozenset[str]:
    return frozenset(map(_known, stop_words.COURTESY))


@lru_cache(maxsize=1)
def _longest() -> int:
    """The most words, or signs of a script without spaces, that a phrase has."""
    every = [*_phrases(), *_courtesy()]
    return max(len(phrase) if _east_asian.search(phrase) else len(phrase.split()) for phrase in every)


def _known(phrase: str) -> str:
    said = plain(phrase)
    return said.replace(" ", "") if _east_asian.search(said) else said


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


def plain(text: str) -> str:
    """Bring a message to what is compared: no case, no accents, no marks, single spaces."""
    # Apostrophes stand inside of words where English leaves them out: don't, dont.
    said = re.sub("(?<=n)['’](?=t\\b)", "", text.casefold()) if len(text) <= MAX_CHARS else ""
    # Direction marks and the selectors of emoji are neither letters nor spaces, and may stand inside a word.
    decomposed = unicodedata.normalize("NFKD", said)
    kept = "".join(mark for mark in decomposed if unicodedata.category(mark) not in {"Cf", "Mn"})
    folded = kept.casefold().translate(_LETTERS)
    return _between_words.sub(" ", folded).strip()


# Letters that no decomposition takes apart.
_LETTERS = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ё": "е"})
