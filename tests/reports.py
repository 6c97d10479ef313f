#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: tests/reports.py FILE.sarif...
Whether reports in SARIF fit tests/schemas/sarif.json, and what no schema says: a result's rule is where its index points, and
the region lies within the file that the report is about (beside the report, as FILE.json)."""
import json
import os
import sys

import jsonschema

here = os.path.dirname(os.path.abspath(__file__))
schema = json.load(open(os.path.join(here, "schemas", "sarif.json"), encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = 0
for path in sys.argv[1:]:
    report = json.load(open(path, encoding="utf-8"))
    errors = list(validator.iter_errors(report))
    for error in errors:
        print(f"{path}: {list(error.path)}: {error.message[:200]}")
    wrong += len(errors)
    lines = open(path.removesuffix(".sarif") + ".json", encoding="utf-8").read().split("\n")
    for run in report["runs"]:
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        if len(set(rules)) != len(rules):
            wrong += 1
            print(f"{path}: a rule is listed twice")
        for result in run["results"]:
            region = result["locations"][0]["physicalLocation"]["region"]
            if rules[result["ruleIndex"]] != result["ruleId"]:
                wrong += 1
                print(f"{path}: {result['ruleId']} has the index of {rules[result['ruleIndex']]}")
            if region["startLine"] > len(lines) or region["startColumn"] > len(lines[region["startLine"] - 1]) + 1:
                wrong += 1
                print(f"{path}: {region} is beyond the file")
sys.exit(1 if wrong else 0)
