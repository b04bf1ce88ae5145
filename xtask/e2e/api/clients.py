"""Makes clients from the document as it is, without overlooking what is wrong with it, and runs each through every family
of routes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from documents import compiles, run


def generate(kind, *more):
    shutil.rmtree(f"client/{kind}", ignore_errors=True)
    generator = Path(sys.executable).with_name("openapi-generator-cli")
    command = [generator, "generate", "--input-spec", "openapi.json", "--generator-name", kind, "--output", f"client/{kind}"]
    # It names each of hundreds of files, which is worth reading when it fails.
    made = subprocess.run([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode:
        sys.exit(f"{made.stdout}\nno client can be made: {kind}")


def check(token):
    os.environ["ADMIN_TOKEN"] = token
    generate("python", "--additional-properties", "packageName=chatchit")
    run(sys.executable, "smoke.py")
    generate("typescript-fetch")
    compiles("smoke.ts", "--outDir", "built")
    run("node", "built/smoke.js")
