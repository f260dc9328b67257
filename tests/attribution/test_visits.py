from __future__ import annotations

from pathlib import Path

from shieldproxy.attribution.visits import Period, choose_attackers, collect_visits
from tests.attribution.conftest import Open, attacker, citizen
from tests.fakes.records import TEN_FIFTEEN, write_journal

WHOLE = Period(int(TEN_FIFTEEN * 1000), int(TEN_FIFTEEN * 1000) + 3_600_000)
CALM = Period(WHOLE.since - 3_600_000, WHOLE.since)


def test_a_client_is_one_row_with_all_it_did(opened: Open, tmp_path: Path) -> None:
    """Sums of weights, and what became of its challenges."""
    records = [
        attacker(0.0, weight=10),
        attacker(1.0, challenge="passed", action="admit"),
        attacker(2.0, action="admit", stage="cleared", rule="clearance", challenge=""),
        attacker(3.0, challenge="wrong", action="admit"),
        attacker(4.0, action="drop", stage="banned", challenge="", weight=3),
    ]
    write_journal(tmp_path / "journal", records)
    with opened() as archive:
        collect_visits(archive, WHOLE)
        names = "client, requests, reached, challenged, refused, issued, passed, failed, cleared"
        assert archive.rows(f"SELECT {names} FROM visits") == [("203.0.113.0", 16, 1, 10, 3, 10, 1, 1, 1)]


def test_attackers_are_those_who_were_stopped_and_never_answered(opened: Open, flooded: Path) -> None:
    """People who pass, who hold a clearance, or whom nobody asked are none; neither is a robot that proved itself."""
    others = [
        attacker(10.0, 1_001, src_ip="192.0.2.1", client="192.0.2.1"),
        attacker(11.0, 1_001, src_ip="192.0.2.1", client="192.0.2.1", challenge="passed", action="admit"),
        citizen(12.0, src_ip="192.0.2.2", client="192.0.2.2", action="admit", stage="cleared", rule="crawler"),
        attacker(13.0, src_ip="192.0.2.2", client="192.0.2.2", action="throttle", challenge=""),
        attacker(14.0, src_ip="192.0.2.3", client="192.0.2.3"),
    ]
    write_journal(flooded, others, name="edge2.0")
    with opened() as archive:
        collect_visits(archive, WHOLE)
        suspects = choose_attackers(archive, CALM)
        assert suspects.judged
        assert suspects.few == 1
        found = {client for (client,) in archive.rows("SELECT client FROM attackers")}
    assert "192.0.2.3" in found
    assert not {"192.0.2.1", "192.0.2.2"} & found
    assert not any(client.startswith("198.51.100.") for client in found)


def test_without_verdicts_pace_tells(opened: Open, tmp_path: Path) -> None:
    """In the log of another server attackers are those who ask more than 99 of 100 did before."""
    records = [citizen(second, second) for second in range(3_600)]
    records += [attacker(4_000 + n / 50, n % 20, action="admit", stage="imported", challenge="") for n in range(4_000)]
    write_journal(tmp_path / "journal", records)
    with opened() as archive:
        collect_visits(archive, Period(WHOLE.since + 4_000_000, WHOLE.since + 4_100_000))
        suspects = choose_attackers(archive, WHOLE)
        assert not suspects.judged
        assert "16 requests" in suspects.words
        assert archive.rows("SELECT count(*) FROM attackers") == [(20,)]


def test_in_mode_observe_an_unseen_challenge_is_nothing(opened: Open, tmp_path: Path) -> None:
    """Nobody can pass what nobody saw; a refusal that would have been still counts."""
    records = [attacker(n, n, enforced=False, challenge="") for n in range(10)]
    records += [attacker(n, 7, enforced=False, challenge="", action="refuse") for n in range(10, 12)]
    write_journal(tmp_path / "journal", records)
    with opened() as archive:
        collect_visits(archive, WHOLE)
        assert archive.rows("SELECT sum(stopped), sum(reached) FROM visits") == [(2, 12)]
