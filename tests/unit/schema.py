#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""profiles/schema.json says what the readers and `cofferdam profile lint` say: it accepts what is shipped and the file with
every key, rejects every file of the corpus in which there is a mistake (`// expect LINE:COLUMN: message`, but for warnings),
and accepts those that say of themselves that it cannot tell; and the manual has every key. Run by tests/unit/profile.c; exit
status 77: the validator is not installed."""
import glob
import json
import re
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)


def read(path):
    """JSON with comments; strings are kept as they are."""
    text = open(path, encoding="utf-8").read()
    pattern = r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/'
    return json.loads(re.sub(pattern, lambda m: m.group(1) or " ", text, flags=re.S))


schema = json.load(open("profiles/schema.json", encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = 0
checked = 0

good = [p for p in glob.glob("profiles/*.json") if p != "profiles/schema.json"] + ["tests/corpus/profiles/full.json", "tests/corpus/profiles/range.json"]
corpus = glob.glob("tests/corpus/profiles/bad/*.json") + glob.glob("tests/corpus/profiles/lint/*.json")
for path in sorted(good + corpus):
    text = open(path, encoding="utf-8").read()
    mistakes = re.findall(r"^// expect \d+:\d+: (?!warning: )", text, flags=re.M)
    expected = not mistakes or "// The schema cannot tell." in text
    try:
        profile = read(path)
    except json.JSONDecodeError:
        if mistakes:
            continue
        raise
    error = next(validator.iter_errors(profile), None)
    checked += 1
    if (error is None) != expected:
        wrong += 1
        print(f"{path}: {error.message if error else 'accepted'}")

manual = open("doc/man/cofferdam-profile.5.md", encoding="utf-8").read().replace("\\_", "_")
for key in schema["properties"]:
    if f"\n**{key}**" not in manual:
        wrong += 1
        print(f"cofferdam-profile(5) does not know {key}")

if checked < 95:
    wrong += 1
    print(f"only {checked} files were found")
sys.exit(1 if wrong else 0)
