"""Runs a job as `__main__`, as `python job.py` would, and ends at once when the job does.

Both ways to start a probe end up here, a clean interpreter and a child of a warm parent. What a normal end does
besides (taking apart every module of torch) costs half a second and changes nothing that is measured.

    python harness_run.py JOB [ARGUMENTS]
"""

import atexit
import os
import runpy
import sys
import traceback


def run_as_main(arguments):
    """Run a script with its arguments, then leave the process with the script's exit status.

    Args:
        arguments: Path of the script, and what its `sys.argv` holds behind it.
    """
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(arguments[0])
    code = 0
    if os.environ.get("HARNESS_TRACE"):
        from harness_recorder.heard import listen

        listen()
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        if code == 1 and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
    except BaseException as error:
        traceback.print_exc()
        if os.environ.get("HARNESS_TRACE"):
            from harness_recorder.script import tell_error

            tell_error(error)
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
    try:
        atexit._run_exitfuncs()  # noqa: SLF001 - what a normal end of the interpreter does
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code & 0xFF)


if __name__ == "__main__":
    run_as_main(sys.argv[1:])
