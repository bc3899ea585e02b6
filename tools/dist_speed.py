"""Write docs/results/dist_speed.md: time by parameter, for the bounds on speed that hold for every one.

    python3 tools/dist_speed.py build/sac        (standard library only; on an idle core)
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHAPES = "1e-6 1e-4 1e-2 0.1 0.5 1 1.5 2 3 5 10 30 100 1e3 1e4 1e6 1e8".split()
BETAS = ("1e-3,1e-3 1e-3,1 1e-3,1e5 0.1,0.1 0.3,2.1 0.5,0.5 1,1 2,3 0.1,20 2,64 30,30 1,1e5 1e3,1e3 1e5,1e-3 "
         "1e5,1e5").split()
# name, thetas, {what: bound in ns}
TABLES = (
    ("gamma", [s + ",1" for s in SHAPES], {"sample": 30, "velocity": 100, "velocity_f32": 25}),
    ("beta", BETAS, {"sample": None, "velocity": 250, "velocity_f32": None}),
    ("normal", ["0,1", "1e3,1e-3", "-1,1e6"], {"sample": 4, "velocity": 4, "velocity_f32": None}),
    ("student_t", ["0.3,0,1", "1.9,0,1", "2,0,1", "10,0,1", "1e3,0,1", "1e6,0,1"],
     {"sample": None, "velocity": None}),
    ("von_mises", ["0,0", "0,1e-3", "0,1", "0,30", "0,1e3", "0,1e6"], {"sample": None, "velocity": None}),
    ("truncated_normal", ["0,1,-1,1", "0,1,0.5,0.6", "0,1,-0.3,3", "0,1,10,12", "0,1,10,inf", "0,1,-50,-10"],
     {"sample": None, "velocity": None}),
    ("poisson", ["0.1", "9.9", "10", "1e3", "1e6", "1e12"], {"sample": None}),
)


def times(sac, name, theta):
    best = {}
    for _ in range(3):
        out = subprocess.run([sac, "bench", "dist", name, "--theta", theta], capture_output=True, text=True,
                             check=True).stdout
        for line in out.splitlines():
            _, what, ns = line.split(",")
            best[what] = min(float(ns), best.get(what, 1e9))
    return best


def main():
    sac = os.path.abspath(sys.argv[1])
    lines = ["# Time by parameter", "",
             "Written by `tools/dist_speed.py` with `sac bench dist NAME --theta A,B`: ns a number, batches of 4,096,",
             "one core, best of 75. The worst of a column stands below it, beside the bound where there is one.", ""]
    for name, thetas, columns in TABLES:
        lines += [f"| {name} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
        worst = dict.fromkeys(columns, 0.0)
        for theta in thetas:
            t = times(sac, name, theta)
            for what in columns:
                worst[what] = max(worst[what], t[what])
            lines.append(f"| {theta} | " + " | ".join(f"{t[what]:.1f}" for what in columns) + " |")
        bound = lambda what: "" if columns[what] is None else f" (at most {columns[what]})"
        lines += ["| worst | " + " | ".join(f"{worst[w]:.1f}{bound(w)}" for w in columns) + " |", ""]
    with open(os.path.join(ROOT, "docs", "results", "dist_speed.md"), "w") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    main()
