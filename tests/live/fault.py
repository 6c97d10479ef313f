#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: fault.py fail|kill|refuse COMMAND ID BUNDLE

Has cofferdam-runtime, or its hook, do COMMAND (a row of COMMANDS) again and again, in front of the runtime `behind`
(tests/vm/bin), and each time lets another one of its system calls fail, or kills the process that made it (`fault`, same
place). Whatever the call: it ends with a message and status 1, or with a container that is as it is without a fault; nothing
is left once the engine has deleted the container and made the next one of the same id. `refuse`: it is refused without a
fault, and must be with any.

FAULTS=N: N calls of each kind, and those of ONCE_WRONG; FAULTS=all; FAULTS==N,N: these. FAULTS_LOG=FILE: what became of each
is written there.
"""
import collections
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time

SHIM = "/usr/local/bin/cofferdam-runtime"
FAULT = "/usr/local/bin/fault"
BEHIND = "/run/behind"
STATE = "/run/cofferdam"
WAYS = f"{STATE}/ways"  # what runtimes answered is kept: shim/ways.h
PATIENCE = 10  # seconds until what was killed must be gone
PR_SET_CHILD_SUBREAPER = 36

# What was taken for an answer once, and is tried in any case: a call, or one and the next.
ONCE_WRONG = [
    r"openat -100 /run/store/volumes\n",  # "no such directory": a volume kept the host's ids
    r"newfstatat [012] \n",  # "no device": the container's root was given the host's /dev/null
    r"newfstatat \d+ \nnewfstatat -100 /proc/self/ns/",  # "another namespace": it joined the host's
    r"newfstatat -100 /opt\n",  # "there is none": what is above protected files could be mounted
    r"readlinkat \d+ (range|\d+\.)",  # "no range": it was never given back
    r"getxattr|pidfd_send_signal|wait4|prctl",
]


class Failed(Exception):
    pass


def read(path):
    try:
        with open(path, errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None


def run(words, report=None):
    with open("/run/fault-output", "w+", errors="surrogateescape") as output, open("/dev/null") as nothing:
        child = subprocess.Popen(words, stdin=nothing, stdout=output, stderr=output)
        try:
            status = child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            end(child)
            status = "hangs"
        output.seek(0)
        return status, output.read()


def descendants(pid):
    found = []
    for number in (read(f"/proc/{pid}/task/{pid}/children") or "").split():
        found += [int(number), *descendants(int(number))]
    return found


def end(child):
    for pid in [child.pid, *descendants(child.pid)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    child.wait()


def faulty(mode, number, words):
    status, output = run([FAULT, mode, str(number), "/run/fault-report", *words])
    return status, output, (read("/run/fault-report") or "nothing").strip()


def wait_for_all(what):
    """What was left by a parent that died is this process's child."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            time.sleep(0.0005)
    shown = subprocess.run(["ps", "-eo", "pid,ppid,stat,wchan,args"], capture_output=True, text=True, check=False).stdout
    raise Failed(f"{what}: a process goes on:\n{shown}")


def files(top):
    found = []
    for path, directories, names in os.walk(top):
        found += [os.path.join(path, name) for name in directories + names]
    return found


def mounts():
    return sorted(line.split(" ", 2)[2] for line in read("/proc/self/mountinfo").splitlines())


def host():
    """What containers must not change for good."""
    return {
        "mounts": mounts(),
        "state": sorted(name for name in files(STATE) if not name.startswith(WAYS)),
        "runtime": sorted(files(f"{BEHIND}/state")),
        "cgroups": sorted(path for path, _, _ in os.walk("/sys/fs/cgroup")),
        "layers": sorted(name for name in files("/run/store/overlay") if "/diff/" not in name),
        "caches": sorted(files("/var/cache/cofferdam")),
        "ports": read("/proc/sys/net/ipv4/ip_unprivileged_port_start"),
        "groups": read("/proc/sys/net/ipv4/ping_group_range"),
        "null": os.stat("/dev/null")[:6],
    }


