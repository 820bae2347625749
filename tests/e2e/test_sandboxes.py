"""Programs that shut themselves in: children without thread locals, processes with numbers of their own."""

import subprocess

from harness import Skip


def test_child_without_thread_locals(test, way):
    """Chromium's sandbox makes such a child; what we do at its end may use neither errno nor a thread's state."""
    for options in ([], ["--policy", "pool"]):
        recorded = test.same_as_native([test.program("bare_child"), way], *options)
        test.equal("what became of the child", recorded.stdout, b"status 7, signal 0\n")
        test.sound(recorded)


test_child_without_thread_locals.cases = [("exit", ("exit",)), ("exec", ("exec",))]


def test_processes_with_numbers_of_their_own(test, options):
    """Their process 1 is not ours, which never ends; they are watched as others are, and the run ends with them."""
    unshare = [test.need("unshare"), "--user", "--map-root-user", "--pid", "--fork", *options]
    if subprocess.run([*unshare, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("namespaces cannot be made here")
    pause = f'LD_PRELOAD="$LD_PRELOAD {test.program("pause_at_end")}"'
    recorded = test.same_as_native([*unshare, "/bin/sh", "-c", f"{pause} {test.program('hello')}; echo $$"], timeout=20)
    recording = test.sound(recorded)
    shell = next(row for row in recording.processes if row["pid"] == 1 and row["start_kind"] == "exec")
    child = next(row for row in recording.processes if row["executable"].endswith("/hello"))
    test.check(child["pid"] < 20, f"{child['pid']} is not the number that it has itself")
    test.check(child["parent_id"] is not None and child["end_kind"] == "gone", f"{child}")
    test.equal("leaks looked for", child["leak_check"], "done")
    for row in (shell, child):
        test.check(row["cpu_time_ns"] is not None, f"nobody looked at the time of {row['executable']}")
    test.check(recording.value("SELECT count(*) FROM memory_sample WHERE process_id = ?", child["id"]) > 0,
               "nobody looked at its memory")


test_processes_with_numbers_of_their_own.cases = [("", ([],)), ("their own /proc", (["--mount-proc"],))]
