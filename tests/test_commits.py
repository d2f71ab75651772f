"""A boundary is opened into its commit: planted histories, real git, overlays that are proven, the ordinary search."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from git_histories import Repository
from states import own_state
from toyindex import DAYS, ToyIndex, wheel

import harness.git
from harness.errors import UsageError
from harness.model.question import Place as Where
from harness.report.commits import CommitStatus, Place
from harness.report.commits import sentences as said
from harness.runs.descend import choose, descend
from harness.sessions.alike import alike
from harness.sessions.driver import Silent
from harness.sessions.finding import Finding
from harness.state import State
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

GOOD = '''"""Says something."""

__version__ = "1.0"


def scale():
    return 2


def factor():
    return 1


def run():
    value = scale() * factor()
    assert value == 2, "wrong"
'''
BAD = GOOD.replace('"1.0"', '"1.1"').replace("return 2", "return 3")
BROKEN = GOOD.replace("def scale", "import nowhere\n\n\ndef scale")
FILE = "toy/__init__.py"
MADE = {"toy/_made.py": "by = 'the build'\n", "toy/large.txt": "many words\n"}
"""Files of both wheels that no commit has: a build makes the first, a store of large files holds the second."""
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 11\n"


@pytest.fixture(scope="module")
def run(toy_state, tmp_path_factory):
    """Locate the boundary between two releases once; every history then lies between just these two."""
    folder = tmp_path_factory.mktemp("commits")
    with pytest.MonkeyPatch.context() as patch, ToyIndex() as index:
        for name, value in {**toy_state, "HARNESS_HOME": str(folder / "own")}.items():
            patch.setenv(name, value)
        for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("PIP_CONFIG_FILE", "/dev/null")
        patch.setenv("UV_DEFAULT_INDEX", index.url)
        patch.chdir(folder)
        for version, code, day in (("1.0", GOOD, DAYS[0]), ("1.1", BAD, DAYS[1])):
            index.add("toy", wheel("toy", version, code, beside=MADE, uploaded=day))
        Path("repro.py").write_text("import toy\ntoy.run()\n", encoding="utf-8")
        words = [sys.executable, "-m", "harness", "bisect", "--package", "toy", "--", "python", "repro.py"]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        yield folder / "reports" / "latest"


@pytest.fixture
def descended(run):
    """Descend with a repository; returns what is said of commits and of hunks."""

    def ask(source):
        report = descend(run, State.find(), Silent(), source=str(source), place=Where())
        _, boundary = choose(report, "", "")
        return boundary.commits, boundary.hunks

    return ask


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def begun(repository):
    """Commit and tag the good release."""
    repository.commit("Begin", {FILE: GOOD, "README": "one"})
    repository.tag("v1.0")
    return repository


def ended(repository, tag="v1.1"):
    """Commit and tag the bad release: whatever the culprit left, only the version is new."""
    name = repository.commit("Release 1.1", {FILE: BAD})
    if tag:
        repository.tag(tag)
    return name


def culprit(repository, subject="Scale by three (#12)"):
    return repository.commit(subject, {FILE: GOOD.replace("return 2", "return 3")})


def checked(answer, commit):
    assert answer.status == CommitStatus.FOUND, said(answer)
    assert answer.culprit.commit == commit
    assert answer.confirmed
    return answer


def test_a_line_of_commits(descended, repository):
    begun(repository)
    repository.git("remote", "add", "origin", "git@github.com:some/toy.git")
    for number in range(3):
        repository.commit(f"Words {number}", {"README": str(number)})
    repository.commit("A comment", {FILE: GOOD + "# more\n"})
    wanted = culprit(repository)
    repository.commit("More words", {"README": "more"})
    ended(repository)
    answer, hunks = descended(repository.folder)
    checked(answer, wanted)
    assert (answer.culprit.subject, answer.culprit.pull_request) == ("Scale by three (#12)", 12)
    assert answer.culprit.link == "https://github.com/some/toy/pull/12"
    assert answer.culprit.date.startswith("2024-03-01")
    assert (answer.commits, answer.touching) == (7, 3)
    assert answer.files == [FILE]
    assert hunks.commit == wanted
    assert [hunk.after for found in hunks.sets for part in found.parts for hunk in part] == [["    return 3"]]
    report = json.loads((Path("reports") / "latest" / "report.json").read_text(encoding="utf-8"))
    (boundary,) = report["arms"][0]["boundaries"]
    assert boundary["commits"]["culprit"]["commit"] == wanted


def test_inside_a_merge_and_a_merge_within(descended, repository):
    begun(repository)
    repository.branch("feature")
    repository.commit("Helper", {"toy/helper.py": "x = 1\n"})
    repository.branch("deeper")
    wanted = culprit(repository, "Scale by three")
    repository.commit("Tidy", {"toy/helper.py": "x = 2\n"})
    repository.switch("feature")
    repository.commit("Words", {"README": "two"})
    repository.merge("deeper", "Merge deeper")
    repository.switch("main")
    repository.commit("Elsewhere", {"toy/other.py": "y = 1\n"})
    merged = repository.merge("feature", "Merge pull request #7 from some/feature")
    repository.commit("Without helpers", {"toy/helper.py": None, "toy/other.py": None})
    ended(repository)
    answer, _ = descended(repository.folder)
    checked(answer, wanted)
    assert answer.place == Place.MERGED
    assert (answer.within.commit, answer.within.pull_request) == (merged, 7)


def test_a_merge_of_two_harmless_sides(descended, repository):
    begun(repository)
    half = GOOD.replace("return 2", "return 3")
    repository.branch("feature")
    repository.commit(
        "Scale, and divide",
        {
            FILE: half.replace("scale() * factor()", "scale() * factor() // OWN + OWN * 0").replace(
                "def scale", "OWN = 1.5\n\n\ndef scale"
            )
        },
    )
    repository.switch("main")
    repository.commit("Elsewhere", {"toy/other.py": "y = 1\n"})
    repository.git("merge", "--no-ff", "--no-commit", "feature")
    wanted = repository.commit("Merge feature", {FILE: half, "toy/other.py": "y = 1\n"})
    assert len(repository.git("log", "-1", "--format=%P").split()) == 2
    repository.commit("Without", {"toy/other.py": None})
    ended(repository)
    answer, _ = descended(repository.folder)
    checked(answer, wanted)
    assert answer.place == Place.MERGE


def test_the_good_release_lies_on_a_release_branch(descended, repository):
    repository.commit("Begin", {FILE: GOOD.replace('"1.0"', '"0.9"')})
    repository.branch("1.0.x")
    repository.commit("Release 1.0", {FILE: GOOD})
    repository.tag("v1.0")
    repository.switch("main")
    repository.commit("A comment", {FILE: GOOD + "# more\n"})
    wanted = culprit(repository)
    ended(repository)
    answer, _ = descended(repository.folder)
    checked(answer, wanted)
    assert answer.place == Place.RANGE


def test_a_repair_that_only_the_release_branch_has(descended, repository):
    repository.commit("Begin", {FILE: GOOD.replace("return 2", "return 3")})
    repository.branch("1.0.x")
    wanted = repository.commit("Repair the scale", {FILE: GOOD})
    repository.tag("v1.0")
    repository.switch("main")
    ended(repository)
    answer, hunks = descended(repository.folder)
    checked(answer, wanted)
    assert answer.place == Place.RELEASE_BRANCH
    assert answer.missing
    assert "cures it, and the bad release lacks it" in said(answer)[0]
    assert [hunk.after for found in hunks.sets for part in found.parts for hunk in part] == [["    return 2"]]


def test_a_repair_that_was_picked_and_undone(descended, repository):
    repository.commit("Begin", {FILE: GOOD.replace("return 2", "return 3")})
    repository.branch("1.0.x")
    repair = repository.commit("Repair the scale", {FILE: GOOD})
    repository.tag("v1.0")
    repository.switch("main")
    repository.commit("Elsewhere", {"toy/other.py": "y = 1\n"})
    repository.pick(repair)
    repository.commit("Not any more", {"toy/other.py": None})
    wanted = culprit(repository, "Three again")
    ended(repository)
    answer, _ = descended(repository.folder)
    checked(answer, wanted)


def test_a_revert_between(descended, repository):
    begun(repository)
    first = culprit(repository)
    repository.commit("Revert", {FILE: GOOD})
    second = culprit(repository, "Scale by three again")
    ended(repository)
    answer, _ = descended(repository.folder)
    assert answer.status == CommitStatus.FOUND
    assert answer.culprit.commit in {first, second}


def test_a_stretch_that_does_not_import(descended, repository):
    begun(repository)
    repository.commit("Break the import", {FILE: BROKEN})
    repository.commit("Still", {FILE: BROKEN + "# still\n"})
    repository.commit("Mend the import", {FILE: GOOD})
    wanted = culprit(repository)
    ended(repository)
    checked(descended(repository.folder)[0], wanted)


def test_a_culprit_within_a_stretch_that_does_not_import(descended, repository):
    begun(repository)
    names = [
        repository.commit("Break the import", {FILE: BROKEN}),
        culprit_within := repository.commit("Scale", {FILE: BROKEN.replace("return 2", "return 3")}),
        repository.commit("Mend the import", {FILE: GOOD.replace("return 2", "return 3")}),
    ]
    ended(repository)
    answer, hunks = descended(repository.folder)
    assert answer.status == CommitStatus.BETWEEN
    assert [one.commit for one in answer.candidates] == names
    assert culprit_within in names
    assert "one of 3 commits does it" in said(answer)[0]
    assert hunks.commit == ""
    assert "No module named 'nowhere'" in " ".join(said(answer))


def test_the_package_moves_to_another_folder(descended, repository):
    begun(repository)
    repository.commit("Move to src", {FILE: None, "src/" + FILE: GOOD})
    wanted = repository.commit("Scale", {"src/" + FILE: GOOD.replace("return 2", "return 3")})
    repository.commit("Release 1.1", {"src/" + FILE: BAD})
    repository.tag("v1.1")
    checked(descended(repository.folder)[0], wanted)


def test_tags_named_otherwise_no_tags_and_a_tag_that_was_moved(descended, repository):
    begun(repository)
    repository.git("tag", "--delete", "v1.0")
    repository.tag("other-2.0")
    repository.tag("toy/release_1_0")
    wanted = culprit(repository)
    last = ended(repository, tag="")
    repository.commit("Go on", {FILE: BAD + "# on\n"})
    repository.tag("toy/release_1_1")
    answer, _ = descended(repository.folder)
    checked(answer, wanted)
    assert (answer.older.tag, answer.newer.tag, answer.newer.moved_tag) == (
        "toy/release_1_0",
        "",
        "toy/release_1_1",
    )
    assert answer.newer.commit == last
    assert any("the tag toy/release_1_1 does not hold its files" in one for one in said(answer))
    for tag in ("toy/release_1_0", "toy/release_1_1"):
        repository.git("tag", "--delete", tag)
    answer, _ = descended(repository.folder)
    checked(answer, wanted)
    assert "no tag names it" in " ".join(said(answer))


def test_what_is_in_the_way_is_said_and_the_hunk_is_found_from_the_wheels(descended, repository, tmp_path):
    begun(repository)
    culprit(repository)
    ended(repository)
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth", "1", f"file://{repository.folder}", shallow], check=True
    )
    stranger = Repository(tmp_path / "stranger")
    stranger.commit("Something else", {"other/__init__.py": ""})
    orphan = Repository(tmp_path / "orphan")
    begun(orphan)
    orphan.git("checkout", "--quiet", "--orphan", "anew")
    ended(orphan)
    for source, status, words in (
        ("auto", CommitStatus.NO_REPOSITORY, "the metadata of toy name no repository"),
        (f"file://{tmp_path}/nowhere.git", CommitStatus.NO_REPOSITORY, "cannot be fetched"),
        (
            shallow,
            CommitStatus.UNMATCHED,
            "the clone is shallow: `git fetch --unshallow --tags` brings the rest",
        ),
        (
            stranger.folder,
            CommitStatus.UNMATCHED,
            "has no tag for 1.0, and none of its commits holds its files",
        ),
        (orphan.folder, CommitStatus.NO_HISTORY, "have no common history"),
    ):
        answer, hunks = descended(source)
        assert answer.status == status, said(answer)
        assert words in " ".join(said(answer))
        assert hunks.conclusion == "found"
        assert hunks.commit == ""


def test_files_that_a_build_makes_or_a_store_holds_stay_as_in_the_release(descended, repository):
    repository.commit("Begin", {FILE: GOOD, "toy/large.txt": POINTER})
    repository.tag("v1.0")
    wanted = culprit(repository)
    ended(repository)
    answer, hunks = descended(repository.folder)
    checked(answer, wanted)
    assert (answer.older.generated, answer.older.differing) == (["toy/_made.py"], ["toy/large.txt"])
    assert any(
        "v1.0 differs in 1 of 3 files (toy/large.txt) from the release 1.0" in one for one in said(answer)
    )
    assert [hunk.file for found in hunks.sets for hunk in found.hunks()] == [FILE]


def test_a_package_in_a_submodule_is_said(descended, repository):
    name = repository.commit("Begin", {"README": "one"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{name},toy")
    repository.git("commit", "--quiet", "--message", "A submodule")
    repository.tag("v1.0")
    repository.tag("v1.1")
    answer, hunks = descended(repository.folder)
    assert answer.status == CommitStatus.UNMATCHED
    assert "its submodule toy is a repository of its own: name a clone of that one" in " ".join(said(answer))
    assert hunks.conclusion == "found"


def test_a_partial_clone_whose_origin_is_gone_is_said(descended, repository, tmp_path):
    begun(repository)
    culprit(repository)
    ended(repository)
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial.git"
    source = f"file://{repository.folder}"
    subprocess.run(["git", "clone", "--quiet", "--bare", "--filter=blob:none", source, partial], check=True)
    subprocess.run(["git", "-C", partial, "remote", "set-url", "origin", "file:///nowhere.git"], check=True)
    answer, hunks = descended(partial)
    assert answer.status == CommitStatus.OTHER_END
    assert "is a partial one and lacks" in " ".join(said(answer))
    assert hunks.conclusion == "found"


def test_a_url_is_cloned_and_fetched_anew(descended, repository):
    begun(repository)
    wanted = culprit(repository)
    ended(repository, tag="")
    url = f"file://{repository.folder}"
    checked(descended(url)[0], wanted)
    shutil.rmtree(repository.folder / ".git" / "logs")
    repository.tag("v1.1")
    assert checked(descended(url)[0], wanted).newer.tag == "v1.1"


def test_a_path_that_is_no_repository_is_bad_input(run, tmp_path):
    for source, words in (
        (tmp_path / "none", "there is no such folder"),
        (tmp_path, "git reads no repository there"),
    ):
        with pytest.raises(UsageError, match=words):
            descend(run, State.find(), Silent(), source=str(source), place=Where())


@pytest.mark.parametrize("guilty", ["package", "dependency"])
def test_a_dependency_that_moves_with_the_release(toy, harness, monkeypatch, repository, guilty):
    """Both releases' files are executed with one set of dependencies: where these do it, no commit is blamed."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "own"))
    asks = "import helper\n\n" + GOOD.replace("return 1", "return helper.FACTOR")
    good, bad = (asks, asks.replace('"1.0"', '"1.1"')) if guilty == "dependency" else (GOOD, BAD)
    factor = 2 if guilty == "dependency" else 1
    repository.commit("Begin", {FILE: good})
    repository.tag("v1.0")
    wanted = repository.commit("The change", {FILE: bad + "# on the way\n"})
    repository.commit("Release 1.1", {FILE: bad})
    repository.tag("v1.1")
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        index.add("helper", wheel("helper", "1.0", "FACTOR = 1\n", uploaded=DAYS[0]))
        index.add("helper", wheel("helper", "2.0", f"FACTOR = {factor}\n", uploaded=DAYS[0]))
        index.add("toy", wheel("toy", "1.0", good, ("helper<2",), uploaded=DAYS[0]))
        index.add("toy", wheel("toy", "1.1", bad, ("helper>=2",), uploaded=DAYS[1]))
        Path("repro.py").write_text("import toy\ntoy.run()\n", encoding="utf-8")
        done = harness(
            "bisect", "--package", "toy", f"--commits={repository.folder}", "--", "python", "repro.py"
        )
    assert done.returncode == 0, done.stderr
    report = json.loads((Path("reports") / "latest" / "report.json").read_text(encoding="utf-8"))
    answer = next(one["commits"] for one in report["arms"][0]["boundaries"] if one["signal"] == "verdict")
    assert answer["moved"] == ["helper 1.0 -> 2.0"]
    if guilty == "dependency":
        assert answer["status"] == "dependency"
        assert (
            "no commit does it: the dependencies that differ between both releases do: helper 1.0 -> 2.0"
            in done.stdout
        )
    else:
        assert answer["culprit"]["commit"] == wanted
        assert (
            "helper 1.0 -> 2.0 differs between the releases too, and not in these executions" in done.stdout
        )


