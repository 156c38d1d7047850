"""Runs the commands of a workflow of GitHub or a pipeline of Buildkite here: steps.py FILE

In place of the engine's artifacts, all steps share the current directory. Exits with the code of the
merge.
"""

import os
import shutil
import subprocess
import sys

from ruamel.yaml import YAML


def run(command, **variables):
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", command], env={**os.environ, **variables})
    print(f"{command.strip()}: {done.returncode}")
    return done.returncode


def github(jobs):
    merged = None
    for name, job in jobs.items():
        for shard in job.get("strategy", {}).get("matrix", {}).get("shard", [None]):
            for step in job["steps"]:
                if "run" in step and not step["name"].startswith("Install"):
                    command = step["run"].replace("${{ matrix.shard }}", str(shard))
                    code = run(command, GITHUB_STEP_SUMMARY="summary.md")
                    if step["name"] == "Merge":
                        merged = code
                    elif code != 0:
                        sys.exit(f"{step['name']}: {code}")
            if shard is not None:
                os.makedirs("shards", exist_ok=True)
                shutil.move("shard", f"shards/shard-{shard}")
    with open("summary.md") as summary:
        assert summary.read().count("## Verdict") == 1
    return merged


def buildkite(steps):
    code = None
    for step in steps:
        count = step.get("parallelism", 1)
        for index in range(count):
            for command in step["commands"]:
                if command.startswith("buildkite-agent artifact download"):
                    continue
                code = run(
                    command.replace("$$", "$"),
                    BUILDKITE_PARALLEL_JOB=str(index),
                    BUILDKITE_PARALLEL_JOB_COUNT=str(count),
                )
    return code


with open(sys.argv[1]) as file:
    content = YAML().load(file)
sys.exit(github(content["jobs"]) if "jobs" in content else buildkite(content["steps"]))