def differences(wanted, found):
    told = []
    for key in wanted:
        if wanted[key] == found[key]:
            continue
        if isinstance(wanted[key], list):
            told.append(f"{key}: more {sorted(set(found[key]) - set(wanted[key]))}, less {sorted(set(wanted[key]) - set(found[key]))}")
        else:
            told.append(f"{key}: {found[key]} instead of {wanted[key]}")
    return "; ".join(told)


def expect_done(words):
    status, output = run(words)
    if status:
        raise Failed(f"{' '.join(words)} ends with {status}: {output}")


COMMANDS = {  # subcommand: what is made to fail, whether the container is there before, whether something is given
    "create": (["create", "--bundle", "BUNDLE", "ID"], False, True),
    "delete": (["delete", "--force", "ID"], True, False),
    "start": (["start", "ID"], True, False),
    "kill": (["kill", "ID", "9"], True, False),
    "exec": (["exec", "--process", "process.json", "ID"], True, True),
    "createRuntime": (["create", "--bundle", "BUNDLE", "ID"], False, True),
    "poststop": (["delete", "--force", "ID"], True, False),
}


class Command:
    """What is done, and what there must be before."""

    def __init__(self, name, container, bundle):
        words, self.exists, self.gives = COMMANDS[name]
        place = {"BUNDLE": bundle, "ID": container}
        self.id, self.bundle = container, bundle
        self.words = [SHIM, *(place.get(word, word) for word in words)]
        self.create = [SHIM, "create", "--bundle", bundle, container]
        self.delete = [SHIM, "delete", "--force", container]
        self.is_hook = name in ("createRuntime", "poststop")
        self.container = self.wanted = None  # what the runtime is given: at create, by the command

    def given(self):
        return read(f"{BEHIND}/given/{self.id}")

    def forget(self):
        if os.path.exists(f"{BEHIND}/given/{self.id}"):
            os.unlink(f"{BEHIND}/given/{self.id}")

    def recover(self):
        """After a failure, for the next try."""
        run(self.create)
        run(self.delete)
        try:
            wait_for_all("after a failure")
        except Failed as failed:
            tell(str(failed), True)

    def compare(self, wanted, what):
        found = self.given()
        if found == wanted:
            return
        with open("wanted", "w") as one, open("found", "w") as other:
            one.write(wanted.replace(",", ",\n"))
            other.write((found or "").replace(",", ",\n"))
        told = subprocess.run(["diff", "-U0", "wanted", "found"], capture_output=True, text=True, check=False).stdout
        raise Failed(f"{what}: the runtime got something else:\n{told[:3000]}")

    def prepare(self):
        if self.exists:
            expect_done(self.create)
            self.forget()

    def do(self, mode, number):
        if not self.is_hook:
            return faulty(mode, number, self.words)
        with open(f"{BEHIND}/prefix", "w") as file:
            file.write("\n".join([FAULT, mode, str(number), "/run/fault-report"]) + "\n")
        if os.path.exists("/run/fault-report"):
            os.unlink("/run/fault-report")
        status, output = run(self.words)
        os.unlink(f"{BEHIND}/prefix")
        return status, output, (read("/run/fault-report") or "nothing").strip()


def clear(command, before):
    """As an engine does, and then the next container of that id."""
    expect_done(command.delete)
    wait_for_all("after delete")
    command.forget()
    expect_done(command.create)
    command.compare(command.container, "the next container")
    expect_done(command.delete)
    wait_for_all("after the next delete")
    told = differences(before, host())
    if told:
        raise Failed(f"left: {told}")


def audited(command):
    """The message itself could not be written: then it is here."""
    lines = (read("/var/log/cofferdam/audit.jsonl") or "").splitlines()
    return lines and command.id in lines[-1] and ("refused" in lines[-1] or "failure" in lines[-1])


def judge(command, mode, hit, status, output):
    killed = mode == "kill" and status in (-9, 137)
    if not killed and status not in (0, 1):
        raise Failed(f"status {status}: {output}")
    told = output if command.is_hook and mode == "kill" else "cofferdam" in output or audited(command)
    if status == 1 and not told:
        raise Failed(f"status 1 without a word: {output}")
    if command.gives and (status == 0 or command.given() is not None):
        command.compare(command.wanted, f"status {status}")
    return "killed" if killed else "refused" if status else "done"


