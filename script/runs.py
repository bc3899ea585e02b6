"""Training runs that a script plans: done, resumed and kept, and statistics over their seeds.

A job is one run to one number of steps. Finished runs are kept as curves under docs/results/runs/;
runs/results/ has the runs themselves.
"""
import argparse
import csv
import datetime
import fcntl
import fnmatch
import io
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNS = os.path.join(ROOT, "runs", "results")
KEPT = os.path.join(ROOT, "docs", "results", "runs")
BUILD = os.path.join(ROOT, "build-results")

UNTRAINED_SEEDS, UNTRAINED_EPISODES = (1, 2, 3), 10

# --- jobs ----------------------------------------------------------------------------------------


def label(preset, settings):
    """How the settings of a row are called: "sac-fast", "sac-fast+precision=bf16"."""
    return "+".join([preset or "default", *settings])


class Job:
    """One run to one number of steps. preset None: what `sac train TASK` does by itself; episodes:
    the result is an evaluation of the finished policy over so many."""

    def __init__(self, task, preset, steps, seed, settings, episodes=None):
        self.task, self.preset, self.steps, self.seed = task, preset, steps, seed
        self.settings = settings
        self.episodes = episodes
        self.run = f"{task}/{label(preset, settings)}-seed{seed}"
        self.name = f"{self.run}@{steps}"
        self.folder = os.path.join(RUNS, self.run)
        self.kept = os.path.join(KEPT, self.run)

    def kept_steps(self):
        """How far the curve that is kept goes."""
        return last_step(self.kept + ".csv")

    def diverged(self):
        """{"step", "message"} of the end of a run that diverged, which is not tried again, or None."""
        path = self.kept + ".diverged.json"
        return read_json(path) if os.path.exists(path) else None

    def finished(self):
        """Whether the run is kept and has gone this far, its long evaluation included, or diverged."""
        if self.diverged():
            return True
        if self.kept_steps() < self.steps:
            return False
        return not self.episodes or os.path.exists(self.kept + ".final.json")

    def status(self):
        if self.diverged():
            return f"diverged at {self.diverged()['step']:,}"
        if self.finished():
            return "kept"
        at = last_step(os.path.join(self.folder, "eval.csv"))
        if at >= self.steps:
            return "finished, not kept yet"
        return f"evaluated at {at:,}" if at else "to do"


def read_curve(path):
    """The rows of an eval.csv as dicts of numbers, [] if there is none."""
    return [{key: float(value) for key, value in row.items()} for row in kept_table(path)
            if None not in row.values()]


def last_step(path):
    rows = read_curve(path)
    return int(rows[-1]["step"]) if rows else 0


def read_json(path):
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)


def write_whole(path, text):
    """Write a file by way of a temporary one, so that no reader sees half of it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as handle:
        handle.write(text)
    os.replace(path + ".new", path)


def keep_table(path, rows):
    """Write dicts with the same keys as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def kept_table(path):
    """The rows of a CSV file as dicts of texts, [] if there is none."""
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


# --- training ------------------------------------------------------------------------------------

say_lock = threading.Lock()
stopping = threading.Event()
children, children_lock = set(), threading.Lock()


def say(text):
    with say_lock:
        print(datetime.datetime.now().strftime("%H:%M:%S"), text, flush=True)


