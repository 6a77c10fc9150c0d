"""Any spelling of a phone number → E.164. The only reader of phones: form, API, WhatsApp, agents, search and lists."""

import re
import unicodedata
from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

MESSAGE = "Phone must be a valid E.164-style number."
EXTENSION = "Extensions can't be dialled. Send the number without its extension."
# No number that somebody means is longer, however it is spelt.
MAX_TYPED = 64
# Below that only what libphonenumber knows to be a number of the region is one: some have four digits.
SHORT = 7
_plain = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
# The contract's own characters; everything else that stands for one of them is spelt so first.
_allowed = re.compile(r"[+0-9 ().-]{1,32}").fullmatch
# (+44) 20 … is how many write it.
_before_plus = re.compile(r"^[( ]+(?=\+)")
_trunk_zero = re.compile(r"\(\s*0\s*\)")
# What spreadsheets put before a number to keep its plus, and what text puts around it.
_QUOTES = " =\"'`´‘’‚“”„"
_label = re.compile(r"(?:tel|phone|mobile|mob|callto|sms|whatsapp)\.?\s*:\s*", re.I)
_extended = re.compile(
    r"(?P<number>.+?)[\s(,;.-]*(?:,|\#|~|;\s*ext\s*=|(?<![^\W\d_])(?:x|ext|extn|extension|extensión|durchwahl|dw"
    r"|nebenstelle|poste|anexo|interno|int|ramal|toestel|доб))[\s.:=]*[0-9]{1,9}[)\s#]*",
    re.I,
).fullmatch
_SPELT = {"/": " ", "＋": "+", "（": "(", "）": ")", "．": ".", "−": "-", "\u30fc": "-"}
_BY_CATEGORY = {"Cf": "", "Cc": " ", "Pd": "-", "Zs": " ", "Zl": " ", "Zp": " "}
# Numbers that have changed, or are spelt otherwise abroad: pattern → the other spelling. Both are in use, so a person
# may be known by either.
_OTHERWISE = (
    # Mexico dropped the 1 of mobile phones in 2019; WhatsApp still writes it.
    (re.compile(r"\+521(\d{10})"), r"+52\1"),
    (re.compile(r"\+52([2-9]\d{9})"), r"+521\1"),
    # Argentina writes the 9 of mobile phones in calls from abroad only.
    (re.compile(r"\+549(\d{10})"), r"+54\1"),
    (re.compile(r"\+54([1-8]\d{9})"), r"+549\1"),
    # Brazil put a 9 before mobile numbers between 2012 and 2016.
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), r"+55\1\2"),
    (re.compile(r"\+55(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),
)
# The 0 of Italian landlines is dialled from abroad too, that of mobiles doesn't exist: people err both ways.
_MISTAKEN = (
    (re.compile(r"\+390(3\d{8,9})"), r"+39\1"),
    (re.compile(r"\+39([1-9]\d{5,9})"), r"+390\1"),
)
_DOUBTFUL = frozenset({39, 52, 54, 55})


class NotAPhoneNumber(ValueError):
    """The text is no number that can be dialled. `str()` is the contract's message."""

    def __init__(self) -> None:
        super().__init__(MESSAGE)


class HasExtension(NotAPhoneNumber):
    """The text is a number with an extension, which nobody dials for us."""


def normalise(text: str, *, region: str = "", needs_country: bool = False) -> str:
    """Return the number in E.164.

    Without + or 00 it is read in `region` (two letters), or, if that is empty, as digits that lack their plus; with
    `needs_country` those are refused. Possible is enough: number ranges change faster than metadata. Of two
    spellings of a number the valid one is returned. Raises NotAPhoneNumber.
    """
    text = text.strip()
    if len(text) > MAX_TYPED:
        raise NotAPhoneNumber
    if _plain(text):
        found = _dial(text, region)
    else:
        text = _check(clean(text))
        found = next(filter(None, (_dial(each, region) for each in _readings(text, region, needs_country))), "")
    if not found or (len(text) < SHORT and not _is_valid(found)):
        raise NotAPhoneNumber
    return found


def clean(text: str) -> str:
    """Spell a number in the contract's characters, as far as it has such.

    Copied numbers bring along invisible marks, dashes and spaces of all kinds, digits of other scripts, `tel:`,
    quotes and slashes.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_spell, text))
    text = _label.sub("", text.strip(_QUOTES), count=1) if text[:1] != "+" else text
    return text.replace("/", " ").strip(_QUOTES)


def spellings(phone: str) -> tuple[str, ...]:
    """Return a phone (E.164) and what else WhatsApp, or a form, may call it."""
    return (phone, *dict.fromkeys(_respell(phone, _OTHERWISE)))


def _check(text: str) -> str:
    """Return what can be read as a number. Raises NotAPhoneNumber."""
    if not _allowed(text):
        # phonenumbers itself takes letters (+1-800-FLOWERS) and drops extensions; the contract does neither.
        raise HasExtension if _has_extension(text) else NotAPhoneNumber
    text = _before_plus.sub("", text, count=1)
    if "+" in text[1:]:
        raise NotAPhoneNumber
    return text


def _has_extension(text: str) -> bool:
    found = _extended(text)
    return bool(found and _allowed(found["number"]) and len(found["number"]) >= SHORT)


def _spell(mark: str) -> str:
    if (category := unicodedata.category(mark)) == "Nd":
        return str(unicodedata.digit(mark))
    # NUL is never typed or pasted.
    return mark if mark == "\x00" else _BY_CATEGORY.get(category, _SPELT.get(mark, mark))


def _readings(text: str, region: str, needs_country: bool) -> Iterator[str]:
    """Yield what a text may mean, the likeliest first."""
    if text.startswith("+"):
        yield text
    elif text.startswith("00"):
        yield f"+{text[2:]}"
        # Some countries dial abroad by 0011 or 009.
        if region:
            yield text
    elif region:
        yield f"+{text}" if _lacks_plus(text, region) else text
    elif not needs_country:
        yield f"+{text}"


def _lacks_plus(text: str, region: str) -> bool:
    """Tell whether a number begins with its country's calling code, if national ones begin with a 0."""
    code = str(phonenumbers.country_code_for_region(region))
    digits = "".join(filter(str.isdecimal, text))
    if not digits.startswith(code) or phonenumbers.ndd_prefix_for_region(region, True) != "0":
        return False
    return _is_valid(f"+{digits}")


def _dial(text: str, region: str) -> str:
    """Return the number that a text means in E.164, "" if it can't be dialled."""
    number = _parse(text, region)
    if number is None:
        return ""
    has_zero = "(" in text and bool(_trunk_zero.search(text))
    if has_zero or number.country_code in _DOUBTFUL:
        number = _choose(number, _trunk_zero.sub("", text), region)
    return _e164(number) if _is_possible(number) else ""


def _choose(number: PhoneNumber, without_zero: str, region: str) -> PhoneNumber:
    """Return the spelling of a number that is valid, or the number as it is if none is."""
    if phonenumbers.is_valid_number(number):
        return number
    texts = (*_respell(_e164(number), _OTHERWISE + _MISTAKEN), without_zero)
    found = (_parse(text, region) for text in texts)
    return next((each for each in found if each is not None and phonenumbers.is_valid_number(each)), number)


def _parse(text: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _is_possible(number: PhoneNumber) -> bool:
    """Tell whether a number may exist and can be dialled from anywhere: not without its area code, not all zeros."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason == ValidationResult.IS_POSSIBLE and number.national_number != 0


def _is_valid(text: str) -> bool:
    number = _parse(text, "")
    return number is not None and phonenumbers.is_valid_number(number)


def _respell(phone: str, table: tuple[tuple[re.Pattern[str], str], ...]) -> Iterator[str]:
    return (pattern.sub(other, phone) for pattern, other in table if pattern.fullmatch(phone))