def test_an_error_that_names_a_file_or_an_address_is_the_same_in_another_folder():
    def ended(text):
        return Finding(Judgement(Verdict.BAD, text, Fingerprint("exception", exception="ImportError")))

    said = "ImportError: cannot import name 'a' from 'b' ({}/site-packages/b/__init__.py), <function f at {}>"
    first, again = (
        ended(said.format(*where)) for where in (("/home/x", "0x7f2f"), ("/tmp/overlays/1d", "0x55aa"))
    )
    assert alike(again, [first], to_the_word=True)
    other = ended(said.format("/home/x", "0x7f2f").replace("'a'", "'c'"))
    assert not alike(other, [first], to_the_word=True)


def test_a_line_of_a_commit_that_raises_lies_in_the_package(descended, repository):
    """The traceback of an execution with other files is read as that of the installed ones."""
    begun(repository)
    culprit(repository)
    ended(repository)
    descended(repository.folder)
    traces = [path.read_text(encoding="utf-8") for path in State.find().probes.rglob("trace.jsonl")]
    overlaid = [text for text in traces if '"overlay"' in text and '"error"' in text]
    assert overlaid
    assert all('"file": "toy/__init__.py"' in text.replace('":"', '": "') for text in overlaid)


def test_without_git_the_hunk_is_found_from_the_wheels(descended, repository, monkeypatch, tmp_path):
    begun(repository)
    monkeypatch.setattr(harness.git, "PROGRAM", str(tmp_path / "nowhere"))
    answer, hunks = descended(f"file://{repository.folder}")
    assert answer.status == CommitStatus.NO_REPOSITORY
    assert "git is not installed" in said(answer)[0]
    assert hunks.conclusion == "found"


