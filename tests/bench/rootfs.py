#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/isolated tests/bench/rootfs.py BUILD ROUNDS
# What it costs to give an image's files to a user namespace: prepared by cofferdam (overlay of 10 and of 50 lower layers, three
# volumes; bench-rootfs), and with chown -R through the same overlay, as an engine without idmapped mounts does it; in turn, in
# the same run, on the disk that BUILD is on. Then fifty creates at once, an overlay of ten layers each, beside one alone and
# beside those of the runtime.
# Markdown on standard output.
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FILES = 10000
BYTES = 12000
VOLUMES = 3
AT_ONCE = 50
BASE = 1000000
PREPARED = 10  # times in each round
SHIM = "/usr/local/bin/cofferdam-runtime"
DOCKER = "/usr/local/share/cofferdam/profiles/seccomp"


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def mountinfo():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()


class Image:
    """An engine's overlay of some lower layers, in which FILES files lie."""

    def __init__(self, work, layers):
        self.layers = layers
        self.home = os.path.join(work, f"image{layers}")
        self.merged = os.path.join(self.home, "container/merged")
        for layer in range(layers):
            for number in range(layer, FILES, layers):
                directory = os.path.join(self.home, f"{layer}/d{number % 100}")
                os.makedirs(directory, exist_ok=True)
                with open(os.path.join(directory, f"f{number}"), "wb") as file:
                    file.write(b"x" * BYTES)

    def mount(self, *options):
        """The container's layer is empty."""
        for name in "diff", "work", "merged":
            os.makedirs(os.path.join(self.home, "container", name))
        lowers = ":".join(str(layer) for layer in range(self.layers))
        run("mount", "-t", "overlay", "overlay", "-o",
            ",".join([f"lowerdir={lowers},upperdir=container/diff,workdir=container/work", *options]), self.merged, cwd=self.home)

    def unmount(self):
        run("umount", self.merged)
        shutil.rmtree(os.path.join(self.home, "container"))

    def disk(self):
        """What the container's layer takes, in bytes."""
        output = run("du", "-sk", os.path.join(self.home, "container/diff"), capture_output=True).stdout
        return int(output.split()[0]) * 1024


def make_bundle(work, name, rootfs, **changes):
    bundle = os.path.join(work, name)
    os.makedirs(bundle)
    run("runc", "spec", "--bundle", bundle)
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["root"] = {"path": rootfs, "readonly": False}
    config["process"].update(terminal=False, args=["/app", "self"])
    config["process"].pop("rlimits", None)
    config["process"]["capabilities"]["ambient"] = []
    config["mounts"] += changes.get("mounts", [])
    if "seccomp" in changes:
        config["linux"]["seccomp"] = changes["seccomp"]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return bundle


def make_volumes(work):
    mounts = []
    for number in range(VOLUMES):
        source = os.path.join(work, f"volumes/{number}/_data")
        os.makedirs(source)
        mounts.append({"destination": f"/volume{number}", "type": "bind", "source": source, "options": ["rbind", "rw"]})
    return mounts


def prepare(program, bundle, work):
    output = run(program, bundle, os.path.join(work, "volumes"), str(PREPARED), capture_output=True, text=True).stdout
    return [tuple(map(float, line.split())) for line in output.splitlines()]


