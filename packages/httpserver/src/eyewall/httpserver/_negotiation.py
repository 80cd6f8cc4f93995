"""What a client would rather have: the Accept fields and their weights (RFC 9110 section 12)."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# An item that is malformed is passed over: such a field asks, it does not decide.
_is_weight = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)").fullmatch
# A quotation that is not ended goes to the end, so that it is looked at once.
_items = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+"?+)++').finditer
# No client has as many wishes; who sends thousands wants the server to be busy.
_MOST_ITEMS: Final = 100


class Preference(NamedTuple):
    """One item of an Accept field."""

    value: str
    """What is wanted, in lower case and without blanks, with its parameters; it may be or end in ``*``."""
    weight: float
    """How much it is wanted: from 1.0 down to 0.0, which means not at all."""


def parse_preferences(field: str) -> list[Preference]:
    """Parse a field like ``text/html, text/*;q=0.5``: the most wanted item first, equal ones in their order.

    Works for Accept, Accept-Charset, Accept-Encoding and Accept-Language. Malformed items are left out, and so are
    all items after the hundredth.
    """
    items = [match[0] for match in islice(_items(field), _MOST_ITEMS)]
    found = [preference for item in items if (preference := _parse_item(item)) is not None]
    return sorted(found, key=lambda preference: -preference.weight)


def best_media_type(accept: str | None, offers: Iterable[str]) -> str | None:
    """Choose the media type to send from offers in the server's order of preference; None if none is accepted.

    ``accept`` is the Accept field; without one, everything is accepted. The most specific item decides about an
    offer: ``text/html;level=1`` before ``text/html`` before ``text/*`` before ``*/*``::

        best_media_type("text/*;q=0.5, application/json", ["text/html", "application/json"])
    """
    return _best(accept, offers, _media_type_match)


def best_encoding(accept_encoding: str | None, offers: Iterable[str]) -> str | None:
    """Choose a content coding: one of the offers, or ``"identity"`` if none is accepted or it is preferred.

    ``offers`` are names such as ``"gzip"``, in the server's order of preference. None if not even ``"identity"`` is
    accepted. A client that sends no preference gets ``"identity"``.
    """
    if not accept_encoding:
        return "identity"
    weights = {preference.value: preference.weight for preference in parse_preferences(accept_encoding)}
    others = weights.get("*", 0.0)
    best, wanted = None, 0.0
    for offer in offers:
        weight = weights.get(offer.lower(), others)
        if weight > wanted:
            best, wanted = offer, weight
    # Without a word on it, identity is accepted, but after all that is named.
    identity = weights.get("identity", others if "*" in weights else None)
    if identity is None:
        return best or "identity"
    return "identity" if identity > wanted else best


def best_language(accept_language: str | None, offers: Iterable[str]) -> str | None:
    """Choose a language tag from offers in the server's order of preference; None if the client accepts none.

    An item stands for all tags that begin with it: ``en`` for ``en-GB`` (RFC 4647 section 3.3.1).
    """
    return _best(accept_language, offers, _language_match)


def _parse_item(item: str) -> Preference | None:
    value, *parameters = ["".join(part.split()).lower() for part in item.split(";")]
    weight = 1.0
    if parameters and parameters[-1].startswith("q="):
        if (match := _is_weight(parameters.pop())) is None:
            return None
        weight = float(match[1])
    return Preference(";".join([value, *parameters]), weight) if value else None


def _best(field: str | None, offers: Iterable[str], match: Callable[[str, str], int]) -> str | None:
    """The offer that is wanted most; of equals the first."""
    preferences = [Preference("*", 1.0)] if not field else parse_preferences(field)
    best, wanted = None, 0.0
    for offer in offers:
        normal = "".join(offer.split()).lower()
        how_well = [(match(preference.value, normal), preference.weight) for preference in preferences]
        specificity, weight = max(how_well, default=(0, 0.0))
        if specificity and weight > wanted:
            best, wanted = offer, weight
    return best


def _media_type_match(wanted: str, offer: str) -> int:
    """How specific an item is that stands for the offer: 0 where it does not."""
    if wanted in {"*/*", "*"}:
        return 1
    bare = offer.partition(";")[0]
    if wanted.endswith("/*"):
        return 2 if bare.startswith(wanted[:-1]) else 0
    if wanted == offer:
        return 4
    return 3 if wanted == bare else 0


def _language_match(wanted: str, offer: str) -> int:
    if wanted == "*":
        return 1
    return len(wanted) + 1 if offer == wanted or offer.startswith(wanted + "-") else 0
