"""Rewrite the table of docs/dist.md: worst errors on tests/data/dist and times of this machine.

    python3 tools/dist_table.py build/sac        (standard library only)
"""
import csv
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- begin: tools/dist_table.py -->", "<!-- end -->"


def ask(sac, name, what, rows, *flags):
    text = "\n".join(" ".join(row) for row in rows) + "\n"
    out = subprocess.run([sac, "dist", name, what, *flags], input=text, capture_output=True,
                         text=True, check=True).stdout
    return [[float(x) for x in line.split()] for line in out.splitlines()]


def worst(got, want, floor=0.0):
    errors = (abs(g - w) / max(abs(w), floor) if g != w else 0.0 for g, w in zip(got, want))
    return max(errors)


def errors(sac, name, params):
    """Worst relative errors: log density, F, 1 - F, velocity."""
    with open(os.path.join(ROOT, "tests", "data", "dist", name + ".csv")) as file:
        rows = list(csv.reader(file))[1:]
    points = [row[:params + 1] for row in rows]
    column = lambda k: [float(row[k]) for row in rows]
    first = lambda answer: [row[0] for row in answer]
    density = worst(first(ask(sac, name, "logpdf", points)), column(params + 1), 1.0)
    lower = worst(first(ask(sac, name, "cdf", points)), column(params + 2))
    upper = worst(first(ask(sac, name, "cdf", points, "--upper")), column(params + 3))
    velocity = ask(sac, name, "velocity", points)
    speed = max(worst([v[j] for v in velocity], column(params + 4 + j)) for j in range(params))
    return len(rows), density, max(lower, upper), speed


def times(sac, name):
    out = subprocess.run([sac, "bench", "dist", name], capture_output=True, text=True, check=True)
    return {row[1]: float(row[2]) for row in csv.reader(out.stdout.splitlines())}


def end(text, low):
    return ("-inf" if low else "inf") if text is None else f"{text:g}"


def parameters(dist):
    texts = []
    for p in dist["params"]:
        left = "(" if p["low_open"] or p["low"] is None else "["
        right = ")" if p["high_open"] or p["high"] is None else "]"
        texts.append(f"{p['name']} {left}{end(p['low'], True)}, {end(p['high'], False)}{right}")
    return ", ".join(texts)


def line(sac, dist):
    name, t = dist["name"], times(sac, dist["name"])
    latent = ", ".join(dist["latents"])
    cells = [f"`{name}`", parameters(dist), latent]
    if dist["discrete"]:
        cells += ["", "", "", f"{t['sample']:.1f}", f"{t['log_density']:.1f}", "", ""]
    else:
        count, density, cdf, velocity = errors(sac, name, len(dist["params"]))
        cells += [f"{density:.0e}", f"{cdf:.0e}", f"{velocity:.0e}"]
        cells += [f"{t[k]:.1f}" for k in ("sample", "log_density", "velocity", "velocity_f32")]
    return "| " + " | ".join(cells) + " |"


def main():
    sac = os.path.abspath(sys.argv[1])
    dists = json.loads(subprocess.run([sac, "dist", "--json"], capture_output=True, text=True,
                                      check=True).stdout)
    rows = ["| distribution | parameters | latent | log density | F, 1-F | velocity | sample, ns |"
            " log density, ns | velocity, ns | float velocity, ns |",
            "|---|---|---|---|---|---|---|---|---|---|"]
    rows += [line(sac, dist) for dist in dists]
    path = os.path.join(ROOT, "docs", "dist.md")
    with open(path) as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w") as file:
        file.write(before + BEGIN + "\n" + "\n".join(rows) + "\n" + END + after)


if __name__ == "__main__":
    main()
