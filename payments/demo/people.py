"""Customers who do not exist: names as they are found around the Mediterranean and the Gulf, in two scripts."""

from dataclasses import dataclass
from random import Random

# Country, share of the customers, dialling code and what follows it, currency.
HOMES = {
    "EG": (22, "+2010", 8, "EGP"),
    "SA": (18, "+96650", 7, "SAR"),
    "AE": (12, "+97150", 7, "AED"),
    "KW": (5, "+96550", 6, "KWD"),
    "QA": (4, "+9745", 7, "QAR"),
    "JO": (4, "+96279", 7, "JOD"),
    "DE": (9, "+49151", 8, "EUR"),
    "GB": (8, "+44770", 7, "GBP"),
    "FR": (6, "+3361", 7, "EUR"),
    "IT": (6, "+39333", 7, "EUR"),
    "ES": (4, "+346", 8, "EUR"),
    "US": (2, "+1212736", 4, "USD"),
}

ARAB_FIRST = {
    "Ahmed": "أحمد", "Mohamed": "محمد", "Youssef": "يوسف", "Omar": "عمر", "Khaled": "خالد", "Hassan": "حسن",
    "Ali": "علي", "Ibrahim": "إبراهيم", "Tarek": "طارق", "Faisal": "فيصل", "Sultan": "سلطان", "Nasser": "ناصر",
    "Fatima": "فاطمة", "Mariam": "مريم", "Aisha": "عائشة", "Nour": "نور", "Salma": "سلمى", "Layla": "ليلى",
    "Hala": "هالة", "Reem": "ريم", "Dina": "دينا", "Amal": "أمل", "Huda": "هدى", "Lina": "لينا", "Yara": "يارا",
    "Mona": "منى", "Rania": "رانيا", "Noura": "نورة", "Abdullah": "عبدالله", "Karim": "كريم",
}  # fmt: skip
ARAB_LAST = {
    "El-Sayed": "السيد", "Hassan": "حسن", "Mansour": "منصور", "Farouk": "فاروق", "Abdel-Rahman": "عبد الرحمن",
    "Al-Harbi": "الحربي", "Al-Otaibi": "العتيبي", "Al-Ghamdi": "الغامدي", "Al-Mansoori": "المنصوري",
    "Al-Maktoum": "المكتوم", "Al-Sabah": "الصباح", "Al-Kuwari": "الكواري", "Haddad": "حداد", "Khoury": "خوري",
    "Nasser": "ناصر", "Shawky": "شوقي", "Zaki": "زكي", "Gamal": "جمال", "Salem": "سالم", "Al-Zahrani": "الزهراني",
    "Al-Suwaidi": "السويدي", "Bakr": "بكر", "Tawfik": "توفيق", "Darwish": "درويش", "Al-Khatib": "الخطيب",
}  # fmt: skip
EUROPEAN = {
    "DE": (["Anna", "Lukas", "Katharina", "Jonas", "Greta", "Felix"], ["Müller", "Schneider", "Weber", "Hoffmann", "Krüger"]),
    "GB": (["Emily", "James", "Charlotte", "Oliver", "Sophie", "Harry"], ["Smith", "Taylor", "Walker", "Hughes", "Bennett"]),
    "FR": (["Camille", "Louis", "Élodie", "Hugo", "Chloé", "Antoine"], ["Martin", "Bernard", "Lefèvre", "Moreau", "Girard"]),
    "IT": (["Giulia", "Marco", "Francesca", "Luca", "Chiara", "Matteo"], ["Rossi", "Bianchi", "Ferrari", "Greco", "Marino"]),
    "ES": (["Lucía", "Pablo", "Carmen", "Álvaro", "Elena", "Javier"], ["García", "Fernández", "López", "Navarro", "Ruiz"]),
    "US": (["Madison", "Ethan", "Grace", "Noah", "Abigail", "Logan"], ["Johnson", "Miller", "Davis", "Anderson", "Clark"]),
}  # fmt: skip


@dataclass(frozen=True)
class DemoPerson:
    first_name: str
    last_name: str
    email: str
    phone: str
    language: str
    currency: str
    country: str


def plain(name: str) -> str:
    """A name as it stands in an e-mail address."""
    table = str.maketrans("üéèëôáíóúçÉÁÖö", "ueeeoaioucEAOo")
    return "".join(letter for letter in name.translate(table).lower() if letter.isascii() and letter.isalnum())


def make_people(count: int, chance: Random) -> list[DemoPerson]:
    """So many customers; no two share an e-mail address."""
    homes, shares = list(HOMES), [share for share, *_ in HOMES.values()]
    people = []
    for index in range(count):
        country = chance.choices(homes, shares)[0]
        _, code, digits, currency = HOMES[country]
        if country in EUROPEAN:
            firsts, lasts = EUROPEAN[country]
            first, last, language = chance.choice(firsts), chance.choice(lasts), "en"
            latin = (first, last)
        else:
            first, last = chance.choice(list(ARAB_FIRST)), chance.choice(list(ARAB_LAST))
            latin = (first, last)
            language = "ar" if chance.random() < 0.7 else "en"
            if language == "ar" and chance.random() < 0.6:
                first, last = ARAB_FIRST[first], ARAB_LAST[last]
        people.append(
            DemoPerson(
                first_name=first,
                last_name=last,
                email=f"{plain(latin[0])}.{plain(latin[1])}.{index + 1}@guests.rihla.example",
                phone=code + "".join(chance.choice("0123456789") for _ in range(digits)),
                language=language,
                currency=currency,
                country=country,
            )
        )
    return people
