"""Write docs/results/dist_monte_carlo.md: unbiased sample gradients over 1e7 draws.

    python3 tools/dist_monte_carlo.py build/dist_test_monte_carlo [--draws N] [--from TABLE.csv]

Runs tests/dist/test_monte_carlo.c with SAC_TEST_MULTIPLIER set (about 15 minutes on one core for
1e7) and tells what it compared. --from takes the table of an earlier run. Standard library only.
"""
import argparse
import csv
import math
import os
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
USUAL = 20000  # draws of the test without a multiplier
COSTS = ("tanh z", "(1 + z) exp(-z^2/2)", "1/(1 + z^2)")


def run(program, draws):
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "table.csv")
        environment = dict(os.environ, SAC_TEST_TABLE=table, SAC_TEST_MULTIPLIER=repr(draws / USUAL))
        subprocess.run([program], env=environment, check=True)
        return read(table)


def read(path):
    with open(path) as file:
        return [(row[0], int(row[1]), int(row[2]), int(row[3]), float(row[6])) for row in csv.reader(file)]


def tail(z):
    return math.erfc(z / math.sqrt(2))


def page(rows):
    scores = sorted(abs(row[4]) for row in rows)
    groups = {}
    for name, parameter, cost, _, z in rows:
        groups.setdefault(name, []).append((abs(z), parameter, cost))
    lines = ["# Unbiased sample gradients by Monte Carlo", "",
             "Written by `tools/dist_monte_carlo.py`; the test is `tests/dist/test_monte_carlo.c`, the seeds are",
             "fixed. Each comparison: the mean of f'(z) dz/dtheta over the draws against d/dtheta E f from a",
             "quadrature or a closed form, in standard errors; for the discrete ones the mean of f d log p/dtheta.",
             f"The costs f are {', '.join(COSTS)}; in several dimensions of a weighted sum of the coordinates.", "",
             f"- draws a comparison: {rows[0][3]:,}",
             f"- comparisons: {len(rows)}; largest |z|: {scores[-1]:.2f} (must be below 5)",
             *(f"- |z| > {k}: {sum(z > k for z in scores)}, expected {len(scores) * tail(k):.1f}" for k in (1, 2, 3)),
             "", "| distribution | comparisons | largest abs z | parameter | cost |", "|---|---|---|---|---|"]
    for name, found in groups.items():
        z, parameter, cost = max(found)
        lines.append(f"| {name} | {len(found)} | {z:.2f} | {parameter} | {COSTS[cost]} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--draws", type=float, default=1e7)
    parser.add_argument("--from", dest="table")
    options = parser.parse_args()
    rows = read(options.table) if options.table else run(os.path.abspath(options.program), options.draws)
    with open(os.path.join(ROOT, "docs", "results", "dist_monte_carlo.md"), "w") as file:
        file.write(page(rows))


if __name__ == "__main__":
    main()
