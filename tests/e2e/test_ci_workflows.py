"""The workflow files of docs/ci.md: read as their services would, and their steps run on the tutorial's project.

Only what installs packages is left out (apt-get, and `make setup`); sudo is there and does nothing of its own.
"""

import os
import re
import xml.etree.ElementTree

import harness

try:
    import yaml
except ImportError:
    yaml = None

# What the services' documentation allows where the files of docs/ci.md use it.
GITHUB_JOB = {"name", "runs-on", "needs", "if", "env", "steps", "strategy", "container", "timeout-minutes", "permissions"}
GITHUB_STEP = {"name", "id", "if", "uses", "with", "run", "env", "shell", "working-directory", "continue-on-error"}
GITHUB_EVENTS = {"push", "pull_request", "workflow_dispatch", "schedule"}
GITHUB_CONDITIONS = {"failure()", "success()", "always()", "cancelled()"}
GITHUB_INPUTS = {"actions/checkout": {"repository", "ref", "path", "submodules", "fetch-depth"},
                 "actions/upload-artifact": {"name", "path", "if-no-files-found", "retention-days"}}
GITLAB_JOB = {"image", "stage", "before_script", "script", "after_script", "artifacts", "rules", "variables", "cache", "needs"}
GITLAB_ARTIFACTS = {"name", "paths", "when", "expire_in", "reports", "exclude"}
GITLAB_WHEN = {"on_success", "on_failure", "always"}

