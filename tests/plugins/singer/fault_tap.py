"""A tap with faults: it does what the file ``script.json`` in its folder says.

Each step is a message, or an action: exit, kill, print, sleep, wait for SIGTERM,
refuse SIGTERM, start a child, log.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ.get("FAULT_FOLDER") or sys.argv[1])
script = json.loads((FOLDER / "script.json").read_text())


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def act(do, value):
    if do == "exit":
        sys.exit(value)
    if do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "print":
        write(value)
    if do == "bytes":  # the four characters \xff stand for a byte
        sys.stdout.flush()
        sys.stdout.buffer.write(value.encode().replace(rb"\xff", b"\xff") + b"\n")
        sys.stdout.flush()
    if do == "repeat":
        write((json.dumps(value[0]) + "\n") * value[1])
    if do == "sleep":
        time.sleep(value)
    if do == "refuse":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if do == "child":
        child = subprocess.Popen(["sleep", "60"])  # it holds the output open
        (FOLDER / "child").write_text(str(child.pid))
    if do == "log":
        sys.stderr.write(value + "\n")
    if do == "log for ever":
        while True:
            print("INFO waiting", file=sys.stderr, flush=True)
            time.sleep(value)
    if do == "detached log":
        script = "echo $$ >child; while :; do echo INFO >&2; sleep 0.1; done"
        subprocess.Popen(["setsid", "sh", "-c", script], cwd=FOLDER)


def main():
    if "--discover" in sys.argv:
        write(json.dumps(script["catalog"]))
        return
    for name in ("--config", "--state", "--catalog"):
        if path := option(name):
            seen = {"mode": os.stat(path).st_mode & 0o777, "path": path}
            seen["content"] = json.loads(Path(path).read_text())
            (FOLDER / f"seen{name}").write_text(json.dumps(seen))
    state = json.loads(Path(option("--state")).read_text()) if option("--state") else {}
    for step in script["steps"][state.get("step", 0) :]:
        if "do" in step:
            act(step["do"], step.get("value"))
        else:
            write(json.dumps(step) + "\n")


main()
