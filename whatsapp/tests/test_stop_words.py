"""Words that end everything, in fifteen languages, and what only looks like them."""

import pytest

from whatsapp import stop_words
from whatsapp.optout import FALLBACK, STARTED, STOPPED, Wish, expand, is_courtesy, read_wish

LANGUAGES = {"en", "de", "fr", "es", "pt", "it", "nl", "pl", "ru", "tr", "hi", "zh", "he", "id", "ar"}


# fmt: off
@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", " Stop. ", "STOP!!!", "«stop»", "🛑 STOP 🛑", "S\u200bTOP", "Stop  all", "STOPALL", "🛑", "🛑🛑",
        "Unsubscribe", "CANCEL", "END", "QUIT", "OPTOUT", "opt-out", "REVOKE", "Stop promotions", "STOPP", "Abmelden",
        "Arrêt", "arret", "ARRE\u0302T", "BAJA", "Parar", "Sair", "Cancella", "Afmelden", "إيقاف", "توقف", "تَوَقَّف",
        "stop️", "stop, please", "Please stop!", "STOP STOP", "Stop\nstop", "Stopp bitte", "Don’t contact me again.",
        "Leave me alone!!", "Opt-out please", "No me escriban más", "Désabonnez-moi s’il vous plaît",
        "Stop. Thank you", "STOP thanks", "stop sms", "stop calling me", "do not call me", "opt me out", "DON'T CALL ME",
        "take me off your list", "remove my number", "I want to unsubscribe", "désabonnement", "ne me contactez plus",
        "Non merci, stop", "Keine Werbung", "para", "No thanks. Stop texting me", "Hi, please stop texting me now",
        "Please remove me from your list, thanks", "I'd like to opt out", "stop🙏", "dont text me", "No more calls!",
        "Lassen Sie mich in Ruhe", "Hör auf", "Rufen Sie mich nicht mehr an", "Ich möchte keine Nachrichten mehr",
        "Je ne veux plus être contacté", "Arrêtez de m'écrire", "Supprimez mon numéro", "Déjenme en paz", "No más mensajes",
        "Quiero darme de baja, gracias", "Não me liguem mais", "Não quero mais mensagens", "Basta messaggi",
        "Non chiamatemi più", "Geen berichten meer", "Bel me niet meer", "Wypiszcie mnie", "Nie piszcie do mnie",
        "стоп", "СТОП!", "Отписаться", "не пишите мне", "Больше не звоните", "Удалите мой номер, спасибо",
        "dur", "DURDUR", "Bana mesaj atmayın", "Beni aramayın lütfen", "Artık yazmayın",
        "बंद करो", "कृपया बंद करें", "मुझे मैसेज मत करो", "band karo", "退订", "停止", "请不要再发了", "不要再联系我，谢谢", "别打电话",
        "הסר", "הסירו אותי", "תפסיקו", "אל תתקשרו אליי", "berhenti", "jangan hubungi saya lagi", "Tolong hapus nomor saya",
        "لا تتصلوا بي", "من فضلك توقف", "احذفوا رقمي",
    ],
)
def test_a_stop_in_plain_words(text: str) -> None:
    found = read_wish(text)

    assert found is not None
    assert found[0] is Wish.STOP


@pytest.mark.parametrize(
    "text",
    [
        "stop by at 5?", "I can't stop thinking about it", "Can you stop at 5 Main St?", "Don't stop", "Please don't stop",
        "Can I cancel on Friday?", "The end of May", "end of june", "bus stop", "non-stop", "", "!!!", "no", "yes", "please",
        "Please, no stop there", "Please cancel", "Cancelar, por favor", "cancel my appointment", "No, cancel the one on Friday",
        "STOP and call me tomorrow at nine please, I am in a meeting until then", "do not call me before 5", "not interested",
        "don't call me today, call tomorrow", "don't write to me, call me", "remove the old kitchen", "thanks", "Thank you!",
        "para mañana por favor", "para mi casa", "basta que me digas el precio", "pare a obra?", "no quiero esperar",
        "Ich kann nicht aufhören zu lachen", "weiter so?", "Keine Zeit heute", "Keine Werbung, aber ein Angebot bitte",
        "je ne peux pas m'arrêter", "ferma alla stazione?", "basta così poco?", "stoppen jullie ook op zondag?",
        "хватит ли 500 рублей?", "не надо", "нет", "dur bakalım", "durum nedir?", "बंद कब होता है?", "停车在哪里", "不用了", "好的",
        "די טוב", "שלום", "berhenti di mana?", "start stop", "I stopped smoking", "one stop shop", "when does it end", "x" * 500,
        "how do I stop the leak", "stop calling me Mister", "no stop", "تمام", "متى ينتهي؟",
    ],
)
def test_an_ordinary_answer_is_none(text: str) -> None:
    found = read_wish(text)

    assert found is None or found[0] is not Wish.STOP
# fmt: on


@pytest.mark.parametrize("text", ["START", "start please", "unstop", "Старт", "开始", "Anmelden", "opt in"])
def test_a_start(text: str) -> None:
    found = read_wish(text)

    assert found is not None
    assert found[0] is Wish.START


@pytest.mark.parametrize(
    ("text", "language"), [("не пишите мне", "ru"), ("退订", "zh"), ("Abmelden", "de"), ("stop", "en"), ("dur", "tr")]
)
def test_knows_the_language_it_was_said_in(text: str, language: str) -> None:
    found = read_wish(text)

    assert found is not None
    assert found[1] == language


def test_has_words_and_answers_in_every_language() -> None:
    for each in (stop_words.STOP, stop_words.START, STOPPED, STARTED, FALLBACK):
        assert set(each) == LANGUAGES
    for language, templates in stop_words.STOP.items():
        for template in templates:
            for phrase in expand(template):
                found = read_wish(phrase)
                assert found is not None, (language, phrase)
                assert found[0] is Wish.STOP, (language, phrase)


@pytest.mark.parametrize(
    ("text", "only"),
    [("thanks", True), ("Ok, thank you!", True), ("🙏", True), ("", True), ("谢谢", True), ("Thanks, call me", False)],
)
def test_tells_mere_courtesy_from_words(text: str, only: bool) -> None:
    assert is_courtesy(text) is only
