"""The words of replies in the languages our users sell in: en, it, es, fr, de, pt, nl.

Rule: only data. All words are as `flows.words.normal` leaves them, apart by `|`. One table serves
all languages: no word means one thing here and another there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def _numbered(lines: Iterable[str], start: int) -> Mapping[str, int]:
    return {word: n for n, line in enumerate(lines, start) for word in line.split("|")}


def _each(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split("|"))


MONTHS = _numbered(
    (
        "january|jan|gennaio|gen|enero|ene|janvier|janv|januar|januari|janner|janeiro",
        "february|feb|febbraio|febrero|fevrier|fev|februar|februari|fevereiro",
        "march|mar|marzo|mars|marz|maerz|marco|maart|mrt",
        "april|apr|aprile|abril|abr|avril|avr",
        "may|maggio|mag|mayo|mai|maio|mei",
        "june|jun|giugno|giu|junio|juin|juni|junho",
        "july|jul|luglio|lug|julio|juillet|juil|juli|julho",
        "august|aug|agosto|ago|aout|augustus",
        "september|sep|sept|settembre|set|septiembre|septembre|setembro",
        "october|oct|ottobre|ott|octubre|octobre|oktober|okt|outubro|out",
        "november|nov|novembre|noviembre|novembro",
        "december|dec|dicembre|dic|diciembre|decembre|dezember|dez|dezembro",
    ),
    1,
)
WEEKDAYS = _numbered(
    (
        "monday|mon|lunedi|lunes|lundi|montag|segunda feira|segunda|maandag",
        "tuesday|tue|martedi|martes|mardi|dienstag|terca feira|terca|dinsdag",
        "wednesday|wed|mercoledi|miercoles|mercredi|mittwoch|quarta feira|quarta|woensdag",
        "thursday|thu|giovedi|jueves|jeudi|donnerstag|quinta feira|quinta|donderdag",
        "friday|fri|venerdi|viernes|vendredi|freitag|sexta feira|sexta|vrijdag",
        "saturday|sat|sabato|sabado|samedi|samstag|sonnabend|zaterdag",
        "sunday|sun|domenica|domingo|dimanche|sonntag|zondag",
    ),
    0,
)
AHEAD = _numbered(
    (
        "yesterday|ieri|ayer|hier|gestern|ontem|gisteren",
        "today|oggi|hoy|aujourd hui|heute|hoje|vandaag",
        "tomorrow|domani|manana|demain|morgen|amanha",
        "day after tomorrow|dopodomani|pasado manana|apres demain|ubermorgen|overmorgen",
    ),
    -1,
)
AROUND_A_DAY = _each(
    "on|next|this|coming|the|of|please|thanks|thank|you|ok|yes|by|for",
    "il|la|lo|le|prossimo|prossima|questo|questa|per|favore|grazie|si|va|bene|di",
    "el|proximo|proxima|este|esta|que|viene|por|favor|gracias|en|vale|de",
    "ce|cette|prochain|prochaine|s|vous|te|plait|merci|oui|pour|d|accord",
    "am|an|nachsten|nachste|nachster|diesen|kommenden|bitte|danke|ja|gern|gerne",
    "na|no|esse|essa|obrigado|obrigada|sim|pode|ser",
    "op|volgende|deze|komende|graag|dank|je|wel|bedankt",
)
"""Words that may stand beside a day without making it another one."""
BEFORE_A_TIME = _each("at|alle|alla|ore|ora|a las|a la|um|om|as|a|vers|verso|ca")
COUNT = _numbered(
    (
        "zero|null|nul|cero",
        "one|uno|una|un|une|eins|ein|eine|um|uma|een",
        "two|due|dos|deux|zwei|dois|duas|twee",
        "three|tre|tres|trois|drei|drie",
        "four|quattro|cuatro|quatre|vier|quatro",
        "five|cinque|cinco|cinq|funf|vijf",
        "six|sei|seis|sechs|zes",
        "seven|sette|siete|sept|sieben|sete|zeven",
        "eight|otto|ocho|huit|acht|oito",
        "nine|nove|nueve|neuf|neun|negen",
        "ten|dieci|diez|dix|zehn|dez|tien",
    ),
    0,
)
YES = _each(
    "yes|yeah|yep|yup|sure|ok|okay|of course|absolutely|yes please|y|👍|✅|✔|👌",
    "si|certo|certamente|va bene|volentieri|d accordo|si grazie|si certo",
    "claro|vale|por supuesto|de acuerdo|si por favor|si claro",
    "oui|ouais|d accord|bien sur|oui merci|oui s il vous plait",
    "ja|jawohl|gerne|klar|naturlich|ja bitte|ja gerne",
    "sim|com certeza|sim por favor|jazeker|zeker|graag|ja graag",
)
NO = _each(
    "no|nope|nah|never|n|no thanks|no thank you|not now|👎|❌|🚫",
    "no grazie|non ora|no gracias|ahora no|non|non merci|pas maintenant",
    "nein|nein danke|nicht|nao|nao obrigado|nao obrigada|nee|nee dank je|nee bedankt|niet",
)
_AUTOMATIC = _each(
    "out of office|out of the office|automatic reply|automated reply|auto reply|autoreply",
    "automatic response|automated message|automatic message|away message",
    "thank you for contacting|thanks for contacting|thank you for your message",
    "thanks for your message|thank you for reaching out|thanks for reaching out",
    "we are currently closed|currently unavailable|not available right now|unable to respond",
    "get back to you|will respond as soon as|will reply as soon as",
    "risposta automatica|messaggio automatico|fuori ufficio|grazie per averci contattato",
    "grazie per averci scritto|grazie per aver contattato|grazie per il tuo messaggio",
    "grazie per il suo messaggio|ti risponderemo|le risponderemo|vi risponderemo",
    "ti rispondero|risponderemo al piu presto|rispondero appena possibile",
    "non siamo disponibili|non sono disponibile|siamo chiusi",
    "respuesta automatica|mensaje automatico|fuera de la oficina|gracias por contactar",
    "gracias por comunicarte|gracias por comunicarse|gracias por tu mensaje",
    "gracias por su mensaje|te responderemos|le responderemos|lo antes posible",
    "no estamos disponibles|no estoy disponible|estamos cerrados",
    "reponse automatique|message automatique|absent du bureau|absente du bureau",
    "merci de nous avoir contacte|merci de nous avoir contactes|merci pour votre message",
    "merci de votre message|nous vous repondrons|dans les plus brefs delais",
    "actuellement indisponible|actuellement absent|actuellement absente",
    "automatische antwort|automatische nachricht|abwesenheitsnotiz|nicht im buro",
    "danke fur ihre nachricht|danke fur deine nachricht|vielen dank fur ihre nachricht",
    "danke fur ihre anfrage|so schnell wie moglich|melden uns|melde mich",
    "derzeit nicht erreichbar|momentan nicht erreichbar|zurzeit nicht erreichbar",
    "resposta automatica|mensagem automatica|fora do escritorio|obrigado por entrar em contato",
    "obrigada por entrar em contato|obrigado por entrar em contacto|agradecemos seu contato",
    "agradecemos o seu contato|agradecemos sua mensagem|agradecemos a sua mensagem",
    "obrigado pela sua mensagem|assim que possivel|nao estamos disponiveis",
    "automatisch antwoord|automatische reactie|automatisch bericht|niet op kantoor|afwezig",
    "bedankt voor je bericht|bedankt voor uw bericht|zo snel mogelijk|zo spoedig mogelijk",
)
AUTOMATIC = tuple(sorted(_AUTOMATIC))
"""What answers that nobody wrote say: away messages and greetings of phones and mail programs."""