def test_a_patch_is_applied_to_every_commit(run, repository, tmp_path):
    """The stretch that does not import is mended by the patch, so that the commit within it is found."""
    begun(repository)
    broken = GOOD.replace("__version__", "import nowhere\n\n__version__")
    repository.commit("Break the import", {FILE: broken})
    patch = tmp_path / "mend.patch"
    repository.git("diff", f"--output={patch}", "HEAD", "HEAD~1")
    wanted = repository.commit("Scale", {FILE: broken.replace("return 2", "return 3")})
    repository.commit("Mend the import", {FILE: GOOD.replace("return 2", "return 3")})
    ended(repository)
    report = descend(
        run, State.find(), Silent(), source=str(repository.folder), patch=str(patch), place=Where()
    )
    _, boundary = choose(report, "", "")
    checked(boundary.commits, wanted)
    assert "the patch mend.patch applies to 2 of the executed commits" in said(boundary.commits)


def test_a_patch_that_is_none_is_bad_input(run, repository, tmp_path):
    begun(repository)
    ended(repository)
    text = tmp_path / "words.txt"
    text.write_text("no patch\n", encoding="utf-8")
    for patch, words in ((tmp_path / "none", "there is no such file"), (text, "git reads no patch there")):
        with pytest.raises(UsageError, match=words):
            descend(
                run, State.find(), Silent(), source=str(repository.folder), patch=str(patch), place=Where()
            )
