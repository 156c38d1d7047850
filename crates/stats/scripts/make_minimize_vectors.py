#!/usr/bin/env python3
"""Writes fixtures/minimize_vectors.json: the posteriors, gains and likelihood ratios of the search
for needed chapters, computed with exact fractions from their definitions. Logarithms are taken of
exact fractions, with 50 digits. Needs only the standard library.

    python3 crates/stats/scripts/make_minimize_vectors.py fixtures/minimize_vectors.json
"""

import json
import random
import sys
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 50
NONE_NEEDED, NEVER = Fraction(3, 10), Fraction(2, 10)


def ln(x):
    return (Decimal(x.numerator) / Decimal(x.denominator)).ln()


def entropy(p):
    return -sum((Decimal(q.numerator) / Decimal(q.denominator)) * ln(q) for q in (p, 1 - p) if q) / Decimal(2).ln()


def chance(rate, deaths, survived):
    return rate**deaths * (1 - rate) ** survived


def likelihood(length, candidates, kept, rounds, level, background):
    """Of all rounds, if the first `length` candidates are the shortest prefix that crashes with the
    kept chapters; None: no prefix does."""
    product = Fraction(1)
    for part, deaths, survived in rounds:
        chosen = set(part) - set(kept)
        if not set(kept) <= set(part) or not chosen <= set(range(candidates)):
            continue  # The part says nothing about this question.
        if length is None:
            product *= chance(background, deaths, survived)
        elif set(range(length)) <= chosen:
            product *= chance(level, deaths, survived)
        elif length - 1 not in chosen:
            product *= chance(background, deaths, survived)
        else:  # Unknown: what explains the rounds better.
            product *= max(chance(level, deaths, survived), chance(background, deaths, survived))
    return product


def posterior(candidates, kept, rounds, level, background):
    none, never = (NONE_NEEDED, NEVER) if kept else (Fraction(0), Fraction(0))
    each = (1 - none - never) / candidates
    weights = [(none if t == 0 else each) * likelihood(t, candidates, kept, rounds, level, background) for t in range(candidates + 1)]
    weights.append(never * likelihood(None, candidates, kept, rounds, level, background))
    return [w / sum(weights) for w in weights]


def gains(shares, level, background):
    out, so_far = [], Fraction(0)
    for share in shares[:-1]:
        so_far += share
        mixed = so_far * level + (1 - so_far) * background
        s = Decimal(so_far.numerator) / Decimal(so_far.denominator)
        out.append(entropy(mixed) - s * entropy(level) - (1 - s) * entropy(background))
    return out


def case(dice, number):
    chapters = dice.choice([2, 3, 5, 8, 13, 21])
    kept = [] if number % 3 == 0 else sorted(dice.sample(range(1, chapters), dice.randint(1, min(2, chapters - 1))))
    candidates = kept[0] if kept else chapters
    whole_deaths, whole_survived = 5, dice.randint(0, 60)
    level = Fraction(7, 10) * Fraction(whole_deaths, whole_deaths + whole_survived)
    background = min(Fraction(5, 1000), level * Fraction(5, 100))
    rounds = {}
    for _ in range(dice.randint(1, 10)):
        kind = dice.random()
        if kind < 0.6:
            part = list(range(dice.randint(0 if kept else 1, candidates))) + kept
        elif kind < 0.9:
            part = [c for c in range(candidates) if dice.random() < 0.5] + kept
        else:
            part = [c for c in range(chapters) if dice.random() < 0.5]
        if part:
            rounds[tuple(part)] = (dice.choice([0, 0, 0, 1, 2]), dice.randint(0, 9))
    rounds = [(list(p), d, s) for p, (d, s) in sorted(rounds.items())]
    shares = posterior(candidates, kept, rounds, level, background)
    deaths, survived = dice.randint(0, 4), dice.randint(0, 40)
    return {
        "chapters": chapters,
        "kept": kept,
        "whole": [whole_deaths, whole_survived],
        "rounds": [{"part": p, "deaths": d, "survived": s} for p, d, s in rounds],
        "level": float(level),
        "background": float(background),
        "posterior": [float(s) for s in shares],
        "gains": [float(g) for g in gains(shares, level, background)],
        "test": [deaths, survived],
        "ln_ratio": float(ln(chance(level, deaths, survived) / chance(background, deaths, survived))),
    }


def main():
    dice = random.Random(22)
    vectors = {"source": "crates/stats/scripts/make_minimize_vectors.py", "cases": [case(dice, n) for n in range(60)]}
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(vectors, out, indent=1)
        out.write("\n")


main()
