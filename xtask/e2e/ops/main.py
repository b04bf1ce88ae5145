"""All that can be shown of a deployment without containers. Exits with 0; with 1 after a failure; with 77 if nginx is missing.

The variables are those of files.py and topology.py."""

import sys

import files
import prometheus
import topology
from report import exit_code


def main():
    files.run()
    prometheus.files()
    return topology.main() or exit_code()


if __name__ == "__main__":
    sys.exit(main())
