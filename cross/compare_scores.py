"""Compares two score files of `habituate replay`: same rows, same words, numbers to 1e-4.

Usage: compare_scores.py REFERENCE.csv OTHER.csv. Exit code 1 where numbers differ by more than 1e-4, or words or rows
differ, with the worst places.
"""

import csv
import sys

# Relative above 1, absolute below. Two processors round products of sums differently, and learning
# carries that along.
TOLERANCE = 1e-4


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def difference(a, b):
    """0 for equal cells, infinity for different words, else how far two numbers are apart."""
    if a == b:
        return 0.0
    x, y = number(a), number(b)
    if x is None or y is None or not abs(x - y) < float("inf"):
        return float("inf")
    return abs(x - y) / max(1.0, abs(x))


def compare(reference, other):
    """By column the largest difference; lines of text about all that is too large."""
    wrong = []
    if not reference or not other:
        return {}, ["an empty score file"]
    if reference[0] != other[0]:
        return {}, [f"the columns differ: {reference[0]} and {other[0]}"]
    if len(reference) < 2:
        wrong.append("no windows were scored")
    elif not any(dict(zip(reference[0], row)).get("novelty") for row in reference[1:]):
        wrong.append("no window has a novelty: the sound is too short to be compared")
    if len(reference) != len(other):
        wrong.append(f"{len(reference) - 1} and {len(other) - 1} windows")
    worst = dict.fromkeys(reference[0], 0.0)
    for line, (row, its) in enumerate(zip(reference[1:], other[1:]), start=2):
        if len(row) != len(its):
            wrong.append(f"line {line}: {len(row)} and {len(its)} columns")
        for column, a, b in zip(reference[0], row, its):
            apart = difference(a, b)
            worst[column] = max(worst[column], apart)
            if not apart <= TOLERANCE:
                wrong.append(f"line {line}, {column}: {a!r} and {b!r}")
    return worst, wrong


def main():
    rows = []
    for path in sys.argv[1:3]:
        with open(path, newline="", encoding="utf-8") as file:
            rows.append(list(csv.reader(file)))
    worst, wrong = compare(*rows)
    for column, apart in worst.items():
        print(f"{column:>12}  largest difference {apart:.2g}")
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    if wrong:
        sys.exit(f"{len(wrong)} differences above {TOLERANCE:g}")
    print(f"{len(rows[0]) - 1} windows agree to {TOLERANCE:g}")


if __name__ == "__main__":
    main()
