#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""readers.py BASE CORPUS OUT

Bundles OUT/NAME/config.json for 33-readers.sh: the configuration BASE with one edit each, and what engines write
(CORPUS/*.json that no rule refuses), without what only that engine's host has: its mounts, namespaces and cgroup.
Each runs /bin/report.
"""
import copy
import json
import os
import random
import sys

FILES = ["/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/kernel/shm_rmid_forced"]

# The name, and Python on the configuration, `c`; p, l, m are its process, linux and mounts.
EDITS = {
    "plain": "pass",
    "shuffled": "SHUFFLE",
    "user": "p['user'] = {'uid': 1000, 'gid': 100, 'umask': 0o077}; c['root']['readonly'] = False; p['oomScoreAdj'] = 500",
    "groups": "p['user'] = {'uid': 7, 'gid': 8, 'additionalGids': [10, 20, 65535]}; del c['root']['readonly'];"
              " p['capabilities'] = {s: ['CAP_CHOWN', 'CAP_KILL'] for s in ('bounding', 'effective', 'permitted')}",
    "absent": "for k in ('user', 'capabilities', 'rlimits', 'noNewPrivileges'): del p[k]\nc.pop('hostname', None);"
              " del l['maskedPaths'], l['readonlyPaths'], l['resources']",
    "empty": "p['user'] = {'umask': 0}; p['capabilities'] = {}; p['rlimits'] = []; p['noNewPrivileges'] = False;"
             " l['maskedPaths'] = []; l['readonlyPaths'] = []; l['resources'] = {}; c['annotations'] = {}",
    "strings": "p['env'] = ['A=1', 'HOME=/tmp', 'A=2', 'EMPTY=', 'B= x=y ', 'U=\u00e9\U0001f600'];"
               " p['args'] += ['', ' ', '\"', '\\\\', '\u00e9', 'a\\tb']; p['cwd'] = '/tmp'; c['hostname'] = 'a-name.example'",
    "limits": "p['rlimits'] = [{'type': 'RLIMIT_' + n, 'soft': i, 'hard': i + 1} for i, n in"
              " enumerate(['CORE', 'FSIZE', 'MSGQUEUE'], 800000)] + [{'type': 'RLIMIT_NOFILE', 'soft': 64, 'hard': 64},"
              " {'type': 'RLIMIT_STACK', 'soft': 8388608, 'hard': 18446744073709551615}];"
              " p['capabilities'] = {'bounding': ['CAP_CHOWN', 'CAP_KILL']}",
    "tmpfs": "m.append({'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options':"
             " ['nosuid', 'nodev', 'noexec', 'size=1m', 'mode=1777', 'nr_inodes=100']})\n"
             "m.append({'destination': '/scratch', 'type': 'tmpfs', 'source': 'tmpfs', 'options':"
             " ['ro', 'nosuid', 'nodev', 'rprivate', 'noatime']})\n"
             "m.append({'destination': '/t2', 'type': 'tmpfs', 'source': 'tmpfs'})",
    "bind": "m.append({'destination': '/var', 'source': '/run/readers-source', 'options':"
            " ['bind', 'ro', 'nosuid', 'nodev', 'noexec']})",
    "bind-typed": "m.append({'destination': '/var', 'type': 'none', 'source': '/run/readers-source',"
                  " 'options': ['ro', 'rbind', 'ro', 'nosuid', 'rprivate', 'nodev']}); l['rootfsPropagation'] = 'private'",
    "hidden": "l['maskedPaths'] = ['/proc/loadavg', '/etc', '/proc/nothing-here'];"
              " l['readonlyPaths'] = ['/proc/tty', '/proc/nothing-here'];"
              " l['sysctl'] = {'net.ipv4.ip_unprivileged_port_start': '80', 'kernel.shm_rmid_forced': '1'}",
    "unknown": "c['ociVersion'] = '1.1.0'; c['later'] = {'Process': 1}; p['newer'] = [];"
               " l['resources']['devices'][0]['x'] = {}",
    "scheduler": "p['scheduler'] = {'policy': 'SCHED_BATCH', 'nice': 5}",
    "io-priority": "p['ioPriority'] = {'class': 'IOPRIO_CLASS_BE', 'priority': 6}",
    "domainname": "c['domainname'] = 'a-domain'",
}

# Each of an engine's files differs from the others in other ways than these are about.
ENGINES = ["docker", "crio", "containerd-cri", "containerd-cri-pause", "ctr-default", "podman-default", "podman-tmpfs", "podman-user"]


def engine_config(path, base):
    with open(path, encoding="utf-8") as file:
        config = json.load(file)["config"]
    config["root"]["path"] = base["root"]["path"]
    config["process"]["terminal"] = False
    config["process"]["cwd"] = "/"
    config["process"]["args"] = ["/bin/report"]
    config["mounts"] = [m for m in config["mounts"] if not {"bind", "rbind"} & set(m.get("options", []))]
    config["linux"]["namespaces"] = base["linux"]["namespaces"]
    config["linux"]["resources"] = {"devices": config["linux"].get("resources", {}).get("devices", [])}
    config.pop("hooks", None)
    for key in ("uidMappings", "gidMappings", "cgroupsPath", "devices", "mountLabel", "seccomp"):
        config["linux"].pop(key, None)
    # These limits are above what a build machine's root may ask for.
    for key in ("rlimits", "oomScoreAdj", "apparmorProfile", "selinuxLabel"):
        config["process"].pop(key, None)
    return config


def text(value, shuffle):
    """JSON, with the members of objects in a random order if wanted."""
    if shuffle and isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return "{ " + " ,\n".join(f"{spell(k)}\t: {text(value[k], True)}" for k in keys) + "}"
    if shuffle and isinstance(value, list):
        return "[" + ", ".join(text(v, True) for v in value) + " ]"
    return spell(value) if shuffle and isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def spell(string):
    return '"' + "".join(f"\\u{ord(c):04X}" if random.random() < 0.2 and c.isalpha() else c for c in string) + '"'


# Not every runtime acts on these; a file `late` says so.
LATE = ["scheduler", "io-priority", "domainname"]


def write(out, name, config, shuffle=False):
    config["process"]["args"] = ["/bin/report"] + FILES + config["process"]["args"][1:]
    os.makedirs(f"{out}/{name}")
    with open(f"{out}/{name}/config.json", "w", encoding="utf-8") as file:
        file.write(text(config, shuffle))
    if name in LATE:
        open(f"{out}/{name}/late", "w", encoding="utf-8").close()


def main():
    base_path, corpus, out = sys.argv[1:]
    random.seed(33)
    with open(base_path, encoding="utf-8") as file:
        base = json.load(file)
    base["process"]["args"] = ["/bin/report"]
    for name, edit in EDITS.items():
        c = copy.deepcopy(base)
        p, l, m = c["process"], c["linux"], c["mounts"]
        if edit != "SHUFFLE":
            exec(edit, {}, {"c": c, "p": p, "l": l, "m": m})
        write(out, name, c, edit == "SHUFFLE")
    for name in ENGINES:
        write(out, "engine-" + name, engine_config(f"{corpus}/{name}.json", base))


main()
