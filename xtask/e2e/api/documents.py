"""Fetches both documents, and has them read by linters and by a maker of types."""

import subprocess
import urllib.request
from pathlib import Path


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def tool(name):
    return Path("node_modules/.bin") / name


def compiles(source, *more):
    """That it does, strictly; what the linters bring along is not looked at."""
    run(tool("tsc"), "--strict", "--skipLibCheck", "--target", "es2022", "--module", "commonjs", *more, source)


def check(door):
    for name in ["openapi.json", "asyncapi.json"]:
        with urllib.request.urlopen(f"{door}/{name}", timeout=30) as answer:
            Path(name).write_bytes(answer.read())
    run(tool("redocly"), "lint", "openapi.json", "--config", "lint-openapi.yaml")
    run(tool("spectral"), "lint", "openapi.json", "asyncapi.json", "--ruleset", "lint-spectral.yaml",
        "--fail-severity", "hint")
    run(tool("openapi-typescript"), "openapi.json", "--output", "types.ts")
    compiles("types.ts", "--noEmit")
