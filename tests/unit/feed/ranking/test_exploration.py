from __future__ import annotations

from collections import Counter
from random import Random

from photomesh_feed.ranking.exploration import Coin, toss


def test_in_one_order_of_a_hundred_two_neighbours_are_exchanged_by_a_coin() -> None:
    random, coins = Random(7), list[Coin]()
    for _ in range(20_000):
        page = list(range(20))
        coin = toss(page, random)
        if coin is None:
            assert page == list(range(20))
            continue
        coins.append(coin)
        first = coin.position
        assert page[first : first + 2] == ([first + 1, first] if coin.swapped else [first, first + 1])
        assert sorted(page) == list(range(20))
    assert 150 < len(coins) < 250
    assert 0.4 < Counter(coin.swapped for coin in coins)[True] / len(coins) < 0.6
    assert {coin.position for coin in coins} == set(range(19))


def test_a_page_of_one_post_has_no_neighbours() -> None:
    random = Random(7)
    assert {toss([1], random) for _ in range(1_000)} == {None}


def test_suggested_posts_stay_where_they_are() -> None:
    random, coins = Random(7), list[Coin]()
    for _ in range(5_000):
        page = list(range(12))
        if coin := toss(page, random, fixed={0, 9}):
            coins.append(coin)
        assert (page[0], page[9]) == (0, 9)
    assert {coin.position for coin in coins} == {1, 2, 3, 4, 5, 6, 7, 10}
