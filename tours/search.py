"""What a word is to our search. Index and question go through the same functions, so that they meet.

English words are stemmed by the `english` configuration. Arabic ones first lose article and endings here: `arabic` alone
treats رحلات and الرحلات differently, because it looks at other endings where it finds an article.
"""

import re
import unicodedata
from typing import Any

WORD = re.compile(r"[^\W_]+")
ARABIC = re.compile(r"[\u0600-\u06ff]")

# What normalisation by Unicode leaves apart: Persian letters that keyboards mix in, taa marbuta, alef maqsura, alef wasla.
LETTERS = str.maketrans({"ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ٱ": "ا", "ـ": None})

# Words that say nothing in a question. PostgreSQL has its own list for English texts, and none for Arabic.
ARABIC_FILLERS = frozenset("في من الي علي عن مع او ثم هذا هذه ذلك التي الذي كل بين عند و".split())  # noqa: SIM905
ENGLISH_FILLERS = frozenset("a an and at by for from i in is me my of on or the to we with".split())  # noqa: SIM905
FILLERS = ARABIC_FILLERS | ENGLISH_FILLERS
# Words that everything here could be called by: they need not stand in a title that looks like what was meant.
GENERIC = frozenset("tour tours trip trips رحله رحلات جوله جولات".split())  # noqa: SIM905

ARTICLES = ("وال", "بال", "كال", "فال", "ال", "لل")
ENDINGS = ("ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي")

MOST_WORDS = 10  # of a question; the rest is ignored


def fold(text: str) -> str:
    """Lower case, one space between words; no accents, vowel signs, hamzas, tatweel; digits 0-9; one form per letter.

    The forms of alef fall together, taa marbuta becomes haa, alef maqsura yaa.
    """
    plain = text.casefold().replace("\0", " ")
    if not plain.isascii():
        plain = "".join(
            str(unicodedata.digit(letter)) if letter.isdigit() else letter
            for letter in unicodedata.normalize("NFKD", plain)
            if unicodedata.category(letter) not in {"Mn", "Cf"}
        )
    return " ".join(WORD.findall(plain.translate(LETTERS)))


def without_article(word: str) -> str:
    """An Arabic word, folded, without its article and what is written together with that; at least three letters stay."""
    for article in ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= 3:
            return word[len(article) :]
    return word


def light_stem(word: str) -> str:
    """An Arabic word, folded, without article and the common endings; at least three letters stay."""
    word = without_article(word)
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
    return word


def by_script(text: str) -> tuple[str, str]:
    """The words of a text that are not Arabic, and the Arabic ones lightly stemmed: for `english` and for `arabic`."""
    words = fold(text).split()
    latin = [word for word in words if not ARABIC.search(word)]
    arabic = [light_stem(word) for word in words if ARABIC.search(word) and word not in ARABIC_FILLERS]
    return " ".join(latin), " ".join(arabic)


def plain_words(text: str) -> list[str]:
    """The words of a text without articles, each once, in order: what typing errors are compared with."""
    return list(dict.fromkeys(without_article(word) for word in fold(text).split()))


def slips_of(word: str) -> set[str]:
    """The word, and the word with any one letter left out.

    Two words share one of these if a single slip lies between them: a letter wrong, missing, too many, or two swapped.
    Words of three letters and less have no slips: nearly everything is close to them.
    """
    if len(word) < 4:
        return {word}
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}


def _begun(word: str) -> str:
    """A word that may not be finished, without an Arabic article: what is indexed has none."""
    return word[2:] if word.startswith("ال") and len(word) > 2 else word


# --- The vector: texts by weight, each split by script ---

WEIGHTS = ("A", "B", "C", "D")


def vector_sql(column: str) -> str:
    """SQL of the vector over an array of eight texts: latin and Arabic of each weight in turn."""
    parts = []
    for place, weight in enumerate(WEIGHTS):
        latin, arabic = f"{column}[{2 * place + 1}]", f"{column}[{2 * place + 2}]"
        parts.append(
            f"setweight(to_tsvector('english', unaccent({latin})) || to_tsvector('arabic', {arabic}), '{weight}')"
        )
    return " || ".join(parts)


def vector_texts(*by_weight: str) -> list[str]:
    """The array for `vector_sql`: one text for each weight, A to D."""
    return [part for text in by_weight for part in by_script(text)]


QUERY_SQL = "(plainto_tsquery('english', unaccent(%({name}_latin)s::text)) && plainto_tsquery('arabic', %({name}_arabic)s::text))"


# The ways in which a word can be meant.
BEGINS = "p.words LIKE %({0}_start)s::text"
LOOKS = "%({0}_text)s::text <%% p.words"
SLIPS = "p.slips && %({0}_slips)s::text[]"
MEANT = f"p.vector @@ {QUERY_SQL.format(name='{0}')}"


class Question:
    """What somebody typed into the search field, ready to be asked: SQL conditions over `p`, and their parameters.

    - `exact`: every word, stemmed, stands in some text of the tour.
    - `close`: every word stands in a text, begins a word of title or place, or looks like one: a slip away, or by trigrams.
    - `some`: of several words, at least one stands in a text.
    - `begins`: every word begins a word of title or place. `similar`: every word begins or looks like one.

    Without any word nothing is found.
    """

    def __init__(self, text: str) -> None:
        words = fold(text).split()[:MOST_WORDS]
        self.folded = " ".join(words)
        plain = plain_words(self.folded)
        self.words = [word for word in plain if word not in FILLERS | GENERIC and len(word) > 2] or plain
        latin, arabic = by_script(self.folded)
        self.parameters: dict[str, Any] = {"q_latin": latin, "q_arabic": arabic, "q_folded": self.folded}
        for place, word in enumerate(self.words):
            latin, arabic = by_script(word)
            self.parameters |= {
                f"w{place}_latin": latin,
                f"w{place}_arabic": arabic,
                f"w{place}_text": word,
                f"w{place}_slips": sorted(slips_of(word)),
                f"w{place}_start": f"% {_begun(word)}%",
            }
        self.exact = f"p.vector @@ {QUERY_SQL.format(name='q')}" if self.words else "FALSE"
        self.rank = f"ts_rank(p.vector, {QUERY_SQL.format(name='q')})"
        any_word = " || ".join(QUERY_SQL.format(name=f"w{place}") for place in range(len(self.words)))
        self.some = f"p.vector @@ ({any_word})" if len(self.words) > 1 else "FALSE"
        self.rank_of_some = f"ts_rank(p.vector, {any_word})" if len(self.words) > 1 else "0"
        # Of a few letters everything is equally far.
        self.likeness = "word_similarity(%(q_folded)s::text, p.words)" if len(self.folded) > 3 else "0"
        self.begins = self._each(BEGINS)
        self.similar_words = self._each(BEGINS, LOOKS)
        self.similar = self._each(BEGINS, LOOKS, SLIPS)
        self.close = self._each(BEGINS, LOOKS, SLIPS, MEANT)

    def _each(self, *ways: str) -> str:
        """SQL: each word is found in one of these ways."""
        conditions = []
        for place, word in enumerate(self.words):
            sensible = [way for way in ways if way is not LOOKS or len(_begun(word)) >= 4]  # short words look like many
            conditions.append(f"({' OR '.join(sensible).format(f'w{place}')})")
        return " AND ".join(conditions) or "FALSE"
