"""Writes expected values that do not come from this crate, in the format of statistics_vectors.json.

usage: make_vectors.py > fixtures/statistics_vectors_more.json

Needs scipy 1.17.1 and statsmodels 0.15.0; other versions may differ in the last digits. If neither
implements a method, the script computes the value in a different way from the crate: a root of the
likelihood equation instead of its closed form, a correlation instead of a sum of scores, or a
product of floats instead of a sum of logarithms.
"""

import json
import math
import sys

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, hypergeom, norm
from statsmodels.stats.contingency_tables import StratifiedTable, mcnemar

RULE = "pass if |got-expected| <= max(tolerance*|expected|, 1e-12)"
vectors = []


def add(kind, inputs, expected, source, tolerance):
    # JSON has no infinity, so it is written as a word.
    def plain(value):
        if isinstance(value, (list, str)):
            return value
        value = float(value)
        return value if math.isfinite(value) else repr(value)

    vectors.append(
        {
            "kind": kind,
            "inputs": inputs,
            "expected": {name: plain(value) for name, value in expected.items()},
            "source function": source,
            "tolerance": tolerance,
            "tolerance rule": RULE,
        }
    )


# Matched pairs: b blocks in which only side one was bad, c in which only side two was, n blocks.


def mcnemar_vectors():
    for b, c in [(0, 0), (1, 0), (0, 5), (6, 0), (8, 2), (5, 5), (40, 22), (1, 30), (300, 350)]:
        p = mcnemar([[10, b], [c, 10]], exact=True).pvalue
        add(
            "mcnemar_exact",
            {"b": b, "c": c},
            {"p": min(p, 1.0)},
            "statsmodels.stats.contingency_tables.mcnemar(exact=True).pvalue",
            1e-9,
        )


def tango_score(b, c, n, d):
    """The score at the difference d; the nuisance rate is a bracketed root of the likelihood equation."""
    if d < 0:
        return -tango_score(c, b, n, -d)
    if d == 0:
        return (b - c) / math.sqrt(b + c) if b != c else 0.0

    def slope(ln_q):
        q = math.exp(ln_q)
        rest = (1 - d) - 2 * q
        return b / (q + d) + c / q - (2 * (n - b - c) / rest if n > b + c else 0.0)

    lo, hi = math.log(1e-30), math.log((1 - d) / 2 * (1 - 1e-15))
    if slope(lo) <= 0:
        q = 0.0
    elif slope(hi) >= 0:
        q = (1 - d) / 2
    else:
        q = math.exp(brentq(slope, lo, hi, xtol=1e-16, rtol=1e-15, maxiter=500))
    variance = n * (2 * q + d - d * d)
    distance = b - c - n * d
    return distance / math.sqrt(variance) if distance else 0.0


def tango_vectors():
    source = "score of Tango 1998 by scipy.optimize.brentq on the likelihood equation, inverted by brentq"
    cases = [
        (12, 2, 50, 0.05),
        (0, 0, 30, 0.05),
        (53, 0, 54, 0.05),
        (1, 4, 10, 0.05),
        (3, 3, 20, 0.01),
        (0, 7, 7, 0.05),
        (30, 12, 1000, 0.1),
        (2, 0, 1_000_000, 0.05),
        (1, 0, 1, 0.05),
    ]
    for b, c, n, alpha in cases:
        z = norm.isf(alpha / 2)
        middle = (b - c) / n
        edge = 1 - 1e-12
        lo = -1.0 if c == n else brentq(
            lambda d: tango_score(b, c, n, d) - z, -edge, min(middle, edge), xtol=1e-18, rtol=1e-14
        )
        hi = 1.0 if b == n else brentq(
            lambda d: tango_score(b, c, n, d) + z, max(middle, -edge), edge, xtol=1e-18, rtol=1e-14
        )
        add("tango_interval", {"b": b, "c": c, "n": n, "alpha": alpha}, {"lo": lo, "hi": hi}, source, 1e-8)
    for b, c, n, margin in [
        (0, 0, 100, 0.02),
        (0, 0, 150, 0.02),
        (1, 0, 300, 0.02),
        (12, 9, 200, 0.1),
        (0, 12, 40, 0.05),
        (20, 0, 40, 0.05),
        (5000, 5000, 1_000_000, 0.001),
    ]:
        add(
            "tango_test",
            {"b": b, "c": c, "n": n, "margin": margin},
            {"p": norm.cdf(tango_score(b, c, n, margin))},
            "score of Tango 1998 by scipy.optimize.brentq on the likelihood equation, scipy.stats.norm.cdf",
            1e-8,
        )


