#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: tests/standards.py [--write] COFFERDAM      (from the root of the repository)
doc/standards.md says the same as the tables of lib/standards and as the cases of tests/corpus/standards: every control, its
name, what decides it, and how many cases pass and fail. Its last column is for people to write. --write corrects the others."""
import json
import subprocess
import sys
import tempfile

DOC = "doc/standards.md"
BASE = "tests/corpus/standards/base.json"
STANDARDS = ["pss-baseline", "pss-restricted", "cis-docker"]


def ask(cofferdam, standard, config):
    run = subprocess.run([cofferdam, "check", config, "--standard", standard, "--format", "json"], capture_output=True, text=True)
    if run.returncode not in (0, 1):
        sys.exit(run.stderr)
    return json.loads(run.stdout)["controls"]


def decided_by(control):
    if not control["decidable"]:
        return "not here: " + control["reason"]
    return ", ".join([f"`{rule}`" for rule in control["rules"]] + ["a check of its own"] * control["own"])


def cases(standard, control):
    if not control["decidable"]:
        return "-"
    found = json.load(open(f"tests/corpus/standards/{standard}.json", encoding="utf-8"))["controls"][control["id"]]
    return f"{len(found['passes'])} pass, {len(found['fails'])} fail"


def rows(cofferdam, config):
    """The first columns of every row, by standard; what restricted takes from baseline is in baseline's table."""
    seen = set()
    for standard in STANDARDS:
        for control in ask(cofferdam, standard, config):
            if control["id"] not in seen:
                seen.add(control["id"])
                yield standard, [control["id"], control["name"], decided_by(control), cases(standard, control)]


def table(text, standard):
    """The lines of the table below the heading with the standard's name."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("## ") and f"`{standard}`" in line)
    first = next(i for i in range(start, len(lines)) if lines[i].startswith("|---")) + 1
    last = next(i for i in range(first, len(lines)) if not lines[i].startswith("|"))
    return lines, first, last


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def main():
    write = "--write" in sys.argv
    cofferdam = sys.argv[-1]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(json.load(open(BASE, encoding="utf-8"))["config"], file)
        file.flush()
        wanted = {standard: [] for standard in STANDARDS}
        for standard, row in rows(cofferdam, file.name):
            wanted[standard].append(row)
    text = open(DOC, encoding="utf-8").read()
    wrong = 0
    for standard in STANDARDS:
        lines, first, last = table(text, standard)
        found = [cells(line) for line in lines[first:last]]
        remarks = {row[0]: row[4] for row in found}
        if [row[:4] for row in found] != wanted[standard]:
            wrong += 1
            for row in wanted[standard]:
                if row not in [other[:4] for other in found]:
                    print(f"{DOC}: {standard}: expected | {' | '.join(row)} |")
        if any(not row[4] for row in found):
            wrong += 1
            print(f"{DOC}: {standard}: a control has no remark")
        lines[first:last] = [f"| {' | '.join(row)} | {remarks.get(row[0], '')} |" for row in wanted[standard]]
        text = "\n".join(lines)
    if write:
        open(DOC, "w", encoding="utf-8").write(text)
    sys.exit(1 if wrong and not write else 0)


main()