def once(command, mode, number, before):
    shutil.rmtree(WAYS, ignore_errors=True)
    command.forget()
    command.prepare()
    status, output, hit = command.do(mode, number)
    if hit.startswith("nothing"):
        raise Failed(f"no report, status {status}: {output}")
    outcome = judge(command, mode, hit, status, output)
    clear(command, before)
    return hit, outcome, output


def learn(command):
    """Without a fault: what is given, how many calls there are, and what stays on the host for good (empty directories)."""
    for _ in range(2):
        expect_done(command.create)
        command.container = command.given()
        expect_done(command.delete)
    wait_for_all("without a fault")
    before = host()
    shutil.rmtree(WAYS, ignore_errors=True)
    command.forget()
    command.prepare()
    status, output, hit = command.do("fail", 10**9)
    if status or not hit.endswith("none"):
        raise Failed(f"without a fault: status {status}, {hit}: {output}")
    command.wanted = command.given()
    clear(command, before)
    return hit.splitlines()[:-1], before


def learn_refusal(command):
    status, output, hit = command.do("fail", 10**9)
    if status != 1 or not hit.endswith("none"):
        raise Failed(f"without a fault: status {status}, {hit}: {output}")
    command.refusal = output
    return hit.splitlines()[:-1], host()


def refused(command, number, before):
    command.forget()
    status, output, hit = command.do("fail", number)
    if status != 1 or command.given() is not None:
        run(command.delete)
        raise Failed(f"status {status}, not refused: {output}")
    judge(command, "fail", hit, status, output)
    told = differences(before, host())
    if told:
        raise Failed(f"left: {told}")
    return hit, "refused" if output == command.refusal else "refused for another reason", output


def numbers(calls, mode):
    wanted = os.environ.get("FAULTS", "")
    if wanted == "all":
        return range(1, len(calls) + 1)
    if wanted.startswith("="):
        return [int(word) for word in wanted[1:].split(",")]
    kinds = collections.defaultdict(list)
    for number, call in enumerate(calls, 1):
        kinds[call.split()[0]].append(number)
    chosen = set()
    for of_kind in kinds.values():
        most = min(len(of_kind), int(wanted or (2 if mode == "fail" else 1)))
        chosen |= {of_kind[len(of_kind) * index // most] for index in range(most)}
    if mode != "kill":
        pairs = zip(calls, [*calls[1:], ""])
        chosen |= {number for number, (call, following) in enumerate(pairs, 1) if any(re.match(once, f"{call}\n{following}") for once in ONCE_WRONG)}
    return sorted(chosen)


def tell(line, shown=False):
    if shown:
        print(line, flush=True)
    if os.environ.get("FAULTS_LOG"):
        with open(os.environ["FAULTS_LOG"], "a", errors="surrogateescape") as log:
            log.write(line + "\n")


def main():
    mode, name, container, bundle = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command = Command(name, container, bundle)
    calls, before = learn_refusal(command) if mode == "refuse" else learn(command)
    count = len(calls)
    outcomes, failures = collections.Counter(), 0
    begin = time.monotonic()
    for number in numbers(calls, mode):
        try:
            if mode == "refuse":
                hit, outcome, output = refused(command, number, before)
            else:
                hit, outcome, output = once(command, mode, number, before)
            outcomes[outcome] += 1
            tell(f"{name}, {mode}, {number} {hit}: {outcome}: {output.strip()}")
        except Failed as failed:
            failures += 1
            tell(f"FAILED: call {number} of {count} ({read('/run/fault-report').strip()}): {failed}", True)
            command.recover()
            before = host() if failures < 20 else before
    tries = sum(outcomes.values()) + failures
    told = ", ".join(f"{outcomes[key]} {key}" for key in sorted(outcomes))
    tell(f"{name}, {mode}: {count} calls, {tries} tried: {told}, {failures} wrong; {1e3 * (time.monotonic() - begin) / tries:.0f} ms each", True)
    sys.exit(failures > 0)


main()
