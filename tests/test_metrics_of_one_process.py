"""What is counted is there at the next scrape, once."""

from authsvc import metrics


def samples():
    lines = metrics.render().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_requests_are_counted_by_registry_result_and_reason():
    for _ in range(3):
        metrics.count_token("a.test", "refused", "no_grant")
    metrics.count_token("a.test", "granted", "")
    found = samples()
    name = "authsvc_token_requests_total"
    assert found[name + '{reason="no_grant",registry="a.test",result="refused"}'] == "3.0"
    assert found[name + '{reason="",registry="a.test",result="granted"}'] == "1.0"
    again = samples()
    ours = [sample for sample in found if sample.startswith("authsvc_")]
    assert all(again[sample] == found[sample] for sample in ours)


def test_remembered_credentials_are_counted_and_flushing_twice_counts_once():
    metrics.count_remembered("hit")
    metrics.flush()
    metrics.flush()
    assert samples()['authsvc_remembered_total{result="hit"}'] == "1.0"


def test_the_process_shows_its_own_size():
    assert float(samples()["process_resident_memory_bytes"]) > 1_000_000
