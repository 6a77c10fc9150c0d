"""“You are booked!” never leaves without a booking."""

import pytest

from agents.booking_claims import claims_booking


@pytest.mark.parametrize(
    "text",
    [
        "You are booked! See you on Tuesday.",
        "Great, you're all set for Tuesday at 10.",
        "Your appointment on Tuesday at 10 is confirmed.",
        "I've booked the consultation for you.",
        "Your call has been scheduled for 3 pm.",
        "Done — booking confirmed.",
        "Ihr Termin am Dienstag ist gebucht.",
        "Ich habe Sie für Dienstag eingetragen.",
        "Votre rendez-vous est confirmé.",
        "J'ai réservé le créneau de mardi.",
        "Su cita del martes está confirmada.",
        "He agendado la llamada.",
        "A sua consulta ficou marcada para terça.",
        "Il tuo appuntamento è confermato.",
        "Uw afspraak is bevestigd.",
        "Ваша встреча подтверждена.",
        "Вы записаны на вторник.",
        "Randevunuz oluşturuldu.",
        "已为您预约周二上午十点。",
        "تم حجز موعدك يوم الثلاثاء.",
    ],
)
def test_knows_a_claim(text: str) -> None:
    assert claims_booking(text)


@pytest.mark.parametrize(
    "text",
    [
        "Shall I book Tuesday at 10?",
        "Would you like an appointment? I can offer Tuesday at 10.",
        "Once your appointment is confirmed you get a mail.",
        "Nothing is booked yet.",
        "Your appointment is not confirmed yet.",
        "If you are booked elsewhere, tell me.",
        "Soll ich den Termin am Dienstag buchen?",
        "Sobald Ihr Termin gebucht ist, melde ich mich.",
        "Quand votre rendez-vous est confirmé, vous recevez un mail.",
        "¿Quiere que reserve la cita?",
        "Is your calendar booked on Tuesday?",
        "I could not book that time.",
        "Our coaches are certified.",
        "",
    ],
)
def test_leaves_offers_and_questions_alone(text: str) -> None:
    assert not claims_booking(text)
