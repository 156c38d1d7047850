"""Runs the commands of a workflow of GitHub or a pipeline of Buildkite here: steps.py FILE

The current directory is the repository. Every job has a fresh copy of it, always at the same path. Artifacts are kept
as the engine keeps them. With ATTEMPT=2, Buildkite runs the first shard a second time, as if it had failed, and GitHub
runs all jobs. Copies the merged run to the current directory and exits with the code of the merge.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from ruamel.yaml import YAML

FOLDER = Path(tempfile.mkdtemp())
REPOSITORY = FOLDER / "repository"
RETRIED = 1


def check_out(path):
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(REPOSITORY, path)
    return path


def run(command, directory, **variables):
    environment = {**os.environ, **variables}
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", command], cwd=directory, env=environment)
    print(f"{command.strip()}: {done.returncode}", flush=True)
    return done.returncode


def copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


class GitHub:
    def __init__(self, jobs):
        self.jobs = jobs
        self.artifacts = FOLDER / "artifacts"
        self.summary = FOLDER / "summary.md"

    def upload(self, checkout, name, path, overwrite=False):
        artifact = self.artifacts / name
        if artifact.exists():
            assert overwrite, f"an artifact with the name {name} exists"
            shutil.rmtree(artifact)
        copy(checkout / path, artifact)

    def download(self, checkout, path, name=None, pattern=None):
        is_found = pattern is not None
        for artifact in sorted(self.artifacts.iterdir()) if self.artifacts.exists() else []:
            if artifact.name == name:
                copy(artifact, checkout / path)
                is_found = True
            elif pattern and fnmatch(artifact.name, pattern):
                copy(artifact, checkout / path / artifact.name)
        return is_found

    def job(self, job, attempt, shard):
        """Returns the code of the last command."""
        checkout = check_out(FOLDER / "work")
        values = {"${{ matrix.shard }}": shard, "${{ github.run_attempt }}": attempt}

        def expanded(text):
            for name, value in values.items():
                text = text.replace(name, str(value))
            return text

        code = 0
        is_planned = False
        for step in job["steps"]:
            conditions = {
                "always()": True,
                "github.run_attempt > 1": attempt > 1,
                "steps.earlier.outcome != 'success'": not is_planned,
            }
            if not conditions[step.get("if", "always()")]:
                continue
            options = {key: expanded(value) if isinstance(value, str) else value for key, value in step.get("with", {}).items()}
            uses = step.get("uses", "")
            if uses.startswith("actions/upload-artifact"):
                self.upload(checkout, **options)
            elif uses.startswith("actions/download-artifact"):
                is_found = self.download(checkout, **options)
                assert is_found or step.get("continue-on-error"), options
                is_planned = is_found and step.get("id") == "earlier"
            elif "run" in step and not step["name"].startswith("Install"):
                self.summary.unlink(missing_ok=True)
                environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(self.summary)}
                code = run(expanded(step["run"]), checkout, ATTEMPT=str(attempt), **environment)
                if code != 0 and step["name"] != "Merge":
                    sys.exit(f"{step['name']}: {code}")
        return code

    def merge(self):
        code = None
        for attempt in [1, 2]:
            for job in self.jobs.values():
                for shard in job.get("strategy", {}).get("matrix", {}).get("shard", [None]):
                    code = self.job(job, attempt, shard)
                    assert shard is None or not self.summary.exists()
        assert self.summary.read_text().count("## Verdict") == 1
        return code, FOLDER / "work"


class Buildkite:
    def __init__(self, steps):
        self.steps = steps
        # A folder for each job that has ended, and whether the job was retried.
        self.artifacts = []

    def upload(self, checkout, pattern, is_retried):
        folder = FOLDER / f"artifacts-{len(self.artifacts)}"
        for path in checkout.glob(pattern):
            if path.is_file():
                copy(path, folder / path.relative_to(checkout).parent)
        self.artifacts.append((folder, is_retried))

    def download(self, checkout, command):
        *options, pattern, path = shlex.split(command)[3:]
        for folder, is_retried in self.artifacts:
            if not is_retried or "--include-retried-jobs" in options:
                for source in folder.rglob("*"):
                    name = source.relative_to(folder)
                    if source.is_file() and fnmatch(str(name), pattern.replace("**/", "")):
                        copy(source, checkout / path / name.parent)

    def job(self, step, index, retry, is_retried):
        checkout = check_out(FOLDER / "work")
        env = {
            "BUILDKITE_PARALLEL_JOB": str(index),
            "BUILDKITE_PARALLEL_JOB_COUNT": str(step.get("parallelism", 1)),
            "BUILDKITE_RETRY_COUNT": str(retry),
            "ATTEMPT": str(retry + 1),
        }
        for command in step["commands"]:
            if command.startswith("buildkite-agent artifact download"):
                self.download(checkout, command)
                continue
            code = run(command.replace("$$", "$"), checkout, **env)
            if code != 0 and step["label"] != "merge":
                sys.exit(f"{step['label']}: {code}")
        self.upload(checkout, step["artifact_paths"], is_retried)
        return code, checkout

    def merge(self):
        for step in self.steps:
            count = step.get("parallelism", 1)
            for index in range(count):
                if count > 1 and index + 1 == RETRIED:
                    self.job(step, index, retry=0, is_retried=True)
                    merged = self.job(step, index, retry=1, is_retried=False)
                else:
                    merged = self.job(step, index, retry=0, is_retried=False)
        return merged


try:
    shutil.copytree(".", REPOSITORY)
    content = YAML().load(Path(sys.argv[1]))
    code, checkout = (GitHub(content["jobs"]) if "jobs" in content else Buildkite(content["steps"])).merge()
    shutil.copytree(checkout / "merged", "merged")
    sys.exit(code)
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
