"""A release without a wheel: its code builds one, shut off as a probe is, and the report says that it was built."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from reached import was_reached
from test_machine import world  # noqa: F401 - a fixture
from toyindex import DAYS, sdist, wheel

from harness.namespaces import namespaces_forbidden

TRIES = """
import os, pathlib, socket

FOUND = [name for name, value in os.environ.items() if value == 'token']
for path in pathlib.Path('/proc').glob('[0-9]*/environ'):
    try:
        FOUND += ['process'] if b'=token' in path.read_bytes() else []
    except OSError:
        pass
FOUND += ['home'] if pathlib.Path(SECRET).exists() else []
for place in PLACES:
    try:
        pathlib.Path(place, 'written-by-a-build').write_text('x')
        FOUND.append(place)
    except OSError:
        pass
try:
    socket.create_connection(SERVER, timeout=5).close()
    FOUND.append('network')
except OSError:
    pass
"""
"""What a package that the build requires does as Python starts, in every process of a build."""
BACKEND = """
import os, pathlib, starter, zipfile

def build_wheel(folder, *_, **__):
    pathlib.Path('/tmp/of-a-build').write_text('x')
    name, info = 'toy-1.0-py3-none-any.whl', 'toy-1.0.dist-info'
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as wheel:
        wheel.writestr('toy.py', 'FOUND = %r\\n' % sorted(set(starter.FOUND)))
        wheel.writestr(info + '/METADATA', 'Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\n')
        wheel.writestr(info + '/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(info + '/RECORD', '')
    return name
"""


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_a_build_is_shut_off(world, toy, harness, monkeypatch, isolation):  # noqa: F811
    """So is what a `.pth` file of a package that it requires runs, which comes before all code of the build."""
    home = toy / "the home"
    home.mkdir()
    (home / "secret").write_text("token")
    for name in ("HF_TOKEN", "NVIDIA_API_KEY"):
        monkeypatch.setenv(name, "token")
    monkeypatch.setenv("HOME", str(home))
    with socket.create_server(("127.0.0.1", 0), backlog=99) as server:
        values = {
            "SECRET": str(home / "secret"),
            "PLACES": [str(toy / "cache" / "archive-v0"), str(toy)],
            "SERVER": server.getsockname(),
        }
        index = world({})
        text = "".join(f"{name} = {value!r}\n" for name, value in values.items()) + TRIES
        index.add("starter", wheel("starter", "1.0", text, start="import starter", uploaded=DAYS[0]))
        index.add("toy", sdist("toy", "1.0", BACKEND, ("starter",), uploaded=DAYS[0]))
        monkeypatch.setenv("UV_CACHE_DIR", str(toy / "cache"))
        (toy / "repro.py").write_text("import json, toy\nprint(json.dumps(toy.FOUND))\n", encoding="utf-8")
        words = ["--package", "toy", "--isolation", isolation, "--no-cause", "--", "python", "repro.py"]
        done = harness("bisect", *words)
        reached = was_reached(server)
    assert done.returncode in {0, 3}, done.stderr
    (output,) = [path.read_text() for path in (toy / "home").glob("probes/*/0/output.txt")]
    found = json.loads(output.strip().splitlines()[-1])
    if isolation == "none":
        assert {"HF_TOKEN", "home", "network"} <= set(found)
        assert reached
    elif namespaces_forbidden():
        assert not {"HF_TOKEN", "NVIDIA_API_KEY"} & set(found)
    else:
        assert found == []
        assert not reached
        assert not any((Path(place) / "written-by-a-build").exists() for place in values["PLACES"])
    assert "built from source, for the index has no wheel: 1.0" in done.stderr
    summary = next((toy / "reports").glob("2*/summary.md")).read_text(encoding="utf-8")
    assert "built from source" in summary