def margin_vectors():
    """The process of margin.rs as plain products: sum over bets of weight * prod(1 + bet (margin - y))."""
    cases = [
        (0.02, "0" * 12, "0" * 12),
        (0.02, "0100010000", "0001010001"),
        (0.1, "1101000111", "0010000100"),
        (0.5, "0000", "1111"),
        (0.5, "1111", "0000"),
        (0.3, "10101010101010101010", "01010101010101010101"),
        (0.001, "0001000000", "0000000100"),
    ]
    for margin, one, two in cases:
        largest = 1 / (1 - margin)
        fractions = [0.875, 0.75]
        fraction = 0.5
        while fraction > margin * (1 - margin):
            fractions.append(fraction)
            fraction /= 2
        fractions.append(fraction)
        bets = [(1.0, 0.5)] + [(f, 0.5 / len(fractions)) for f in fractions]
        capitals = [weight for _, weight in bets]
        log_e = []
        for a, b in zip(one, two):
            y = int(b) - int(a)
            for i, (f, _) in enumerate(bets):
                # A bet of everything loses everything, but rounding would leave a remainder.
                capitals[i] *= 0.0 if f == 1 and y == 1 else 1 + f * largest * (margin - y)
            log_e.append(math.log(math.fsum(capitals)))
        add(
            "log_e_margin",
            {"margin": margin, "seq_one": one, "seq_two": two},
            {"log_e_each_round": log_e},
            "definition of Waudby-Smith and Ramdas 2024 by products of floats, math.fsum",
            1e-10,
        )


# Independent rates.


# statsmodels 0.15.0 has score_test_proportions_2indep, but the cubic has a wrong coefficient if the
# difference is not 0 (statsmodels issue 10269). Its p-values and intervals cannot be used here.


def farrington_score(x1, n1, x2, n2, d):
    """The score at the difference d; rate two is a bracketed root of the likelihood equation."""
    if d < 0:
        return -farrington_score(x2, n2, x1, n1, -d)

    def slope(p):
        terms = [(x1, p + d), (x1 - n1, 1 - d - p), (x2, p), (x2 - n2, 1 - p)]
        return sum(count / rate for count, rate in terms if count)

    lo, hi = (1 - d) * 1e-15, (1 - d) * (1 - 1e-15)
    if slope(lo) <= 0:
        p = 0.0
    elif slope(hi) >= 0:
        p = 1 - d
    else:
        p = brentq(slope, lo, hi, xtol=1e-18, rtol=1e-15, maxiter=500)
    # The cubic of Miettinen and Nurminen 1985 must have this root.
    n, bad = n1 + n2, x1 + x2
    cubic = [n, (n1 + 2 * n2) * d - n - bad, (n2 * d - n - 2 * x2) * d + bad, x2 * d * (1 - d)]
    assert abs(np.polyval(cubic, p)) <= 1e-9 * n, (x1, n1, x2, n2, d, p)
    variance = (p + d) * (1 - d - p) / n1 + p * (1 - p) / n2
    distance = x1 / n1 - x2 / n2 - d
    return distance / math.sqrt(variance) if distance else 0.0


def farrington_vectors():
    source = "score of Farrington and Manning 1990 by scipy.optimize.brentq on the likelihood equation"
    for x1, n1, x2, n2, margin in [
        (0, 100, 0, 100, 0.02),
        (3, 20, 1, 30, 0.2),
        (10, 100, 12, 90, 0.05),
        (50, 60, 40, 60, 0.3),
        (0, 10, 10, 10, 0.1),
        (20, 20, 1, 20, 0.1),
        (1, 1, 1, 1, 0.5),
        (1000, 100_000, 990, 99_000, 0.001),
    ]:
        add(
            "farrington_manning",
            {"x1": x1, "n1": n1, "x2": x2, "n2": n2, "margin": margin},
            {"p": norm.cdf(farrington_score(x1, n1, x2, n2, margin))},
            source + ", scipy.stats.norm.cdf",
            1e-8,
        )

# Exposure.


def garwood_vectors():
    for k, exposure, alpha in [
        (0, 1.0, 0.05),
        (0, 3600.0, 0.01),
        (1, 1.0, 0.05),
        (3, 12.5, 0.1),
        (10, 1.0, 0.05),
        (250, 86_400.0, 0.05),
        (1_000_000, 1.0, 0.05),
        (5, 2.0, 1e-12),
    ]:
        lo = chi2.ppf(alpha / 2, 2 * k) / 2 / exposure if k else 0.0
        hi = chi2.isf(alpha / 2, 2 * k + 2) / 2 / exposure
        add(
            "garwood",
            {"k": k, "exposure": exposure, "alpha": alpha},
            {"lo": lo, "hi": hi},
            "scipy.stats.chi2.ppf(alpha/2, 2k)/2/exposure, chi2.isf(alpha/2, 2k+2)/2/exposure",
            1e-9,
        )


