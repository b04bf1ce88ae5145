"""Checks: each says what it shows, and why it failed."""

import time
import traceback

_failed = []


def check(what, how):
    """Runs a check. A failure is reported, and the next check runs. Returns what the check returned."""
    since = time.monotonic()
    try:
        found = how()
    except Exception as error:  # a check may fail in any way
        _failed.append(what)
        print(f"FAILED  {what}: {error}", flush=True)
        if not isinstance(error, AssertionError):
            traceback.print_exc()
        return None
    took = time.monotonic() - since
    print(f"ok      {what}" + (f" ({took:.1f} s)" if took > 1 else ""), flush=True)
    return found


def until(what, holds, within=30):
    """Asks again and again; the answer that holds."""
    deadline = time.monotonic() + within
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.02)


def exit_code():
    """1 when a check failed."""
    for what in _failed:
        print(f"failed: {what}")
    return 1 if _failed else 0
