"""Counts named checks and says which failed, for the scripts beside this file.

A check is a `with` block of plain assertions. One failure does not hide the next: the rest still runs, and the last line
and the exit code tell the result.
"""

import sys
import traceback
import uuid
from contextlib import contextmanager

if not __debug__:
    sys.exit("assertions are switched off (-O or PYTHONOPTIMIZE): nothing would be checked")

passed = 0
failed = 0


def arguments():
    """The site, the account and a word which no earlier run used, so that a run never meets another run's data."""
    if len(sys.argv) < 4:
        sys.exit(f"usage: {sys.argv[0]} BASE_URL EMAIL TOKEN [PROJECT] [SPACE]")
    base, email, token, *rest = sys.argv[1:]
    project = rest[0] if rest else "CTB"
    space = rest[1] if len(rest) > 1 else "CTB"
    return base.rstrip("/"), email, token, project, space, "run-" + uuid.uuid4().hex[:10]


@contextmanager
def check(name):
    """One numbered line of output: `ok N name`, or `not ok N name: why`."""
    global passed, failed
    number = passed + failed + 1
    try:
        yield
    except Exception as error:  # every kind of failure of the block is the finding
        failed += 1
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"not ok {number} {name}: {type(error).__name__}: {error} ({where.name}:{where.lineno})", flush=True)
        traceback.print_exc()
    else:
        passed += 1
        print(f"ok {number} {name}", flush=True)


class Refusal:
    """Filled in by `refused` once the call has failed."""

    error = None


@contextmanager
def refused(kind, status_of, status):
    """The block must fail with the client's own error `kind`, for an answer with this HTTP status."""
    refusal = Refusal()
    try:
        yield refusal
    except kind as error:
        assert status_of(error) == status, f"answered {status_of(error)} instead of {status}: {error}"
        refusal.error = error
    else:
        raise AssertionError(f"nothing was refused, expected {status}")


def equal(found, wanted):
    """An equality that shows both sides when it does not hold."""
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"


def finish():
    """The last line, and the exit code."""
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(0 if passed and not failed else 1)