def build_program():
    """The sac program in a build folder of its own, which work in build/ does not disturb."""
    program = os.path.join(BUILD, "sac")
    if not os.path.exists(program):
        subprocess.run([os.path.join(ROOT, "script", "setup")], check=True)
        subprocess.run(
            ["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             "-DSAC_TESTS=OFF", "-DSAC_EXAMPLES=OFF"], check=True)
        subprocess.run(["cmake", "--build", BUILD], check=True)
    return program


def call(command, log, lock):
    """Run at the lowest priority, output to the file `log`; the exit status.

    The run has a session of its own, so that Ctrl-C reaches it once, by way of stop(), and holds the
    lock file too, so that the run stays locked should this script die before it."""
    with open(log, "a", encoding="utf-8") as handle:
        handle.write(f"$ {' '.join(command)}\n")
        handle.flush()
        with children_lock:
            if stopping.is_set():
                return 130
            child = subprocess.Popen(["nice", "-n", "19"] + command, stdin=subprocess.DEVNULL,
                                     stdout=handle, stderr=subprocess.STDOUT, start_new_session=True,
                                     pass_fds=(lock.fileno(),))
            children.add(child)
        status = child.wait()
        with children_lock:
            children.discard(child)
        return status


def stop():
    """Ask every run to save itself and end."""
    stopping.set()
    with children_lock:
        for child in children:
            child.send_signal(signal.SIGINT)


def evaluate(program, folder, episodes, *more):
    """What `sac eval --json` prints, or None."""
    done = subprocess.run(
        ["nice", "-n", "19", program, "eval", folder, "--episodes", str(episodes), "--json", *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def train(job, program, threads, lock):
    """Train a job to its end; whether it got there."""
    log = job.folder + ".log"
    if os.path.isdir(job.folder):
        command = [program, "train", "--resume", job.folder]
    else:
        command = [program, "train", job.task, "--seed", str(job.seed), "--out", job.folder]
        command += ["--preset", job.preset] if job.preset else []
        command += [word for setting in job.settings for word in ("--set", setting)]
    status = call(command + ["--steps", str(job.steps), "--threads", str(threads)], log,
                  lock)
    if status and not keep_diverged(job):
        say(f"{job.name}: stopped with exit {status}, see {os.path.relpath(log, ROOT)}")
    return not status


def keep_curve(job):
    """Copy a run's curve and settings to docs/results/."""
    for name, end in (("eval.csv", ".csv"), ("config.json", ".json")):
        with open(os.path.join(job.folder, name), encoding="utf-8") as handle:
            write_whole(job.kept + end, handle.read())


def keep_diverged(job):
    """Keep the end of a run whose log ends with a divergence, and its curve so far; whether it did."""
    with open(job.folder + ".log", encoding="utf-8", errors="replace") as handle:
        lines = handle.read().replace("\r", "\n").split("\n")
    ends = re.findall(r"sac: step (\d+): (.*diverged)", "\n".join(lines[-3:]))
    if not ends:
        return False
    keep_curve(job)
    write_whole(job.kept + ".diverged.json",
                json.dumps({"step": int(ends[-1][0]), "message": ends[-1][1]}, indent=2) + "\n")
    return True


def keep(job, program):
    """Keep a finished run's curve and settings, with its long evaluation."""
    keep_curve(job)
    if job.episodes:
        found = evaluate(program, job.folder, job.episodes)
        if found is None:
            return False
        found = {"step": job.steps, **found}
        write_whole(job.kept + ".final.json", json.dumps(found, indent=2) + "\n")
    return True


def do_job(job, program, threads):
    """Bring one job to its end and keep it; whether it is kept."""
    if job.finished():
        return True
    os.makedirs(os.path.dirname(job.folder), exist_ok=True)
    with open(job.folder + ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{job.name}: another script/results is at it")
            return False
        if last_step(os.path.join(job.folder, "eval.csv")) < job.steps:
            say(f"{job.name}: training")
            if not train(job, program, threads, lock):
                if job.diverged():
                    say(f"{job.name}: diverged at {job.diverged()['step']:,}")
                return bool(job.diverged())
        if not keep(job, program):
            say(f"{job.name}: could not be evaluated")
            return False
    row = row_at(read_curve(job.kept + ".csv"), job.steps)
    say(f"{job.name}: return {row['return_mean']:,.1f}" if row else f"{job.name}: no evaluation there")
    return True


def do_untrained(task, program):
    """Keep the returns of freshly initialised policies, by their mean action and with noise."""
    kept = os.path.join(KEPT, task, "untrained.json")
    if os.path.exists(kept):
        return True
    found = []
    for seed in UNTRAINED_SEEDS:
        folder = os.path.join(RUNS, task, f"untrained-seed{seed}")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        # one step of the warm-up and no update
        command = [program, "train", task, "--steps", "1", "--set", "warmup=1000", "--threads", "1",
                   "--eval-episodes", "1", "--seed", str(seed), "--out", folder]
        with open(folder + ".lock", "w", encoding="utf-8") as lock:
            status = call(command, folder + ".log", lock)
        if status:
            say(f"{task}: the untrained policy: exit {status}")
            return False
        pair = {"seed": seed}
        for name, more in (("deterministic", []), ("stochastic", ["--stochastic"])):
            pair[name] = evaluate(program, folder, UNTRAINED_EPISODES, *more)
            if pair[name] is None:
                say(f"{task}: the untrained policy could not be evaluated")
                return False
        found.append(pair)
    write_whole(kept, json.dumps(found, indent=2) + "\n")
    return True


def work(queue, busy, lock, failed, program, threads):
    """Take jobs until none is left; never two of one run at a time."""
    while not stopping.is_set():
        with lock:
            free = [job for job in queue if job.run not in busy]
            if free:
                job = free[0]
                queue.remove(job)
                busy.add(job.run)
            elif not queue:
                return
        if not free:
            stopping.wait(2)
            continue
        try:
            done = do_job(job, program, threads)
        except (OSError, ValueError, KeyError) as why:
            say(f"{job.name}: {why}")
            done = False
        with lock:
            busy.discard(job.run)
            if not done:
                failed.append(job)
                # what goes on from it cannot go on either
                queue[:] = [other for other in queue if other.run != job.run]


def run_jobs(jobs, program, side_by_side, threads):
    """The jobs that failed."""
    queue, busy, lock, failed = list(jobs), set(), threading.Lock(), []
    workers = [
        threading.Thread(target=work, args=(queue, busy, lock, failed, program, threads))
        for _ in range(side_by_side)
    ]
    for number_of_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number_of_signal, signal.default_int_handler)
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            while worker.is_alive():
                worker.join(1)
    except KeyboardInterrupt:
        say("stopping: the runs save themselves")
        stop()
        for worker in workers:
            worker.join()
        say("the same command goes on from here")
        sys.exit(130)
    return failed


# --- statistics ----------------------------------------------------------------------------------


def row_at(curve, step):
    """The evaluation at a step, the last one if there are several, or None."""
    rows = [row for row in curve if int(row["step"]) == step]
    return rows[-1] if rows else None


def interquartile_mean(values):
    """The mean without the lowest and the highest quarter, each rounded down to whole values."""
    cut = len(values) // 4
    return statistics.fmean(sorted(values)[cut:len(values) - cut])


def bootstrap_interval(values, resamples=10_000, seed=1, mean=interquartile_mean):
    """95 % percentile interval of the interquartile mean, or another, under resampling of seeds."""
    draw, n = random.Random(seed), len(values)
    return middle_95([mean(draw.choices(values, k=n)) for _ in range(resamples)])


def middle_95(values):
    """The ends of what is left without the lowest and the highest fortieth."""
    found = sorted(values)
    return found[round(0.025 * (len(found) - 1))], found[round(0.975 * (len(found) - 1))]


def number(value):
    """A return, with as many decimals as its size deserves."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values):
    """Standard deviation, and interquartile mean with its interval, as text; "-" of one value."""
    if len(values) < 2:
        return "-", "-"
    low, high = bootstrap_interval(values)
    return (number(statistics.stdev(values)),
            f"{number(interquartile_mean(values))} [{number(low)}, {number(high)}]")


def commits(jobs):
    """The commits of the program that trained kept jobs, as text."""
    return ", ".join(sorted({sitting["commit"] for job in jobs
                             for sitting in read_json(job.kept + ".json")["sittings"]
                             if sitting["from_step"] < job.steps}))


def untrained_text(task):
    """The mean return of freshly initialised policies, "-" if it is not kept."""
    path = os.path.join(KEPT, task, "untrained.json")
    if not os.path.exists(path):
        return "-"
    return number(statistics.fmean(pair["deterministic"]["return_mean"] for pair in read_json(path)))


def table(head, rows):
    """Markdown, of texts."""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


# --- command line --------------------------------------------------------------------------------


def command_line(description):
    """The flags that every such script has."""
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--program")
    return parser


def chosen(jobs, options):
    """The jobs that --only asks for."""
    return [job for job in jobs if fnmatch.fnmatch(job.name, f"*{options.only}*")]


def show(jobs):
    for job in jobs:
        print(f"{job.name:56} {job.status()}")


def train_missing(jobs, options):
    """Train what is not kept, and untrained policies of each task; those that failed."""
    missing = [job for job in jobs if not job.finished()]
    program = os.path.abspath(options.program) if options.program else None
    failed = []
    if missing:
        program = program or build_program()
        say(f"{len(missing)} of {len(jobs)} jobs to do, {options.jobs} at a time")
        failed = run_jobs(missing, program, options.jobs, options.threads)
    for task in dict.fromkeys(job.task for job in jobs):
        if not os.path.exists(os.path.join(KEPT, task, "untrained.json")):
            program = program or build_program()
            if not do_untrained(task, program):
                failed.append(task)
    return failed
