"""Watches properties while a model is built, and tells which line of the package under test set each of them.

The harness asks for it with the instruction `watchpoint` (`instructions.py`). After every executed line of the package,
and after every line of another library that such a line calls, each watched property is read; where it changed, the
innermost line of the package is kept, with the lines that called it and the line below it. The watch ends when
training begins, and so does the job: nothing is left to be learnt from its training.

Only the thread that runs the script is watched. What the job itself changes is told as a change outside of the package.
"""

from __future__ import annotations

import linecache
import os
import sys
import weakref
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, List, Tuple

from .census import parameters_of
from .instructions import instructions
from .names import canonical

Write = Callable[..., None]
Place = Tuple[Any, int]  # a frame, and the line that it executes

_MOST_CHANGES = 20  # changes of one property that are kept, the newest
_MOST_NAMES = 8
_SAMPLED = 4096  # values of a parameter that tell whether its start values changed
_IGNORED, _PACKAGE, _GENERATED, _IMPORT, _REGISTER, _NEW, _BELOW = range(7)
_TENSORS = {
    "dtype": "_parameters",
    "shape": "_parameters",
    "trainable": "_parameters",
    "start": "_parameters",
}
_TENSORS["buffer"] = "_buffers"


class Slot:
    """One place that holds a watched property: of a module, or of a configuration.

    Attributes:
        owner: Returns the module or the configuration, None once it is gone.
        key: Name of the parameter, buffer or setting, or path of the attribute.
        last: What was read last; None while there is nothing.
        changes: The changes so far, oldest first, as the event has them.
    """

    __slots__ = ("changes", "key", "kind", "last", "mark", "owner")

    def __init__(self, owner: Any, kind: str, key: str) -> None:
        try:
            self.owner = weakref.ref(owner)
        except TypeError:  # a class with slots: kept until the watch ends
            self.owner = lambda: owner  # type: ignore[assignment]
        self.kind, self.key = kind, key
        self.last: Any = None
        self.mark: Any = None
        self.changes: List[Dict[str, Any]] = []

    def read(self) -> Any:
        """Return the property as it is now; None where there is none."""
        owner = self.owner()
        store = _TENSORS.get(self.kind)
        if store is None or owner is None:
            return _setting(owner, self.key)
        tensor = owner.__dict__.get(store, {}).get(self.key)
        if tensor is None:
            return None
        if self.kind == "trainable":
            return tensor.requires_grad
        if self.kind == "start":
            return self._start(tensor)
        return tuple(tensor.shape) if self.kind == "shape" else tensor.dtype

    def _start(self, tensor: Any) -> Any:
        """Return [mean, standard deviation], computed only where a sample of the values differs from the last one."""
        if tensor.device.type == "meta" or not tensor.numel():
            return None
        values = tensor.detach().reshape(-1)[:: max(1, tensor.numel() // _SAMPLED)].double()
        mark = (float(values.sum()), float(values.abs().sum()), tensor.numel())
        if mark != self.mark:
            self.mark = mark
            whole = tensor.detach().double()
            return [float(whole.mean()), float(whole.std(unbiased=False))]
        return self.last


class Watchpoint:
    """Watches what one instruction asks for.

    Args:
        asked: {`package` (distribution), `properties`: [{`property`, `key`, `names` (patterns), `leaves` (own names of
            the parameters or buffers), `shapes` (that they end with; empty for any), `classes` (of the modules)}]}.
    """

    def __init__(self, asked: Dict[str, Any]) -> None:
        self._modules = modules_of(str(asked["package"]))
        self._properties: List[Dict[str, Any]] = list(asked["properties"])
        self._slots: List[Slot] = []
        self._known: Dict[Tuple[int, str, str], Slot] = {}
        self._kinds: Dict[int, Tuple[int, Any]] = {}
        self._stack: List[Any] = []
        self._at: Any = None
        self._under: Any = None
        self._importing = 0
        self._configs: List[Any] = []

    def start(self) -> None:
        """Watch from now on."""
        sys.settrace(self._called)

    def config(self, config: Any) -> None:
        """Take a configuration that the model is made from."""
        self._configs.append(config)

    def finish(self, model: Any, write: Write) -> None:
        """End the watch, and write an `origin` event for each property and each way in which it came about."""
        sys.settrace(None)
        self._look()
        for asked in self._properties:
            found: Dict[str, Tuple[List[str], List[Dict[str, Any]]]] = {}
            for name, slot in self._of(asked, model):
                ways = found.setdefault(repr(slot.changes), ([], slot.changes))
                ways[0].append(name)
            for names, changes in found.values():
                write(
                    "origin",
                    property=asked["property"],
                    key=asked["key"],
                    names=names[:_MOST_NAMES],
                    count=len(names),
                    changes=changes[-_MOST_CHANGES:],
                )

    def _of(self, asked: Dict[str, Any], model: Any) -> List[Tuple[str, Slot]]:
        """Return (canonical name, slot) of everything in the finished model that a property is asked of."""
        kind, wanted = asked["property"], asked["names"]
        found = []
        if kind == "config":
            places = [("", (config, asked["key"])) for config in self._configs]
        elif model is None:
            places = []
        elif kind == "attribute":
            modules = {}
            for raw, module in model.named_modules():
                modules.setdefault(
                    canonical(raw), module
                )  # a wrapper comes before what it wraps, as in the census
            places = [
                (name, (module, asked["key"])) for name, module in modules.items() if _named(name, wanted)
            ]
        else:
            tensors = _buffers(model) if kind == "buffer" else parameters_of(model)
            holders = dict(model.named_modules())
            places = [
                (name, (holders[raw.rpartition(".")[0]], raw.rpartition(".")[2]))
                for name, (raw, _) in tensors.items()
                if _named(name, wanted)
            ]
        for name, (owner, key) in places:
            slot = self._known.get((id(owner), kind, key))
            if slot is not None and slot.owner() is owner:
                found.append((name, slot))
        return found

    def _kind(self, frame: Any) -> int:
        """Return what a frame's code is, looked up once per code."""
        code = frame.f_code
        known = self._kinds.get(id(code))
        if known is not None:
            return known[0]
        kind = self._kind_of(code, str(frame.f_globals.get("__name__", "")))
        self._kinds[id(code)] = (kind, code)  # the code is kept, so that its id stays its own
        return kind

    def _kind_of(self, code: Any, module: str) -> int:
        top = module.partition(".")[0]
        if module == "torch.nn.modules.module" and code.co_name in ("register_parameter", "register_buffer"):
            return _REGISTER
        if module == "torch.nn.modules.module" and code.co_name in ("__init__", "__setstate__"):
            return _NEW
        if code.co_filename.startswith("<frozen importlib"):
            return _IMPORT
        if code.co_name == "<module>" or top in ("harness_recorder", "harness_run"):
            return _IGNORED
        if top in self._modules:
            return _GENERATED if code.co_filename.startswith("<") else _PACKAGE
        return _BELOW

    def _called(self, frame: Any, _event: str, _argument: Any) -> Any:
        """Decide what is watched of a function that is called; as `sys.settrace` wants it."""
        kind = self._kind(frame)
        if kind in (_PACKAGE, _GENERATED):
            self._look()
            if frame.f_code.co_name in ("__init__", "__post_init__"):
                self._new_config(frame)
            self._stack.append(frame)
            self._at, self._under = (frame, frame.f_lineno), None
            return self._in_package
        if kind == _IMPORT:
            self._importing += 1
            return self._in_import
        if kind == _REGISTER:
            self._registered(frame)
        elif kind == _NEW:
            self._new_module(frame)
        if kind != _IGNORED and self._stack and not self._importing:
            return self._in_library
        return None

    def _in_import(self, _frame: Any, event: str, _argument: Any) -> Any:
        if event == "return":
            self._importing -= 1
        return self._in_import

    def _in_package(self, frame: Any, event: str, _argument: Any) -> Any:
        if event == "line":
            self._look()
            self._at, self._under = (frame, frame.f_lineno), None
        elif event == "return":
            self._look()
            while self._stack and self._stack.pop() is not frame:
                pass
            self._at = (self._stack[-1], self._stack[-1].f_lineno) if self._stack else None
            self._under = None
        return self._in_package

    def _in_library(self, frame: Any, event: str, _argument: Any) -> Any:
        if event == "line":
            self._look()
            self._under = (frame, frame.f_lineno)
        elif event == "return":
            self._look()
            caller = frame.f_back
            below = caller is not None and self._stack and caller is not self._stack[-1]
            self._under = (caller, caller.f_lineno) if below else None
        return self._in_library

    def _registered(self, frame: Any) -> None:
        """Watch a parameter or buffer that is given to a module, if it is one that is asked about."""
        names = frame.f_locals
        store = "_parameters" if frame.f_code.co_name == "register_parameter" else "_buffers"
        tensor = names.get("param" if store == "_parameters" else "tensor")
        self._take(names.get("self"), store, str(names.get("name")), tensor)

    def _new_module(self, frame: Any) -> None:
        """Watch the attributes of a new module; of a copied one also what it was copied with."""
        module = frame.f_locals.get("self")
        for asked in self._properties:
            if asked["property"] == "attribute" and type(module).__name__ in asked["classes"]:
                self._watch(module, "attribute", asked["key"])
        if frame.f_code.co_name == "__setstate__":
            state = frame.f_locals.get("state") or {}
            for store in ("_parameters", "_buffers"):
                for name, tensor in (state.get(store) or {}).items():
                    self._take(module, store, name, tensor)

    def _new_config(self, frame: Any) -> None:
        """Watch the settings of an object that is being made, where settings are asked about."""
        code = frame.f_code
        if code.co_argcount and any(asked["property"] == "config" for asked in self._properties):
            made = frame.f_locals.get(code.co_varnames[0])
            for asked in self._properties:
                if asked["property"] == "config" and hasattr(made, "__dict__"):
                    self._watch(made, "config", asked["key"])

    def _take(self, module: Any, store: str, name: str, tensor: Any) -> None:
        if tensor is None:
            return
        for asked in self._properties:
            kind = asked["property"]
            fits = not asked["shapes"] or list(getattr(tensor, "shape", ())) in asked["shapes"]
            if _TENSORS.get(kind) == store and name in asked["leaves"] and fits:
                self._watch(module, kind, name)

    def _watch(self, owner: Any, kind: str, key: str) -> None:
        place = (id(owner), kind, key)
        known = self._known.get(place)
        if known is None or known.owner() is not owner:
            slot = self._known[place] = Slot(owner, kind, key)
            if known is not None:
                self._slots.remove(known)
            self._slots.append(slot)

    def _look(self) -> None:
        """Read every watched property, and keep where those were set that changed."""
        for slot in self._slots:
            try:
                value = slot.read()
            except Exception:  # noqa: S112 - what cannot be read in the midst of a line is read after the next
                continue
            if value is not slot.last and value != slot.last:
                change = {"previous": _plain(slot.last), "value": _plain(value), **self._where(slot)}
                slot.last = value
                slot.changes.append(change)

    def _where(self, slot: Slot) -> Dict[str, Any]:
        """Return the innermost line of the package, those that called it, and the line below it."""
        outside = {
            "outside": True,
            "file": "",
            "line": 0,
            "text": "",
            "function": "",
            "stack": [],
            "below": None,
        }
        if self._at is None:
            return outside
        frame, line = self._at
        if self._kind(frame) == _GENERATED:
            field = _field(slot.owner(), slot.key)
            return {**outside, **(field or {}), "outside": field is None, "stack": self._callers()}
        below = described(*self._under) if self._under is not None else None
        return {**described(frame, line), "outside": False, "stack": self._callers(), "below": below}

    def _callers(self) -> List[Dict[str, Any]]:
        """Return the lines of the package that called the innermost one, the outermost first."""
        return [
            described(frame, frame.f_lineno) for frame in self._stack[:-1] if self._kind(frame) == _PACKAGE
        ]


def modules_of(package: str) -> Dict[str, None]:
    """Return the importable names that a distribution brings, as keys; the package's own name where it tells none."""
    from importlib import metadata

    found: Dict[str, None] = {}
    try:
        files = metadata.distribution(package).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        top = file.parts[0]
        name = top if len(file.parts) > 1 else os.path.splitext(top)[0]
        if (
            name.isidentifier()
            and (len(file.parts) > 1 or top.endswith((".py", ".so")))
            and name != "__pycache__"
        ):
            found[name] = None
    return found or {package.replace("-", "_"): None}


def relative(path: str) -> str:
    """Return a file's path below `site-packages` or, of any other file, below the folder on `sys.path` it lies in."""
    path = os.path.normpath(path)
    folders = sorted((os.path.abspath(folder) for folder in sys.path if folder), key=len, reverse=True)
    for folder in folders:
        if path.startswith(folder + os.sep):
            return path[len(folder) + 1 :].replace(os.sep, "/")
    return path


def described(frame: Any, line: int) -> Dict[str, Any]:
    """Return {`file`, `line`, `text`, `function`} of a line that a frame executes; of the file as `relative` says."""
    code = frame.f_code
    text = linecache.getline(code.co_filename, line, frame.f_globals).strip()
    return {"file": relative(code.co_filename), "line": line, "text": text, "function": code.co_name}


def _field(config: Any, key: str) -> Any:
    """Return the line that gives a field of a dataclass its default; None where the value is not that default."""
    import ast  # all four are slow to load, and of use for a dataclass alone
    import dataclasses
    import inspect
    import textwrap

    kind = type(config)
    fields = (
        {field.name: field for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else {}
    )
    if key not in fields or vars(config).get(key) != _default(fields[key]):
        return None
    for owner in kind.__mro__:
        try:
            path, (lines, first) = inspect.getsourcefile(owner) or "", inspect.getsourcelines(owner)
            body = ast.parse(textwrap.dedent("".join(lines))).body[0].body  # type: ignore[attr-defined]
        except (OSError, TypeError, SyntaxError):
            continue
        for statement in body:
            if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == key:
                line = first + statement.lineno - 1
                text = linecache.getline(path, line).strip()
                return {"file": relative(path), "line": line, "text": text, "function": owner.__name__}
    return None


def _default(field: Any) -> Any:
    import dataclasses

    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _setting(owner: Any, path: str) -> Any:
    """Return a plain attribute or setting, an entry of a dictionary as `name.key`; None where there is none."""
    key, _, entry = path.partition(".")
    value = getattr(owner, "__dict__", {}).get(path if path in getattr(owner, "__dict__", {}) else key)
    if entry and isinstance(value, dict):
        value = value.get(entry)
    return value


def _buffers(model: Any) -> Dict[str, Tuple[str, Any]]:
    return {canonical(raw): (raw, buffer) for raw, buffer in model.named_buffers()}


def _named(name: str, wanted: List[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in wanted)


def _plain(value: Any) -> Any:
    """Return a value as the census tells it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return list(value)
    return str(getattr(value, "value", value)).replace("torch.", "")


_watchpoint: List[Watchpoint] = []


def start() -> None:
    """Watch from now on, if the harness asks for it."""
    asked = instructions().get("watchpoint")
    if asked:
        _watchpoint[:] = [Watchpoint(asked)]
        _watchpoint[0].start()


def take_config(config: Any) -> None:
    """Tell the watch, if there is one, of a configuration."""
    for watchpoint in _watchpoint:
        watchpoint.config(config)


def finish(model: Any, write: Write) -> None:
    """End the watch and the job, if there is a watch.

    Raises:
        SystemExit: There was one.
    """
    for watchpoint in _watchpoint:
        watchpoint.finish(model, write)
        _watchpoint.clear()
        raise SystemExit(0)
