"""Pure: folding text for the search, and what a user typed into an FTS5 query.

The trigram tokenizer finds substrings of three characters or more. Text is folded before it is
indexed and before it is looked for, so that neither case nor accents count.
"""

from __future__ import annotations

import unicodedata

MAX_QUERY_CHARS = 1000
MAX_QUERY_WORDS = 32
TRIGRAM = 3


def fold(text: str) -> str:
    """Return `text` without case, accents, compatibility forms and NUL characters.

    A part of a text folds to a part of the folded text.
    """
    if text.isascii():
        return text.lower().replace("\0", " ")
    # Compatibility forms may decompose into capitals, hence the second casefold.
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
    plain = unicodedata.normalize("NFKD", decomposed)
    kept = "".join(c for c in plain if not unicodedata.combining(c)).replace("\0", " ")
    return kept.encode("utf-8", "replace").decode()  # lone surrogates cannot be stored


def query_words(text: str) -> list[str]:
    """Return the different folded words of `text`, all of which a video must hold.

    Only the first 1000 characters and 32 words count.
    """
    words = fold(text[:MAX_QUERY_CHARS]).split()
    return list(dict.fromkeys(words))[:MAX_QUERY_WORDS]


def match_expression(words: list[str]) -> str:
    """Return an FTS5 expression that asks for all `words` as literal substrings.

    Each must have three characters at least. Words become strings of the FTS5 grammar, in which
    the only special character is the double quote.
    """
    return " AND ".join('"' + word.replace('"', '""') + '"' for word in words)
