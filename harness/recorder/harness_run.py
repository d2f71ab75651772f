"""Runs a script as `python script.py` does, to the same end: output, exit status, threads, pools, signals.

Both ways to start a probe end up here, a clean interpreter and a child of a warm parent. One thing is left out of the
end: the interpreter does not take its modules apart, which costs half a second with torch and changes nothing that is
measured. What the script's own global names hold is let go of, as the interpreter would, unless a thread still runs.
Known to differ: Python 3.12 refuses a thread that is started by a thread after the script's end; here it runs.

    python harness_run.py SCRIPT [ARGUMENTS]
"""

import atexit
import contextlib
import importlib.machinery
import io
import json
import os
import signal
import sys
import types

_FLUSH_FAILED = 120
"""Exit status of Python where standard output cannot be flushed (Py_FinalizeEx)."""
_NEW_WORDS = sys.version_info >= (3, 13)


def run_as_main(arguments):
    """Run a script with its arguments, then leave the process as the script's interpreter would.

    Args:
        arguments: Path of the script, and what its `sys.argv` holds behind it.
    """
    code = 1
    try:
        code = _run(arguments)
    finally:
        os._exit(code & 0xFF)


def _run(arguments):
    """Run a script to its end; return its exit status, or end by the signal that ended it."""
    process, traced = os.getpid(), bool(os.environ.get("HARNESS_TRACE"))
    if traced:
        from harness_recorder.collectives import follow_collectives
        from harness_recorder.heard import listen
        from harness_recorder.ranks import tell_stack_when_asked

        listen()
        tell_stack_when_asked()
        follow_collectives()
    ended = _begin() if traced else []
    error = None
    try:
        _execute(arguments)
    except BaseException as raised:
        error = _without_own_frames(raised)
    code = _show(error)  # outside of the block above, where a hook's own error would be chained to this one
    interrupted = type(error) is KeyboardInterrupt
    for tell in ended if os.getpid() == process else ():
        tell()
    if traced and os.getpid() == process and error is not None and not isinstance(error, SystemExit):
        from harness_recorder.script import tell_error

        tell_error(error)
    del error  # with all that its frames hold
    flushed = _finalize()
    if traced and os.getpid() == process:  # and not a child that the script forked
        from harness_recorder.script import tell_memory, tell_modules

        tell_modules()
        tell_memory()
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return code if flushed else _FLUSH_FAILED


def _begin():
    """Begin what the harness asks of a probe from its first line on; return what is to be called at its end."""
    asked = json.loads(os.environ.get("HARNESS_INSTRUCTIONS") or "{}")
    ended = []
    if "overlay" in asked:
        from harness_recorder import overlay

        overlay.lay()
        ended.append(lambda: overlay.tell(asked["overlay"]["package"]))
    if "executed" in asked:
        from harness_recorder.executed import Executed

        executed = Executed(asked["executed"]["package"])
        executed.start()
        ended.append(executed.tell)
    if "counts" in asked and "profile" not in asked:  # a profile counts too
        from harness_recorder.counts import Counts

        counts = Counts(asked["counts"]["names"], asked["counts"]["package"])
        counts.start()
        ended.append(counts.tell)
    if "profile" in asked:
        from harness_recorder import profiled

        ended.append(profiled.begin(asked["profile"]))
    if "watchpoint" in asked:
        from harness_recorder.watchpoint import start

        start()
    return ended


def _execute(arguments):
    """Execute the script in a module `__main__` of its own."""
    path = arguments[0]
    sys.argv[:] = arguments
    if hasattr(sys, "orig_argv"):  # Python 3.10
        sys.orig_argv[:] = [sys.executable, *arguments]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if "__mp_main__" in sys.modules:  # multiprocessing's other name for it, made when it was loaded
        sys.modules["__mp_main__"] = main
    if not path.endswith(".py") and _is_archive(path):
        import runpy

        sys.path[0] = path
        runpy._run_module_as_main("__main__", alter_argv=False)  # noqa: SLF001 - what Python does with one
        return
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    try:
        with io.open_code(path) as script:
            source = script.read()
    except OSError as error:
        print(
            "%s: can't open file %r: [Errno %d] %s" % (sys.executable, path, error.errno, error.strerror),
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    main.__dict__.update(
        __annotations__={},
        __builtins__=sys.modules["builtins"],
        __cached__=None,
        __file__=path,
        __loader__=importlib.machinery.SourceFileLoader("__main__", path),
    )
    try:
        exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)
    finally:  # as Python has done by the time that threads and `atexit` go on
        for name in ("__file__", "__cached__"):
            main.__dict__.pop(name, None)


