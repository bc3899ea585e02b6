"""script/results: its statistics against SciPy's, and its runs with a program that only pretends.

The pretended program writes the files of a run and a curve whose return at step s is s / 100 + seed,
so that every number in the table is known.
"""
import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import scipy.stats

SOURCE = os.environ.get("SAC_SOURCE_DIR") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

PRETENDED = """#!{python}
import json, os, sys
words = sys.argv[1:]
def after(name):
    return words[words.index(name) + 1] if name in words else None
with open(os.path.join({log!r}), "a") as log:
    log.write(" ".join(words) + "\\n")
if words[0] == "eval":
    print(json.dumps(dict(env="X", episodes=int(after("--episodes")), return_mean=-150.0)))
    sys.exit()
folder, steps, at = after("--resume") or after("--out"), int(after("--steps")), 0
state = os.path.join(folder, "checkpoint", "state")
if "--resume" in words:
    at = int(open(state).read())
else:
    os.makedirs(os.path.dirname(state))
    open(folder + "/eval.csv", "w").write("step,seconds,episodes,return_mean\\n")
config = dict(seed=int(after("--seed") or 0), sittings=[dict(from_step=0, commit="c0ffee")])
if at:
    config = json.load(open(folder + "/config.json"))
    config["sittings"].append(dict(from_step=at, commit="decade"))
json.dump(config, open(folder + "/config.json", "w"))
broken = os.path.exists({broken!r})
end = min(steps, at + 10000) if broken else steps
while at < end:
    at += min(5000, steps)
    open(folder + "/eval.csv", "a").write(f"{{at}},{{at / 1000}},9,{{at / 100 + config['seed']}}\\n")
open(state, "w").write(str(at))
sys.exit(130 if broken else 0)
"""


def load_runs():
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.join(SOURCE, "script"))
    return importlib.import_module("runs")


class Statistics(unittest.TestCase):
    def setUp(self):
        self.results = load_runs()

    def test_interquartile_mean_is_the_trimmed_mean(self):
        values = [3.0, -7.5, 11.0, 2.25, 900.0, 4.0, -1.0, 5.5, 6.0, 8.0, 13.0]
        for n in range(1, len(values) + 1):
            self.assertAlmostEqual(self.results.interquartile_mean(values[:n]),
                                   scipy.stats.trim_mean(values[:n], 0.25), places=12)

    def test_interval_is_where_scipy_finds_it(self):
        """Two bootstraps of 10,000 differ by chance: each end has a standard error of about 2 % of
        the interval's width here, so 10 % of it is five of them."""
        values = [5300.0, 5900.0, 6100.0, 6400.0, 7200.0, 5500.0, 6000.0, 6300.0, 5000.0, 6650.0]
        low, high = self.results.bootstrap_interval(values)
        want = scipy.stats.bootstrap(
            (values,), lambda v, axis: scipy.stats.trim_mean(v, 0.25, axis=axis), n_resamples=10000,
            method="percentile", rng=1).confidence_interval
        self.assertLess(abs(low - want.low), 0.1 * (want.high - want.low))
        self.assertLess(abs(high - want.high), 0.1 * (want.high - want.low))
        self.assertEqual((low, high), self.results.bootstrap_interval(values))  # same every time

    def test_interval_of_two_values_is_both(self):
        """A quarter of the resamples are twice the lower value, a quarter twice the higher."""
        self.assertEqual(self.results.bootstrap_interval([1.0, 2.0]), (1.0, 2.0))


class Runs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        at = self.folder.name
        os.mkdir(os.path.join(at, "script"))
        shutil.copy(os.path.join(SOURCE, "script", "runs.py"), os.path.join(at, "script"))
        with open(os.path.join(SOURCE, "script", "results"), encoding="utf-8") as handle:
            text = handle.read()
        begin, end = text.index("PLAN = ["), text.index("]\n\n# tasks whose result")
        plan = """PLAN = [
    ("A-v1", "fast", 20_000, range(1, 3), []),
    ("Pendulum-v1", None, 10_000, [1], []),
    ("A-v1", "fast", 40_000, [1], []),
"""
        with open(os.path.join(at, "script", "results"), "w", encoding="utf-8") as handle:
            handle.write(text[:begin] + plan + text[end:])
        self.program, self.log = os.path.join(at, "sac"), os.path.join(at, "log")
        self.broken = os.path.join(at, "broken")
        with open(self.program, "w", encoding="utf-8") as handle:
            handle.write(PRETENDED.format(python=sys.executable, log=self.log, broken=self.broken))
        os.chmod(self.program, stat.S_IRWXU)

    def tearDown(self):
        self.folder.cleanup()

    def call(self, *words):
        done = subprocess.run(
            [sys.executable, os.path.join(self.folder.name, "script", "results"), "--program",
             self.program, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        return done.returncode, done.stdout

    def commands(self):
        with open(self.log, encoding="utf-8") as handle:
            return [line for line in handle if line.startswith("train") and "untrained" not in line]

    def table(self):
        path = os.path.join(self.folder.name, "docs", "results", "README.md")
        with open(path, encoding="utf-8") as handle:
            return [[cell.strip() for cell in line.split("|")[1:-1]] for line in handle if "|" in line]

    def test_trains_keeps_and_writes(self):
        status, said = self.call("--jobs", "2")
        self.assertEqual(status, 0, said)
        rows = {(row[0], row[2]): row for row in self.table() if len(row) == 14}
        # seeds 1 and 2 at step 20,000: 201 and 202
        self.assertEqual(rows["A-v1", "20,000"][3:5], ["2 of 2", "201.5"])
        self.assertEqual(rows["A-v1", "20,000"][13], "c0ffee")
        # the same run, taken further by --resume, at another commit
        self.assertEqual(rows["A-v1", "40,000"][3:5], ["1 of 1", "401.0"])
        self.assertEqual(rows["A-v1", "40,000"][13], "c0ffee, decade")
        # a task with a long evaluation shows that one
        self.assertEqual(rows["Pendulum-v1", "10,000"][4], "-150.0")
        commands = self.commands()
        self.assertEqual(len(commands), 4)
        self.assertEqual(sum("--resume" in line for line in commands), 1)

        # all is kept: nothing runs again, not even if the runs themselves are gone
        os.rename(os.path.join(self.folder.name, "runs"), os.path.join(self.folder.name, "gone"))
        status, said = self.call()
        self.assertEqual((status, len(self.commands())), (0, 4), said)
        self.assertNotIn("to do", self.call("--list")[1])

    def test_goes_on_with_what_was_stopped(self):
        open(self.broken, "w", encoding="utf-8").close()
        status, said = self.call("--only", "A-v1/fast-seed1@20000")
        self.assertEqual(status, 1, said)
        self.assertIn("evaluated at 10,000", self.call("--list")[1])
        os.remove(self.broken)
        status, said = self.call("--only", "A-v1/fast-seed1@20000")
        self.assertEqual(status, 0, said)
        self.assertIn("--resume", self.commands()[-1])
        kept = os.path.join(self.folder.name, "docs", "results", "runs", "A-v1", "fast-seed1.json")
        with open(kept, encoding="utf-8") as handle:
            self.assertEqual(len(json.load(handle)["sittings"]), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
