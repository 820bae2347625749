"""A disk that is soon full."""

import os
import subprocess

from harness import Skip


class SmallDisk:
    def __init__(self, test, size, name="disk"):
        if os.geteuid() != 0:
            raise Skip("needs root, to mount a small tmpfs")
        self.path = test.path(name)
        os.mkdir(self.path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.path],
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Skip("cannot mount a tmpfs here")

    def __enter__(self):
        return self.path

    def __exit__(self, *unused):
        subprocess.run(["umount", "-l", self.path], check=False)
