#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: kill.py shim|runtime|hook COUNT BUNDLE

Creates COUNT containers named WHO0, WHO1, ... and kills the one that is named at COUNT moments, which are spread over the
time for which it lives. Containers that were created all the same are deleted; nobody deletes what the others left. Writes
how many those are.
"""
import glob
import os
import statistics
import subprocess
import sys
import time

SHIM = "/usr/local/bin/cofferdam-runtime"
PATIENCE = 10  # seconds until a process must be there


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass  # it has just ended
    return found


def name(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def find(who, shim):
    if who == "shim":
        return shim.pid
    for runtime in children(shim.pid):
        if name(runtime) in ("", "cofferdam-runti"):
            continue  # not yet
        if who == "runtime":
            return runtime
        for pid in children(runtime):
            if name(pid) == "cofferdam-hook":
                return pid
    return None


def start(bundle, container):
    return subprocess.Popen([SHIM, "create", "--bundle", bundle, container], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def await_victim(who, shim):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and shim.poll() is None:
        pid = find(who, shim)
        if pid:
            return pid
    return None


def lifetime(who, bundle, number):
    """How long it lives in a create that goes well."""
    container = f"timed{number}"
    shim = start(bundle, container)
    pid = await_victim(who, shim)
    begin = time.monotonic()
    while pid and os.path.exists(f"/proc/{pid}/stat") and shim.poll() is None:
        pass
    seconds = time.monotonic() - begin
    shim.wait()
    delete(container)
    return seconds


def delete(container):
    subprocess.run([SHIM, "delete", "--force", container], check=False, stderr=subprocess.DEVNULL)


def has_let_go(container):
    """Killed when all was done: the record is the container's, as its shim has removed itself from it."""
    return any(not os.path.islink(f"{record}/shim") and os.path.exists(f"{record}/record.json")
               for record in glob.glob(f"/run/cofferdam/containers/{container}@*"))


def kill_at(who, bundle, number, delay):
    shim = start(bundle, f"{who}{number}")
    pid = await_victim(who, shim)
    end = time.monotonic() + delay
    while time.monotonic() < end:
        pass
    try:
        os.kill(pid, 9)
    except (ProcessLookupError, TypeError):
        pass
    status = shim.wait()
    if status != 0 and not has_let_go(f"{who}{number}"):
        return True
    delete(f"{who}{number}")
    return False


def main():
    who, count, bundle = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    usual = max(1e-3, statistics.median(lifetime(who, bundle, number) for number in range(7)))
    killed = sum(kill_at(who, bundle, number, usual * number / count) for number in range(count))
    print(f"{who}: {killed} of {count} creates were killed, over {1e3 * usual:.1f} ms")
    sys.exit(killed < count // 10)


main()
