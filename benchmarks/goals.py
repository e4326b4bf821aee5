"""What each benchmark should reach, as values taken from the figures that it leaves in `results/<name>.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

__all__ = ["GOALS", "Goal"]

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """`value` reads the figures of `benchmark`; None if that run has not measured it. It is met at `bound` or above
    (`at_least`) or below."""

    benchmark: str
    name: str
    bound: float
    unit: str
    value: Callable[[Figures], float | None]
    at_least: bool = False

    def share(self, reached: float) -> float:
        """How much of the goal was reached; 1 or more is met."""
        high, low = (reached, self.bound) if self.at_least else (self.bound, reached)
        return high / low if low else float("inf")


def _write(path: str) -> Callable[[Figures], float]:
    def cpu_ms(figures: Figures) -> float:
        one = figures["measured"][path]
        return float(sum(one["cpu"].values())) / float(one["load"]["requests"]) * 1e3

    return cpu_ms


def _rate(load: Figures) -> float:
    return float(load["requests"]) / float(load["seconds"])


def _feed_loads(figures: Figures, kind: str) -> Iterable[tuple[str, Any]]:
    """Ours, of all scales and all kinds of readers."""
    for scale in figures["scales"]:
        for designs in scale[kind].values():
            yield from ((name, load) for name, load in designs.items() if name.startswith("photomesh"))


def _slowest_feed_rate(figures: Figures) -> float:
    return float(min(median(_rate(one["load"]) for one in samples) for _, samples in _feed_loads(figures, "closed")))


def _feed_cpu_ms(figures: Figures) -> float:
    return float(max(median(one["cpu"] for one in samples) for _, samples in _feed_loads(figures, "closed"))) * 1e3


def _ranked_p99_ms(figures: Figures) -> float:
    return max(float(load["p99"]) for name, load in _feed_loads(figures, "paced") if name.endswith("ranked")) * 1e3


def _growth(figures: Figures) -> float | None:
    """How much longer a read of our design takes with most posts than with fewest; a quick run has one scale."""
    if len(figures["scales"]) == 1:
        return None
    first, *_, last = figures["scales"]
    return max(
        median(_rate(one["load"]) for one in first["closed"][follows]["photomesh"])
        / median(_rate(one["load"]) for one in samples["photomesh"])
        for follows, samples in last["closed"].items()
    )


def _cold_ms(follows: str, of: Callable[[Iterable[float]], float]) -> Callable[[Figures], float]:
    return lambda figures: max(of(scale["cold"][follows]) for scale in figures["scales"]) * 1e3


def _once(figures: Figures) -> float:
    return min(_rate(scale["warm_up"]["photomesh"]) for scale in figures["scales"])


def _first_read_ms(figures: Figures) -> float:
    return float(max(sum(scale["building"].values()) for scale in figures["scales"])) * 1e3


def _fanout(figures: Figures) -> float:
    full = figures["results"][1]
    return float(median(full["followers"] / sample["platform"] for sample in full["samples"]))


def _gateway(part: str) -> Callable[[Figures], float]:
    def share(figures: Figures) -> float:
        pairs = zip(figures[part]["gateway"], figures[part]["bare proxy"], strict=True)
        return median(_rate(ours["load"]) / _rate(bare["load"]) for ours, bare in pairs)

    return share


def _media(contestant: str) -> Callable[[Figures], float]:
    def ratio(figures: Figures) -> float:
        both = [
            photo["cpu_ms"]
            for photo in figures["photos"]
            if photo["type"] == "JPEG" and 11.5e6 <= photo["pixels"] <= 12.5e6 and contestant in photo["cpu_ms"]
        ]
        return fmean(one[contestant] for one in both) / fmean(one["photomesh"] for one in both)

    return ratio


def _explore(part: str, measure: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures[part]["ratios"][measure]["value"])


def _known_item(figures: Figures) -> float:
    return float(figures["known"]["search"]["ranks"]["first four letters"])


GOALS = (
    Goal("likes", "like, one post: CPU", 1.8, "ms", lambda f: f["ours"]["cpu"] / f["ours"]["load"]["requests"] * 1e3),
    Goal("likes", "like, one post", 800, "/s", lambda f: _rate(f["ours"]["load"]), at_least=True),
    Goal("likes", "like, one post: P99", 100, "ms", lambda f: f["ours"]["load"]["p99"] * 1e3),
    Goal("writes", "like, many posts: CPU", 2.2, "ms", _write("like, many posts")),
    Goal("writes", "follow: CPU", 3.0, "ms", _write("follow")),
    Goal("writes", "unfollow: CPU", 3.0, "ms", _write("unfollow")),
    Goal("writes", "stack at rest: CPU", 0.06, "cores", lambda f: sum(f["rest"].values())),
    Goal("follows", "follow", 500, "/s", lambda f: _rate(f["calls"]["photomesh"]["follow"]), at_least=True),
    Goal("feed", "warm read: CPU", 0.8, "ms", _feed_cpu_ms),
    Goal("feed", "warm reads, all kinds of readers", 1_500, "/s", _slowest_feed_rate, at_least=True),
    Goal("feed", "ranked read at 200/s: P99", 50, "ms", _ranked_p99_ms),
    Goal("feed", "first read after a loss: CPU", 20, "ms", _first_read_ms),
    Goal("feed", "first read, 200 followed: P50", 50, "ms", _cold_ms("200", median)),
    Goal("feed", "first read, 1,000 followed: slowest", 100, "ms", _cold_ms("1000", max)),
    Goal("feed", "every reader once after a loss", 150, "/s", _once, at_least=True),
    Goal("feed", "reads with most posts ÷ with fewest", 1.3, "", _growth),
    Goal("fanout", "fan-out into full feeds", 120_000, "/s", _fanout, at_least=True),
    Goal(
        "upload",
        "upload until ready ÷ the pipeline alone",
        0.85,
        "",
        lambda f: f["saturated"]["photos"] / f["saturated"]["seconds"] / f["alone"],
        at_least=True,
    ),
    Goal("gateway", "gateway ÷ bare proxy, GET", 0.8, "", _gateway("GET, 32 connections"), at_least=True),
    Goal("gateway", "gateway ÷ bare proxy, POST", 0.8, "", _gateway("POST, 32 connections"), at_least=True),
    Goal("gateway", "gateway ÷ bare proxy, one connection", 0.8, "", _gateway("GET, 1 connection"), at_least=True),
    Goal("media", "12 MP JPEG: sharp as documented ÷ ours", 3.2, "", _media("sharp"), at_least=True),
    Goal("media", "12 MP JPEG: sharp at its best ÷ ours", 1.6, "", _media("sharp, chained"), at_least=True),
    Goal("notifications", "50,000 likes of a post: writes of groups", 70, "", lambda f: f["group_writes"]),
    Goal("notifications", "50,000 likes of a post: pushes", 2, "", lambda f: f["pushes"]),
    Goal("notifications", "a like: CPU", 60, "µs", lambda f: sum(f["cpu_us_per_like"].values())),
    Goal("notifications", "like until the stream: P99", 1_500, "ms", lambda f: f["like_to_stream"]["p99"] * 1e3),
    Goal("notifications", "a list: P99", 50, "ms", lambda f: f["lists"]["p99"] * 1e3),
    Goal("streams", "memory of a stream", 20, "kB", lambda f: f["ours"]["kb"]),
    Goal("streams", "an event on a stream: CPU", 60, "µs", lambda f: f["ours"]["cpu_us"]),
    Goal(
        "streams",
        "5,000 streams restarted: lost or doubled",
        0,
        "",
        lambda f: f["restart"]["lost"] + f["restart"]["repeated"],
    ),
    Goal("stories", "tray of who follows 9,000: P50", 20, "ms", lambda f: f["trays"][-1]["index"]["p50"] * 1e3),
    Goal("stories", "tray of who follows 9,000: P99", 50, "ms", lambda f: f["trays"][-1]["index"]["p99"] * 1e3),
    Goal("stories", "views of a story", 1_000, "/s", lambda f: f["views_per_second"], at_least=True),
    Goal("search", "known item by four letters: MRR@10", 0.9, "", _known_item, at_least=True),
    Goal("search", "suggestions at 200/s: P50", 30, "ms", lambda f: f["suggestions"]["p50"] * 1e3),
    Goal("search", "suggestions at 200/s: P99", 150, "ms", lambda f: f["suggestions"]["p99"] * 1e3),
    Goal("search", "posts indexed", 3_000, "/s", lambda f: f["posts_per_second"], at_least=True),
    Goal("search", "published until found: P99", 2, "s", lambda f: f["fresh"]["p99"]),
    Goal("webhooks", "20,000 events after half an hour down", 120, "s", lambda f: f["caught_up"]["all"]),
    Goal("webhooks", "one tarpit of 50: shift of P99", 0.10, "", lambda f: f["p99_shift"]),
    Goal("explore", "explore ÷ popularity: recall@50", 1.6, "", _explore("test", "recall@50"), at_least=True),
    Goal("explore", "explore ÷ popularity: NDCG@10", 1.6, "", _explore("test", "NDCG@10"), at_least=True),
    Goal(
        "explore",
        "the same, nothing learnt for weeks: recall@50",
        1.6,
        "",
        _explore("at_one_moment", "recall@50"),
        at_least=True,
    ),
    Goal(
        "explore",
        "the same, nothing learnt for weeks: NDCG@10",
        1.6,
        "",
        _explore("at_one_moment", "NDCG@10"),
        at_least=True,
    ),
    Goal(
        "ranking",
        "NDCG@10: learnt ÷ weighted sum",
        1.1,
        "",
        lambda f: fmean(f["trees"]) / float(f["weights"]),
        at_least=True,
    ),
    Goal(
        "ranking", "NDCG@10: learnt ÷ without places", 1.02, "", lambda f: fmean(f["trees"]) / fmean(f["naive"]), True
    ),
    Goal("ranking", "places: error of what is learnt", 0.10, "", lambda f: float(max(f["curve_error"]))),
    Goal("comments", "page of a million ÷ of a thousand", 1.3, "", lambda f: _months(f["pages"])),
)


def _months(pages: Iterable[Figures]) -> float:
    by_place: dict[str, list[float]] = {}
    for page in pages:
        by_place.setdefault(page["place"], []).append(page["p50"])
    return max(values[-1] / values[0] for values in by_place.values())
