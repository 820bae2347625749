"""A workload: one command and what is needed around it, and where its inputs lie."""

import os
import shutil
import subprocess

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


TOOL_NAMES = ("native", "allocaudit", "heaptrack")
RAW_TOO = (*TOOL_NAMES, "heaptrack raw")


class Missing(Exception):
    """A workload cannot run here; the text says what is missing."""


class Workload:
    """One command, and what is needed around it.

    group: micro, real or start. pair_count: how many pairs of malloc and free a micro makes.
    tool_names: what it is measured with. prepare() is called before each run; drive(ended) beside it, from another thread: ended() tells
    whether the command has ended by itself.
    """

    def __init__(self, name, group, command, env=None, stdin=None, cwd=None, pair_count=None,
                 prepare=None, drive=None, tool_names=TOOL_NAMES):
        self.name = name
        self.group = group
        self.command = command
        self.env = env or {}
        self.stdin = stdin
        self.cwd = cwd
        self.pair_count = pair_count
        self.prepare = prepare
        self.drive = drive
        self.tool_names = tool_names


class Inputs:
    """Where inputs and results lie, and how large they shall be."""

    def __init__(self, folder, pairs, is_quick):
        self.folder = folder
        self.pairs = pairs
        self.is_quick = is_quick
        os.makedirs(folder, exist_ok=True)

    def size(self, quick, full):
        return quick if self.is_quick else full

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def need(name):
    path = shutil.which(name, path=SEARCH_PATH)
    if path is None:
        raise Missing(f"{name} is not installed")
    return path