# Strata: rows of x1, n1, x2, n2.

STRATA = {
    "two": [(7, 20, 2, 30), (3, 10, 1, 12)],
    "many": [(4, 10, 9, 10), (1, 12, 3, 9), (0, 5, 2, 6), (6, 8, 7, 7), (2, 30, 5, 25)],
    "reversed": [(60, 90, 8, 10), (1, 10, 18, 90)],
    "no effect": [(5, 50, 5, 50), (20, 40, 20, 40)],
    "one": [(8, 15, 3, 15)],
    "one side clean": [(0, 20, 3, 20), (0, 10, 2, 12)],
    "large": [(120, 1000, 90, 1000), (300, 2000, 280, 2100), (15, 500, 9, 400)],
}
LARGE = [(100_400, 1_000_000, 100_000, 1_000_000), (50_100, 400_000, 62_000, 500_000)]


def stratified(rows):
    tables = [np.array([[x1, n1 - x1], [x2, n2 - x2]]) for x1, n1, x2, n2 in rows]
    return StratifiedTable(tables)


def strata_inputs(rows, alpha):
    names = ["x1", "n1", "x2", "n2"]
    return {**{name: [row[i] for row in rows] for i, name in enumerate(names)}, "alpha": alpha}


def difference(rows, alpha):
    """The Mantel-Haenszel difference by weights; Sato's variance by his formula."""
    x1, n1, x2, n2 = (np.array(column, dtype=float) for column in zip(*rows))
    n = n1 + n2
    weight = n1 * n2 / n
    estimate = np.average(x1 / n1 - x2 / n2, weights=weight)
    p = (n1**2 * x2 - n2**2 * x1 + n1 * n2 * (n2 - n1) / 2) / n**2
    q = (x1 * (n2 - x2) + x2 * (n1 - x1)) / (2 * n)
    error = math.sqrt(estimate * p.sum() + q.sum()) / weight.sum()
    z = norm.isf(alpha / 2)
    return {"diff": estimate, "diff_lo": estimate - z * error, "diff_hi": estimate + z * error}


def conditional_p(rows):
    chances = np.ones(1)
    seen = 0
    for x1, n1, x2, n2 in rows:
        bad = x1 + x2
        lowest = max(0, bad - n2)
        support = np.arange(lowest, min(bad, n1) + 1)
        chances = np.convolve(chances, hypergeom.pmf(support, n1 + n2, bad, n1))
        seen += x1 - lowest
    return min(1.0, 2 * min(math.fsum(chances[: seen + 1]), math.fsum(chances[seen:])))


def mantel_haenszel_vectors():
    alpha = 0.05
    for rows in STRATA.values():
        expected = difference(rows, alpha)
        table = stratified(rows)
        if np.isfinite(table.oddsratio_pooled) and table.oddsratio_pooled > 0:
            lo, hi = table.oddsratio_pooled_confint(alpha)
            expected |= {"or": table.oddsratio_pooled, "or_lo": lo, "or_hi": hi}
        expected["p"] = conditional_p(rows)
        add(
            "mantel_haenszel",
            strata_inputs(rows, alpha),
            expected,
            "statsmodels StratifiedTable.oddsratio_pooled and its confint; Sato 1989 by numpy; scipy"
            " hypergeom.pmf with numpy.convolve",
            1e-9,
        )
    for alpha in (0.05, 0.01):
        table = stratified(LARGE)
        lo, hi = table.oddsratio_pooled_confint(alpha)
        expected = difference(LARGE, alpha) | {"or": table.oddsratio_pooled, "or_lo": lo, "or_hi": hi}
        expected["p"] = table.test_null_odds(correction=False).pvalue
        add(
            "mantel_haenszel",
            strata_inputs(LARGE, alpha),
            expected,
            "statsmodels StratifiedTable.oddsratio_pooled, its confint, test_null_odds(correction=False)",
            1e-9,
        )


mcnemar_vectors()
tango_vectors()
margin_vectors()
farrington_vectors()
garwood_vectors()
mantel_haenszel_vectors()
json.dump(vectors, sys.stdout, indent=0, ensure_ascii=False)