FILE = re.compile(r"<!-- file: words\.c -->\n```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAKEFILE = "tests: words.c\n\tcc -g -o $@ $<\n"


def page():
    with open(os.path.join(harness.ROOT, "docs", "ci.md"), encoding="utf-8") as file:
        return file.read()


def workflow(title):
    """The YAML of a section."""
    if yaml is None:
        raise harness.Skip("python3-yaml is not installed")
    text = page()
    section = text[text.index(f"\n## {title}\n"):]
    return yaml.safe_load(re.search(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[1])


def known(test, what, keys, allowed):
    test.check(set(keys) <= allowed, f"{what}: unknown {sorted(set(keys) - allowed)}")


class Project:
    """The tutorial's project with a baseline, a copy of allocaudit beside it, and a machine to run its CI on."""

    def __init__(self, test):
        self.test = test
        self.environment = {
            "PATH": ":".join([test.path("root", "usr", "local", "bin"), test.path("stubs"), os.environ["PATH"]]),
            # The copy is built already. Without packages: see above.
            "MAKEFLAGS": f"BUILD={test.shared.build} DESTDIR={test.path('root')} SETUP=no",
            "GITHUB_STEP_SUMMARY": test.path("summary.md"),
        }
        os.mkdir(test.path("project"))
        os.mkdir(test.path("stubs"))
        os.symlink(harness.ROOT, test.path("project", "allocaudit"))
        self.stub("sudo", 'exec "$@"')
        self.stub("apt-get", f'echo "$@" >> {test.path("packages")}')
        self.write("words.c", FILE.search(page())[1])
        self.write("Makefile", MAKEFILE)

    def stub(self, name, line):
        path = self.test.write(os.path.join("stubs", name), f"#!/bin/sh\n{line}\n")
        os.chmod(path, 0o755)

    def write(self, name, text):
        return self.test.write(os.path.join("project", name), text)

    def path(self, name):
        return self.test.path("project", name)

    def run(self, shell, command):
        return self.test.run(shell + [command], cwd=self.test.path("project"), env=self.environment, timeout=600)

    def commit_baseline(self):
        """As the tutorial says; allocaudit is installed by the workflow's own step before."""
        ended = self.run(["sh", "-ec"], "make tests && allocaudit test --baseline allocs.yaml --update -- ./tests")
        self.test.equal(f"status of {ended}", ended.status, 0)

    def forget_something(self):
        with open(self.path("words.c"), encoding="utf-8") as file:
            text = file.read()
        self.write("words.c", text.replace("strdup(text)", "strdup(strdup(text))"))
        os.utime(self.path("words.c"), (2e9, 2e9))  # newer than ./tests, whatever the clock's steps


def run_all(test, project, shell, commands):
    """Runs them as the service does: it stops at the first that fails. Returns that one or None."""
    for command in commands:
        ended = project.run(shell, command)
        if ended.status != 0:
            test.check("allocaudit test" in command, f"{ended}")
            return ended
    return None


def failures(path):
    suite = xml.etree.ElementTree.parse(path).getroot()
    return int(suite.get("failures")), int(suite.get("tests"))


def test_github_workflow_is_one(test):
    document = workflow("GitHub Actions")
    events = document.get("on", document.get(True))  # YAML 1.1 takes `on` for a truth value, GitHub does not
    known(test, "on", events, GITHUB_EVENTS)
    test.equal("top level", {str(key) for key in document} - {"name", "on", "True", "jobs", "permissions", "env"}, set())
    for name, job in document["jobs"].items():
        known(test, name, job, GITHUB_JOB)
        test.check(isinstance(job["runs-on"], str), str(job))
        for step in job["steps"]:
            known(test, str(step), step, GITHUB_STEP)
            test.equal(f"uses or run: {step}", len({"uses", "run"} & set(step)), 1)
            test.check(step.get("if", "always()") in GITHUB_CONDITIONS, str(step))
            if "uses" in step:
                action, version = step["uses"].split("@")
                test.check(re.fullmatch(r"v\d+", version), step["uses"])
                known(test, action, step.get("with", {}), GITHUB_INPUTS[action])


def test_github_workflow_runs(test):
    """It passes as committed; a leak fails it at its line, with a report and an artifact."""
    steps = workflow("GitHub Actions")["jobs"]["allocations"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    shell = ["bash", "-e", "-c"]
    project = Project(test)
    test.equal("installing", run_all(test, project, shell, commands[:1]), None)
    project.commit_baseline()
    test.equal("as committed", run_all(test, project, shell, commands), None)
    test.equal("report", failures(project.path("gate.xml"))[0], 0)
    project.forget_something()
    ended = run_all(test, project, shell, commands)
    test.equal("status", ended.status, 1)
    test.check(re.search(rb"^::error file=words\.c,line=13,title=leaked_count::1,000, baseline 0", ended.stdout,
                         re.MULTILINE), f"{ended}")
    with open(test.path("summary.md"), encoding="utf-8") as file:
        test.check("gate failed" in file.read(), "the summary says nothing")
    for step in steps:
        if step.get("if") == "failure()":
            test.check(os.path.exists(project.path(step["with"]["path"])), str(step))


def test_gitlab_job_is_one(test):
    document = workflow("GitLab")
    for name, job in document.items():
        known(test, name, job, GITLAB_JOB)
        known(test, "artifacts", job["artifacts"], GITLAB_ARTIFACTS)
        known(test, "reports", job["artifacts"]["reports"], {"junit", "codequality", "dotenv"})
        test.check(job["artifacts"]["when"] in GITLAB_WHEN, str(job["artifacts"]))
        test.check(all(isinstance(line, str) for line in job["script"]), str(job["script"]))


def test_gitlab_job_runs(test):
    job = workflow("GitLab")["allocations"]
    shell = ["bash", "-e", "-o", "pipefail", "-c"]
    project = Project(test)
    test.equal("installing", run_all(test, project, shell, job["script"][:2]), None)
    with open(test.path("packages"), encoding="utf-8") as file:
        test.equal("packages", file.read(), "update\ninstall -y make\n")
    project.commit_baseline()
    test.equal("as committed", run_all(test, project, shell, job["script"]), None)
    project.forget_something()
    ended = run_all(test, project, shell, job["script"])
    test.equal("status", ended.status, 1)
    test.check(b"leaked_count" in ended.stdout, f"{ended}")
    failed, total = failures(project.path(job["artifacts"]["reports"]["junit"]))
    test.check(0 < failed < total, f"{failed} of {total}")
    for path in job["artifacts"]["paths"]:
        test.check(os.path.exists(project.path(path)), path)
