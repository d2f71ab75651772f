import pytest
from histories import BAD, GOOD, Flaky, region, solve, written

from harness.search.boundaries import Conclusion

EVERYTHING = frozenset(range(34))


def said(found, words):
    return any(words in sentence for sentence in found.answer.log)


def flaky_release(position_flaky, rate, first_bad=20, count=34):
    """Noiseless but for one good release, which fails at a rate."""
    steady = Flaky(0, count, first_bad=first_bad)

    def with_seed(seed):
        shaky = Flaky(seed, count, wrong=rate, first_bad=first_bad)
        return lambda p, r: (shaky if p == position_flaky else steady)(p, r)

    return with_seed


def test_sweep_probes_all_then_both_sides_again():
    found = solve("sweep", written(region(34, 9, 18)), 34, jobs=4)
    assert found.sides == [(8, 9), (17, 18)]
    assert found.releases == 34
    assert found.runs == 34 + 2 + 2 * 4  # both ends once more, each side twice
    assert all(boundary.confirmed for boundary in found.answer.boundaries)


def test_sweep_without_a_boundary_checks_determinism_once():
    found = solve("sweep", written("g" * 10), 10, digest=lambda _p, _r: "same")
    assert found.answer.conclusion == Conclusion.ALWAYS_GOOD
    assert found.runs == 11
    assert said(found, "deterministic")


def test_a_job_without_traces_is_repeated_at_both_ends():
    found = solve("sweep", written("g" * 10), 10)
    assert found.answer.conclusion == Conclusion.ALWAYS_GOOD
    assert [runs for _, runs in found.answer.counts] == [2] + [1] * 8 + [2]
    cheap = solve("auto", written("g" * 10), 10, cheap=frozenset(range(10)))
    assert [runs for _, runs in cheap.answer.counts] == [2] + [1] * 8 + [3]
    assert solve("sweep", written("s" * 4), 4).answer.conclusion == Conclusion.INCONCLUSIVE


def test_sweep_sees_every_narrow_boundary():
    found = solve("sweep", written("gbgbggsb"), 8)
    assert found.sides == [(0, 1), (1, 2), (2, 3), (3, 4), (5, 7)]
    assert found.answer.conclusion == Conclusion.NON_MONOTONE


def test_auto_sweeps_what_is_cheap_and_bisects_what_is_not():
    cheap = solve("auto", written(region(34, 20, 34)), 34, cheap=EVERYTHING)
    assert cheap.releases == 34
    assert said(cheap, "probing them all")
    dear = solve("auto", written(region(34, 20, 34)), 34, cheap=EVERYTHING - {3}, digest=lambda p, r: str(p))
    assert dear.releases <= 8
    assert said(dear, "bisecting")
    assert dear.sides == cheap.sides == [(19, 20)]


def test_auto_tells_when_it_maps_every_boundary():
    found = solve("auto", written(region(34, 9, 18)), 34)
    assert said(found, "contradict a single boundary")


def test_the_noise_model_decides_from_the_first_disagreement_on():
    def truth(position, repeat):
        if position == 0 and repeat == 1:
            return BAD
        return BAD if position >= 25 else GOOD

    found = solve("auto", truth, 34)
    assert said(found, "executions of 0 disagree: the noise model decides")
    assert said(found, "--seeds N")
    assert found.sides == [(24, 25)]
    assert found.answer.conclusion == Conclusion.REGRESSED
    assert found.answer.verdicts[0] == "good"
    assert found.answer.counts[0][0] == 1
    assert found.answer.confidence >= 0.95


def test_one_contrary_execution_beside_several_boundaries():
    def truth(position, repeat):
        if position == 9 and repeat == 1:
            return GOOD
        return BAD if 9 <= position < 18 else GOOD

    found = solve("auto", truth, 34, cheap=EVERYTHING)
    assert found.sides == [(8, 9), (17, 18)]


def test_equal_traces_spare_the_noise_model():
    steady = written(region(34, 20, 34))
    found = solve("auto", steady, 34, digest=lambda p, r: f"{p}/{r}")
    assert found.sides == [(19, 20)]
    same = solve("auto", steady, 34, digest=lambda p, r: f"{p}")
    assert same.runs == same.releases + 2 < found.runs
    assert same.answer.confidence == pytest.approx(1)


@pytest.mark.parametrize("strategy", ["auto", "binary", "noisy"])
def test_a_flaky_release_with_twenty_percent_failures_does_not_move_the_answer(strategy):
    right = 0
    for seed in range(120):
        truth = flaky_release(seed % 20, 0.2)(seed)
        right += solve(strategy, truth, 34).sides == [(19, 20)]
    assert right >= 117


def test_auto_mostly_survives_noise_on_every_release():
    ended = [
        solve("auto", history, 34).sides == [(history.first_bad - 1, history.first_bad)]
        for history in (Flaky(seed, 34, 0.05, 0.05) for seed in range(100))
    ]
    assert sum(ended) >= 95