def chown(image, *options):
    image.mount(*options)
    start = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("chown", "-R", f"{BASE}:{BASE}", image.merged)
    took = 1e3 * (time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    size = image.disk()
    image.unmount()
    return took, busy, size


def compare(program, work, rounds):
    """For each variant: milliseconds of each round, all of them, those of a processor, and what is on disk for it."""
    images = {10: Image(work, 10), 50: Image(work, 50)}
    volumes = make_volumes(work)
    times = {name: [] for name in ("10 layers", "50 layers", "chown -R", "chown -R, metacopy")}
    each = {name: [] for name in times}
    busy = {name: [] for name in times}
    disk = {}
    bundles = {layers: make_bundle(work, f"bundle{layers}", image.merged, mounts=volumes) for layers, image in images.items()}
    for _ in range(rounds):
        for layers, image in images.items():
            image.mount()
            values = prepare(program, bundles[layers], work)
            busy[f"{layers} layers"] += [value[1] for value in values]
            values = [value[0] for value in values]
            disk[f"{layers} layers"] = image.disk()
            image.unmount()
            times[f"{layers} layers"].append(statistics.median(values))
            each[f"{layers} layers"] += values
        for name, options in (("chown -R", []), ("chown -R, metacopy", ["metacopy=on"])):
            took, used, disk[name] = chown(images[10], *options)
            busy[name].append(used)
            times[name].append(took)
            each[name].append(took)
    return times, each, busy, disk


def show(times, each, busy, disk):
    goals = {"10 layers": 2, "50 layers": 4}
    print(f"| {FILES} files, {VOLUMES} volumes: ms | median | min | max | processor | disk, MB | chown -R : it, time, processor | goal |")
    print("|---|---|---|---|---|---|---|---|")
    for name, values in times.items():
        ratio = statistics.median(slow / quick for slow, quick in zip(times["chown -R"], values))
        middle = statistics.median(each[name])
        work = statistics.median(busy["chown -R"]) / statistics.median(busy[name])
        goal = goals.get(name)
        verdict = f"{goal} ms: {'met' if middle < goal else 'missed'}; 1,000 times: {'met' if ratio >= 1000 else 'missed'}" if goal else ""
        print(f"| {name} | {middle:.2f} | {min(each[name]):.2f} | {max(each[name]):.2f} | {statistics.median(busy[name]):.2f} | {disk[name] / 1e6:.1f} | {ratio:.0f} {work:.0f} | {verdict} |")


def create(runtime, kind, numbers, number_of_round):
    """Seconds until all of them are created, at once."""
    names = [f"round{number_of_round}x{number}" for number in numbers]
    start = time.perf_counter()
    with open("/dev/zero", "rb") as nothing, tempfile.TemporaryFile() as output:
        children = [subprocess.Popen([runtime, "create", "--bundle", os.path.join(kind, str(number)), name],
                                     stdin=nothing, stdout=output, stderr=output) for number, name in zip(numbers, names)]
        failed = sum(child.wait() != 0 for child in children)
        took = time.perf_counter() - start
        if failed:
            output.seek(0)
            sys.exit(f"{failed} of {len(names)} creates failed: {output.read().decode()}")
    return took, names


def delete(runtime, names):
    for name in names:
        run(runtime, "delete", "--force", name, stderr=subprocess.DEVNULL)  # runc complains while the cgroup empties


def configure(runtime):
    os.makedirs("/etc/cofferdam", exist_ok=True)
    with open("/etc/cofferdam/cofferdam.json", "w", encoding="utf-8") as file:
        json.dump({"runtimes": [runtime], "guard": {"exec": "off", "net": "off"}}, file)


def mount_small(work, build):
    """An overlay of ten layers for each of the containers, as an engine has them mounted by then."""
    home = os.path.join(work, "small")
    for directory in "dev", "proc", "sys", "tmp", "etc", "volume0", "volume1", "volume2":
        os.makedirs(os.path.join(home, "0", directory))
    shutil.copy(os.path.join(build, "cofferdam-demo-app"), os.path.join(home, "0/app"))
    for layer in range(1, 10):
        os.makedirs(os.path.join(home, str(layer)))
    for number in range(AT_ONCE):
        for name in "diff", "work", "merged":
            os.makedirs(os.path.join(home, f"container{number}", name))
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={':'.join(map(str, reversed(range(10))))},upperdir=container{number}/diff,workdir=container{number}/work",
            os.path.join(home, f"container{number}/merged"), cwd=home)
    return home


def make_bundles(work, kind, home, **changes):
    """One that lacks nothing, and copies of it with a root filesystem of their own."""
    first = make_bundle(work, os.path.join(kind, "0"), os.path.join(home, "container0/merged"), **changes)
    with open(os.path.join(first, "config.json"), encoding="utf-8") as file:
        text = file.read()
    for number in range(1, AT_ONCE):
        bundle = os.path.join(work, kind, str(number))
        os.makedirs(bundle)
        with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
            file.write(text.replace("container0/merged", f"container{number}/merged"))
    return os.path.join(work, kind)


def at_once(work, build, rounds):
    """One create, and AT_ONCE at once, by the runtime alone and behind the shim, in turn."""
    runtime = shutil.which("runc")
    home = mount_small(work, build)
    configure(runtime)
    seccomp = json.loads(run(os.path.join(build, "bench/bench-seccomp"), DOCKER, capture_output=True).stdout)
    kinds = {runtime: make_bundles(work, "bare", home, seccomp=seccomp), SHIM: make_bundles(work, "shim", home)}
    single = {name: [] for name in kinds}
    many = {name: [] for name in kinds}
    for number in range(-1, rounds):  # the first makes what is made once
        for name, kind in kinds.items():
            before = mountinfo()
            alone = []
            for one in range(3):
                took, names = create(name, kind, [one], number)
                alone.append(took)
                delete(name, names)
            together, names = create(name, kind, range(AT_ONCE), number)
            if mountinfo() != before:
                sys.exit("the host's mounts are others")
            delete(name, names)
            if number >= 0:
                single[name].append(1e3 * statistics.median(alone))
                many[name].append(1e3 * together / AT_ONCE)
    for number in range(AT_ONCE):
        run("umount", os.path.join(home, f"container{number}/merged"))
    print(f"| create, ms | one alone | one of {AT_ONCE} at once | ratio | host's mounts while they live | goal |")
    print("|---|---|---|---|---|---|")
    for name, title in (runtime, "runc, Docker seccomp"), (SHIM, "cofferdam + runc"):
        ratio = statistics.median(together / alone for together, alone in zip(many[name], single[name]))
        goal = f"2: {'met' if ratio <= 2 else 'missed'}" if name == SHIM else ""
        print(f"| {title} | {statistics.median(single[name]):.2f} | {statistics.median(many[name]):.2f} | {ratio:.2f} | as before | {goal} |")


def main():
    build, rounds = sys.argv[1], int(sys.argv[2])
    work = tempfile.mkdtemp(prefix="rootfs.", dir=os.path.join(build, "bench"))
    try:
        kind = run("stat", "-f", "-c", "%T", work, capture_output=True, text=True).stdout.strip()
        print(f"Linux {os.uname().release}, {os.cpu_count()} processors; files on {kind}\n")
        show(*compare(os.path.join(build, "bench/bench-rootfs"), work, rounds))
        print()
        at_once(work, build, rounds)
    finally:
        shutil.rmtree(work)


main()