def _is_archive(path):
    """Tell whether a path is a folder or a zip file, of which Python executes `__main__`."""
    import pkgutil

    return pkgutil.get_importer(path) is not None


def _status(error):
    """Return the exit status that a SystemExit asks for, after printing what is no number."""
    code = getattr(error, "code", error)
    if code is None:
        return 0
    if isinstance(code, int):
        return code if -(2**63) <= code < 2**63 else -1
    try:
        if sys.stderr is None:
            os.write(2, ("%s\n" % (code,)).encode("utf-8", "backslashreplace"))
        else:
            print(code, file=sys.stderr)
    except Exception:
        pass
    return 1


def _without_own_frames(error):
    """Return the error with the traceback that begins in the script."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == run_as_main.__code__.co_filename:
        trace = trace.tb_next
    return error.with_traceback(trace)


def _show(error):
    """Show an error that nobody caught by `sys.excepthook`; return the exit status, 0 where there is none."""
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return _status(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    second = None
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as raised:
        second = _without_own_frames(raised)
    if isinstance(second, SystemExit):
        return _status(second)
    if second is not None:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), second, second.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)
    return 1


def _finalize():
    """Do what Py_FinalizeEx does, in its order; return whether standard output and error could be flushed."""
    threading = sys.modules.get("threading")
    if threading is not None:
        try:
            threading._shutdown()  # noqa: SLF001 - waits for threads, and ends the pools of concurrent.futures
        except BaseException as error:
            where = "on threading shutdown:" if _NEW_WORDS else "in: %r" % (threading,)
            _ignore(where, _without_own_frames(error))
    with contextlib.suppress(BaseException):  # Python 3.8 and 3.9 raise the last of what they print
        atexit._run_exitfuncs()  # noqa: SLF001 - it prints what they raise
    flushed = _flush(sys.stdout, shown=True) and _flush(sys.stderr)
    _let_go()
    _flush(sys.stdout)
    _flush(sys.stderr)  # again, since a `__del__` may have printed
    return flushed


def _flush(stream, *, shown=False):
    """Flush a standard stream; return whether it could be, after a word about it where `shown`."""
    try:
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()
    except BaseException as error:
        if shown:
            where = "on flushing sys.stdout:" if _NEW_WORDS else "in: %r" % (stream,)
            _ignore(where, _without_own_frames(error))
        return False
    return True


def _ignore(where, error):
    """Print an exception that changes nothing, as the interpreter does at its end."""
    import traceback

    lines = traceback.format_exception(type(error), error, error.__traceback__)
    with contextlib.suppress(BaseException):
        sys.stderr.write("Exception ignored %s\n%s" % (where, "".join(lines)))


def _let_go():
    """Let go of what the script's global names hold: an open file is written, a `__del__` is called.

    What has a `__del__` of its own goes first, and modules, classes and functions stay, since it may need them.
    """
    sys.last_type = sys.last_value = sys.last_traceback = sys.last_exc = None
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    if len(sys._current_frames()) > 1:  # noqa: SLF001 - a daemon thread, which would miss its names
        return
    names = getattr(sys.modules.get("__main__"), "__dict__", {})
    kept = (type, types.ModuleType, types.FunctionType)
    going = [
        name
        for name, value in names.items()
        if name[:2] != "__"
        and not issubclass(type(value), kept)  # a proxy may answer to isinstance with an error
    ]
    for name in sorted(going, key=lambda name: not hasattr(type(names[name]), "__del__")):
        names.pop(name, None)


if __name__ == "__main__":
    run_as_main(sys.argv[1:])
